/**
 * Events that producers wrote to Kafka directly: JSON objects, or Avro with a registered schema
 * that the source can read. They are validated like events that come over HTTP; a record that
 * cannot be decoded is rejected. Where its producer samples a record's trace, the event continues
 * the trace.
 */

import { nestedDecoder } from '#domain/avro/nested-decoder.ts';
import { messageOf } from '#domain/error-message.ts';
import { hasCode, MillraceError } from '#domain/errors.ts';
import type { IngestRecords } from '#domain/ports/ingest-records.ts';
import type { LogRecord, OutgoingRecord } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { sampledTrace } from '#domain/ports/tracing.ts';
import { isTooDeep, MAX_DEPTH } from '#domain/sources/json-depth.ts';
import { producerDecoder } from '#domain/sources/producer-decoder.ts';
import { parseExactJson } from '#domain/values/exact-json.ts';
import { type IngestedEvent, ingestEvent, type Reason, rejectText } from './ingest-event.ts';
import type { SourceIngest } from './source-ingest.ts';

const INGEST_ACTOR = 'kafka';
const OBJECT_BEGINS = '{'.charCodeAt(0);

type Decoded =
  | { readonly ok: true; readonly event: unknown; readonly schema?: object }
  /** Kafka's tombstone of compaction, after the change record of a deleted row */
  | { readonly ok: 'nothing' }
  | { readonly ok: false; readonly reason: Reason };

const refused = (message: string): Decoded => ({
  ok: false,
  reason: { code: 'MR_BODY_INVALID', field: null, message },
});
const utf8 = new TextDecoder('utf-8', { fatal: true });

const isJson = ({ schemaId, value }: LogRecord): boolean =>
  schemaId < 0 && value[0] === OBJECT_BEGINS;

const textOf = (record: LogRecord): string =>
  isJson(record)
    ? Buffer.from(record.value).toString()
    : JSON.stringify({ base64: Buffer.from(record.value).toString('base64') });

const decodeJson = (value: Uint8Array): Decoded => {
  if (isTooDeep(value)) return refused(`the record is nested deeper than ${MAX_DEPTH} levels`);
  try {
    return { ok: true, event: parseExactJson(utf8.decode(value)) };
  } catch (error) {
    return refused(`the record begins like a JSON object and is not one: ${messageOf(error)}`);
  }
};

interface Decoder {
  readonly decode: (value: Uint8Array) => unknown;
  /** of change records, whose columns have types that the source does not have */
  readonly schema?: object;
}

export const createIngestRecords = (
  source: SourceIngest,
  { schemas, now }: { readonly schemas: SchemaRegistry; readonly now: () => number },
): IngestRecords => {
  const codecs = new Map<number, Decoder | string>();

  /** A decoder, or a text that says why records of this schema cannot be read. */
  const codecOf = async (schemaId: number): Promise<Decoder | string> => {
    let codec = codecs.get(schemaId);
    if (codec !== undefined) return codec;
    try {
      const schema = await schemas.schema(schemaId);
      codec =
        source.readChange === null
          ? { decode: producerDecoder(source.definition, schema) }
          : { decode: nestedDecoder(schema), schema };
    } catch (error) {
      // The registry is unavailable: whether the record is valid is not known.
      if (error instanceof MillraceError && error.status >= 500) throw error;
      // The schema may still be registered, so this answer is not cached.
      if (hasCode(error, 'MR_NOT_FOUND')) return `there is no schema ${schemaId}`;
      codec = `schema ${schemaId} cannot be read as source "${source.definition.name}": ${messageOf(error)}`;
    }
    codecs.set(schemaId, codec);
    return codec;
  };

  const decode = async (record: LogRecord): Promise<Decoded> => {
    if (source.readChange !== null && record.value.length === 0) return { ok: 'nothing' };
    if (isJson(record)) return decodeJson(record.value);
    if (record.schemaId < 0)
      return refused(
        'the record is neither a JSON object nor Avro: send JSON, or a zero byte, the schema id in four bytes, Avro',
      );
    const codec = await codecOf(record.schemaId);
    if (typeof codec === 'string') return refused(codec);
    try {
      const { schema, decode: read } = codec;
      return { ok: true, event: read(record.value), ...(schema !== undefined && { schema }) };
    } catch (error) {
      return refused(
        `the record does not match its schema ${record.schemaId}: ${messageOf(error)}`,
      );
    }
  };

  return async (batch) => {
    const time = now();
    const records: OutgoingRecord[] = [];
    const ids: string[] = [];
    const undo = (): void => {
      for (const id of ids) source.dedupe?.remove(id);
    };
    try {
      for (const record of batch) {
        const decoded = await decode(record);
        if (decoded.ok === 'nothing') continue;
        const ingested: IngestedEvent = decoded.ok
          ? ingestEvent(source, decoded.event, time, INGEST_ACTOR, undefined, decoded.schema)
          : rejectText(source, decoded.reason, textOf(record), INGEST_ACTOR);
        if (ingested.kind === 'duplicate') continue;
        const trace = sampledTrace(record.headers);
        records.push(
          trace === null ? ingested.record : { ...ingested.record, headers: { ...trace } },
        );
        if (ingested.kind === 'accepted' && ingested.id !== null) ids.push(ingested.id);
      }
    } catch (error) {
      undo();
      throw error;
    }
    return { records, undo };
  };
};

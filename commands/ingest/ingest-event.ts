/**
 * Ingestion of one event, from HTTP, gRPC or Kafka: the record to append to the raw topic, or the
 * record for the rejected topic with the reason.
 */
import type { ErrorCode } from '#domain/errors.ts';
import { encodeRejectedEvent } from '#domain/events/rejected-event.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import type { OutgoingRecord } from '#domain/ports/log.ts';
import type { Imports } from '#domain/sources/knowledge.ts';
import { refuseKnownTime } from '#domain/sources/known-time.ts';
import type { Row, Scalar } from '#domain/values/value.ts';
import type { SourceIngest } from './source-ingest.ts';

/** The largest encoded event, in bytes. */
export const MAX_EVENT_BYTES = 1024 * 1024;
const REJECTED_EVENT_CHARS = 64 * 1024;

export interface Reason {
  readonly code: ErrorCode;
  readonly field: string | null;
  readonly message: string;
}

export type IngestedEvent =
  | { readonly kind: 'accepted'; readonly record: OutgoingRecord; readonly id: string | null }
  /** its id was seen within the source's dedupe window */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'rejected'; readonly record: OutgoingRecord; readonly reason: Reason };

const hashText = (text: string): number => {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
};

const asText = (event: unknown): string => JSON.stringify(event) ?? String(event);

/** The record of a rejected event. @param text the event as it was sent */
export const rejectText = (
  source: SourceIngest,
  reason: Reason,
  text: string,
  actor: string,
): IngestedEvent => {
  const event =
    text.length > REJECTED_EVENT_CHARS ? `${text.slice(0, REJECTED_EVENT_CHARS)}…` : text;
  const value = encodeRejectedEvent({ ...reason, event, actor });
  const record = {
    topic: source.rejected,
    partition: 0,
    key: null,
    value,
    schemaId: source.rejectedSchemaId,
  };
  return { kind: 'rejected', record, reason };
};

/** The record of a valid row in the raw topic. */
export const rawRecord = (source: SourceIngest, row: Row, id: string | null): OutgoingRecord => {
  const key =
    source.partitionBy === null
      ? id
      : encodeKey(source.partitionBy.map((field) => row[field] as Scalar));
  const partition =
    source.partitions === 1 ? 0 : hashText(key ?? JSON.stringify(row)) % source.partitions;
  return {
    topic: source.topic,
    partition,
    key,
    value: source.codec.encode(row),
    schemaId: source.schemaId,
    decoded: row,
  };
};

/**
 * Validates and encodes an event. The id of an accepted event is remembered: where the append
 * fails, the caller removes it again (`source.dedupe.remove`).
 *
 * @param imports absent: a live event
 * @param schema of a change record that came in Avro
 */
export const ingestEvent = (
  source: SourceIngest,
  event: unknown,
  time: number,
  actor: string,
  imports?: Imports,
  schema?: object,
): IngestedEvent => {
  const reject = ({ code, field, message }: Reason): IngestedEvent =>
    rejectText(source, { code, field, message }, asText(event), actor);
  const read = source.readChange?.(event, schema) ?? null;
  if (read !== null && !read.ok) return reject(read);
  const checked = source.validate(read === null ? event : read.event, time);
  if (!checked.ok) return reject(checked);
  const { row, id } = checked;
  const refusal = refuseKnownTime(source.definition, row, time, imports);
  if (refusal !== null) return reject(refusal);
  const record = rawRecord(source, row, id);
  if (record.value.length > MAX_EVENT_BYTES) {
    const message = `the event is ${record.value.length} bytes; source "${source.definition.name}" takes events of at most ${MAX_EVENT_BYTES}`;
    return reject({ code: 'MR_EVENT_TOO_LARGE', field: null, message });
  }
  if (id !== null && source.dedupe !== null && !source.dedupe.add(id, time))
    return { kind: 'duplicate' };
  return { kind: 'accepted', record, id };
};

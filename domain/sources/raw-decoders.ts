/**
 * Decodes raw records that any version of their source wrote into rows of its current version: Avro
 * schema resolution fills fields that an older writer did not have and widens its narrower types.
 * Decoding is synchronous, because it happens inside the log's commits.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { MillraceError } from '#domain/errors.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { eventTimeOf } from '#domain/sources/event-time.ts';
import { knownTimeOf } from '#domain/sources/knowledge.ts';
import { rawCodec } from '#domain/sources/raw-codec.ts';
import type { Row } from '#domain/values/value.ts';

export interface RawDecoders {
  /**
   * Loads every schema that the source's topic was written with; call it when the source changes.
   */
  readonly learn: (source: SourceDefinition) => Promise<void>;
  readonly decode: (schemaId: number, value: Uint8Array) => Row;
  readonly eventTime: (source: string, row: Row) => number;
  /** The known time of an imported event, epoch ms; null: a live event. */
  readonly knownTime: (source: string, row: Row) => number | null;
}

/** What the record encodes: the writer's row where it is in this append, so it is not decoded. */
export const rowOf = (
  { decode }: Pick<RawDecoders, 'decode'>,
  { decoded, schemaId, value }: Pick<LogRecord, 'decoded' | 'schemaId' | 'value'>,
): Row => (decoded as Row | undefined) ?? decode(schemaId, value);

export const createRawDecoders = (schemas: SchemaRegistry): RawDecoders => {
  const byId = new Map<number, (value: Uint8Array) => Row>();
  const times = new Map<string, (row: Row) => number>();
  const sources = new Map<string, SourceDefinition>();
  return {
    async learn(source) {
      for (const { id } of await schemas.versions(`${rawTopic(source.name)}-value`)) {
        byId.set(id, rawCodec(source, await schemas.schema(id)).decode);
      }
      times.set(source.name, eventTimeOf(source));
      sources.set(source.name, source);
    },
    decode(schemaId, value) {
      const decode = byId.get(schemaId);
      if (decode === undefined)
        throw new MillraceError(
          'MR_INTERNAL',
          `a raw record has schema ${schemaId}, which was not learnt when its source was opened`,
        );
      return decode(value);
    },
    eventTime(source, row) {
      const time = times.get(source);
      if (time === undefined)
        throw new MillraceError(
          'MR_INTERNAL',
          `source "${source}" was not opened before its records were read`,
        );
      return time(row);
    },
    knownTime(name, row) {
      const source = sources.get(name);
      return source === undefined ? null : knownTimeOf(source, row);
    },
  };
};

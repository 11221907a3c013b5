/** Records of features.<view>, whoever wrote them and with whichever schema, as tile updates. */
import type { Type } from 'avsc';
import type { LogRecord } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { avroCodec } from '#domain/views/avro.ts';
import type { ViewPlan } from '#domain/views/plan.ts';
import { type RecordedUpdate, updateReader } from '#domain/views/update-record.ts';

export interface UpdateDecoder {
  /** Null where the record holds no update (a tombstone). */
  readonly decode: (plan: ViewPlan, record: LogRecord) => RecordedUpdate | null | Promise<RecordedUpdate | null>;
}

export const updateDecoder = (schemas: Pick<SchemaRegistry, 'schema'>): UpdateDecoder => {
  const types = new Map<number, Type>();
  const readers = new WeakMap<ViewPlan, ReturnType<typeof updateReader>>();
  const readerOf = (plan: ViewPlan): ReturnType<typeof updateReader> => {
    const reader = readers.get(plan) ?? updateReader(plan);
    readers.set(plan, reader);
    return reader;
  };
  const read = (plan: ViewPlan, type: Type, value: Uint8Array): RecordedUpdate =>
    readerOf(plan)(type.fromBuffer(Buffer.from(value.buffer, value.byteOffset, value.byteLength)) as Record<string, unknown>);
  return {
    decode(plan, { schemaId, value }) {
      if (value.length === 0) return null;
      const type = types.get(schemaId);
      if (type !== undefined) return read(plan, type, value);
      return schemas.schema(schemaId).then((schema) => {
        const found = avroCodec(schema);
        types.set(schemaId, found);
        return read(plan, found, value);
      });
    },
  };
};

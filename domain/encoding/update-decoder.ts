/** Decodes records of features.<view>, whichever engine and schema wrote them, as tile updates. */

import { avroCodec } from '#domain/avro/codec.ts';
import { packedUpdateReader } from '#domain/encoding/update-packed.ts';
import { type RecordedUpdate, updateReader } from '#domain/encoding/update-record.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';

type Decode<Update> = (plan: ViewPlan, record: LogRecord) => Update | null | Promise<Update | null>;

export interface UpdateDecoder {
  /** Null where the record holds no update (a tombstone). */
  readonly decode: Decode<RecordedUpdate>;
  /** The same, for packed entities: references that fit into doubles are in `fixed`. */
  readonly pack: Decode<RecordedUpdate>;
}

type Read = (value: Uint8Array) => RecordedUpdate;

/** Caches readers by plan and schema. */
const decodeBy = (
  schemas: Pick<SchemaRegistry, 'schema'>,
  make: (plan: ViewPlan) => (schema: object) => Read,
): Decode<RecordedUpdate> => {
  const plans = new WeakMap<
    ViewPlan,
    { readonly ofSchema: (schema: object) => Read; readonly known: Map<number, Read> }
  >();
  return (plan, { schemaId, value }) => {
    if (value.length === 0) return null;
    let mine = plans.get(plan);
    if (mine === undefined) plans.set(plan, (mine = { ofSchema: make(plan), known: new Map() }));
    const { ofSchema, known } = mine;
    const read = known.get(schemaId);
    if (read !== undefined) return read(value);
    return schemas.schema(schemaId).then((schema) => {
      const found = ofSchema(schema as object);
      known.set(schemaId, found);
      return found(value);
    });
  };
};

const byAvsc = (plan: ViewPlan): ((schema: object) => Read) => {
  const read = updateReader(plan);
  return (schema) => {
    const type = avroCodec(schema);
    return ({ buffer, byteOffset, byteLength }) =>
      read(type.fromBuffer(Buffer.from(buffer, byteOffset, byteLength)) as Record<string, unknown>);
  };
};

export const updateDecoder = (schemas: Pick<SchemaRegistry, 'schema'>): UpdateDecoder => ({
  decode: decodeBy(schemas, byAvsc),
  pack: decodeBy(schemas, (plan) => (schema) => packedUpdateReader(schema, plan)),
});

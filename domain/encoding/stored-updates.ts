/**
 * Reads the updates of a generation from features.<view> by the schema that each record was written
 * with. The records of other plans are in the same topic, and those of the same plan may have been
 * written by an earlier release, which kept some states under other names.
 */
import { avroCodec } from '#domain/avro/codec.ts';
import { type AvroNames, emptyCursor, plainReader, pointAt } from '#domain/avro/reader.ts';
import { fail } from '#domain/errors.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { TileUpdate } from '#domain/tiles/tile-update.ts';
import { FIXED_FIELDS, recordedName, slotColumns } from './features-schema.ts';
import { updateReader } from './update-record.ts';

export interface StoredUpdate extends TileUpdate {
  readonly watermark: number;
}

export interface UpdateSchema {
  readonly generationOf: (record: Uint8Array) => number;
  /** epoch ms; null where an earlier release wrote the record, without a watermark */
  readonly watermarkOf: (record: Uint8Array) => number | null;
  /** whether the schema has the plan's keys and all of its states: only then `decode` is called */
  readonly fits: boolean;
  readonly decode: (record: Uint8Array) => StoredUpdate;
}

interface RecordSchema {
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: unknown }[];
}

/** Reads a record's fields up to a number; null: it has none of this name. */
const numberReader = (
  schema: RecordSchema,
  field: string,
): ((record: Uint8Array) => number | null) => {
  const names: AvroNames = new Map([[schema.name, schema]]);
  const at = schema.fields.findIndex(({ name }) => name === field);
  const reads = schema.fields.slice(0, at + 1).map(({ type }) => plainReader(type, names));
  const cursor = emptyCursor();
  return (record) => {
    pointAt(cursor, record);
    let value: unknown = null;
    for (const read of reads) value = read(cursor);
    return value as number | null;
  };
};

const fits = (plan: ViewPlan, { fields }: RecordSchema): boolean => {
  const names = new Set(fields.map(({ name }) => name));
  const has = (name: string): boolean => names.has(name);
  return (
    plan.keys.every(({ name }) => has(`key_${name}`)) &&
    FIXED_FIELDS.every(({ name }) => has(name)) &&
    plan.hops.every((_, hop) => {
      const { nums, refs } = slotColumns(plan, hop);
      return [...nums, ...refs].every((column) => recordedName(column, has) !== null);
    })
  );
};

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const storedUpdates = (plan: ViewPlan): ((schema: object) => UpdateSchema) => {
  const read = updateReader(plan);
  const fieldsOf = new Map(
    plan.hops.map(({ hopMs, partials }) => [
      hopMs,
      partials.flatMap(({ partial }) => partial.refs),
    ]),
  );
  return (schema) => {
    const type = avroCodec(schema);
    const generationOf = numberReader(schema as RecordSchema, 'generation');
    return {
      generationOf: (record) => generationOf(record) ?? -1,
      watermarkOf: numberReader(schema as RecordSchema, 'watermark'),
      fits: fits(plan, schema as RecordSchema),
      decode(bytes) {
        const update = read(type.fromBuffer(bufferOf(bytes)) as Record<string, unknown>);
        const fields = fieldsOf.get(update.hopMs);
        if (fields === undefined)
          return fail(
            'MR_STORAGE_FAILED',
            `a feature update of view "${plan.view}" has a hop that is not in the view's plan`,
          );
        try {
          return { ...update, refs: update.refs.map((ref, i) => fields[i]?.decode(ref)) };
        } catch {
          return fail(
            'MR_STORAGE_FAILED',
            `a feature update of view "${plan.view}" has a partial state that cannot be decoded`,
          );
        }
      },
    };
  };
};

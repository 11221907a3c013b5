/**
 * Reads the updates of a generation from features.<view> by the schema that each record was written
 * with. The records of other plans are in the same topic, and those of the same plan may have been
 * written by an earlier release, which kept some states under other names.
 */
import { avroCodec } from '#domain/avro/codec.ts';
import {
  type AvroNames,
  type Cursor,
  emptyCursor,
  plainReader,
  pointAt,
} from '#domain/avro/reader.ts';
import { fail } from '#domain/errors.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { TileUpdate } from '#domain/tiles/tile-update.ts';
import type { Scalar } from '#domain/values/value.ts';
import { FIXED_FIELDS, recordedName, slotColumns } from './features-schema.ts';
import { updateReader } from './update-record.ts';

export interface StoredUpdate extends TileUpdate {
  readonly watermark: number;
}

/** What an update says beside the states. */
interface UpdateHead {
  /** encoded entity key; only where the schema fits */
  readonly key: string;
  readonly generation: number;
  /** of the tile, epoch ms */
  readonly newestEventTime: number;
  /** epoch ms; null where an earlier release wrote the record */
  readonly watermark: number | null;
}

export interface UpdateSchema {
  /** Without decoding the states; valid until the next call. */
  readonly headOf: (record: Uint8Array) => UpdateHead;
  /** whether the schema has the plan's keys and all of its states: only then `decode` is called */
  readonly fits: boolean;
  readonly decode: (record: Uint8Array) => StoredUpdate;
}

interface RecordSchema {
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: unknown }[];
}

/** Reads a record's fields up to the last one of the head. */
const headReader = (
  schema: RecordSchema,
  { keys }: ViewPlan,
): ((record: Uint8Array) => UpdateHead) => {
  const names: AvroNames = new Map([[schema.name, schema]]);
  const key: Scalar[] = keys.map(() => '');
  const head: { -readonly [Field in keyof UpdateHead]: UpdateHead[Field] } = {
    key: '',
    generation: -1,
    newestEventTime: Number.NEGATIVE_INFINITY,
    watermark: null,
  };
  const setters: Readonly<Record<string, (value: unknown) => void>> = {
    generation: (value) => void (head.generation = value as number),
    newest_event_time: (value) => void (head.newestEventTime = value as number),
    watermark: (value) => void (head.watermark = value as number),
    ...Object.fromEntries(
      keys.map(({ name }, i) => [
        `key_${name}`,
        (value: unknown) => void (key[i] = value as Scalar),
      ]),
    ),
  };
  const last = schema.fields.findLastIndex(({ name }) => Object.hasOwn(setters, name));
  const steps = schema.fields.slice(0, last + 1).map(({ name, type }) => {
    const read = plainReader(type, names);
    const set = Object.hasOwn(setters, name) ? setters[name] : undefined;
    return set === undefined ? read : (c: Cursor) => set(read(c));
  });
  const cursor = emptyCursor();
  return (record) => {
    pointAt(cursor, record);
    for (let i = 0; i < steps.length; i++) (steps[i] as (c: Cursor) => unknown)(cursor);
    head.key = encodeKey(key);
    return head;
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
    return {
      headOf: headReader(schema as RecordSchema, plan),
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

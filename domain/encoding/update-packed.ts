/**
 * Records of features.<view> from Avro bytes directly to updates of a packed entity. Every event
 * passes here on its way to the cache tier, so numbers and references kept as doubles
 * (packed-refs.ts) are not turned into objects. The reader is compiled from the writer's schema,
 * for any writer: fields that are not in the plan are skipped.
 */

import type { RefField } from '#domain/aggregations/aggregation.ts';
import {
  type AvroNames,
  type Cursor,
  emptyCursor,
  finish,
  plainReader,
  pointAt,
  readBlocks,
  readSecond,
  resolveNamed,
} from '#domain/avro/reader.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import type { HopGroup, ViewPlan } from '#domain/plan/plan.ts';
import type { Scalar } from '#domain/values/value.ts';
import { doubleArena } from './double-arena.ts';
import { FIXED_FIELDS, recordedName, type SlotColumn, slotColumns } from './features-schema.ts';
import { EMPTY } from './packed-entity.ts';
import { packedRefs } from './packed-refs.ts';
import type { RecordedUpdate } from './update-record.ts';

interface RecordSchema {
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: unknown }[];
}

type Step = (c: Cursor) => void;
type Doubles = NonNullable<RefField['doubles']>;

/** The slots of one record for one hop, until they are copied out. */
interface Scratch {
  readonly nums: Float64Array;
  readonly fixed: Float64Array;
  readonly refs: unknown[];
  readonly hasOthers: boolean;
}

const scratchOf = (hop: HopGroup): Scratch => {
  const { width, fields } = packedRefs(hop);
  return {
    nums: new Float64Array(hop.nums),
    fixed: new Float64Array(width),
    refs: new Array(hop.refs).fill(null),
    hasOthers: fields.some(({ doubles }) => doubles === undefined),
  };
};

const NO_OTHERS: readonly unknown[] = [];

/** How a slot is read, and what is set where a record has none. */
interface Slot {
  readonly read: (avro: unknown) => Step;
  readonly none: () => void;
}

/** Reads a union of null and one other type, which all slots are: the branch is one byte. */
const slotStep = (avro: unknown, { read, none }: Slot): Step => {
  if (!Array.isArray(avro)) return read(avro);
  const [first, second] = avro.map((branch): Step => (branch === 'null' ? none : read(branch))) as [
    Step,
    Step,
  ];
  return (c) => (readSecond(c) ? second(c) : first(c));
};

const plainSlot = (names: AvroNames, refs: unknown[], i: number): Slot => ({
  read(avro) {
    const read = plainReader(avro, names);
    return (c) => {
      refs[i] = read(c);
    };
  },
  none() {
    refs[i] = null;
  },
});

/**
 * Reads a list of at most one record of numbers into doubles; a list with another schema is first
 * read as plain data.
 */
const doublesSlot = (names: AvroNames, doubles: Doubles, into: Float64Array, at: number): Slot => {
  const { fields, none } = doubles.record;
  const clear = (): void => {
    for (let i = 0; i < none.length; i++) into[at + i] = none[i] as number;
  };
  return {
    none: clear,
    read(avro) {
      const { items, type } = resolveNamed(avro, names) as { items?: unknown; type?: string };
      const item =
        items === undefined
          ? undefined
          : (resolveNamed(items, names) as { fields?: RecordSchema['fields'] } | string);
      const own = type === 'array' && typeof item === 'object' ? item.fields : undefined;
      if (own === undefined) {
        const read = plainReader(avro, names);
        return (c) => doubles.write(read(c), into, at);
      }
      const reads = own.map((field) => plainReader(field.type, names));
      const places = own.map(({ name }) => fields.indexOf(name));
      const readItem = (c: Cursor): void => {
        for (let i = 0; i < reads.length; i++) {
          const value = (reads[i] as (c: Cursor) => unknown)(c);
          const place = places[i] as number;
          if (place >= 0) into[at + place] = value as number;
        }
      };
      return (c) => {
        clear();
        readBlocks(c, readItem);
      };
    },
  };
};

const stepsOf = (
  schema: RecordSchema,
  plan: ViewPlan,
  scratch: readonly Scratch[],
  key: Scalar[],
  fixedFields: Map<string, number>,
  fixed: Float64Array,
): readonly Step[] => {
  const names: AvroNames = new Map([[schema.name, schema]]);
  const slots = new Map<string, Slot>();
  const written = new Set(schema.fields.map((field) => field.name));
  const add = (column: SlotColumn, slot: Slot): void => {
    const name = recordedName(column, (field) => written.has(field));
    if (name !== null) slots.set(name, slot);
  };
  plan.hops.forEach((hop, h) => {
    const { nums, refs } = slotColumns(plan, h);
    const mine = scratch[h] as Scratch;
    nums.forEach((column, i) =>
      add(column, {
        read(avro) {
          const read = plainReader(avro, names) as (c: Cursor) => number;
          return (c) => {
            mine.nums[i] = read(c);
          };
        },
        none() {
          mine.nums[i] = Number.NaN;
        },
      }),
    );
    const { fields, at } = packedRefs(hop);
    refs.forEach((column, i) => {
      const { doubles } = fields[i] as RefField;
      add(
        column,
        doubles === undefined
          ? plainSlot(names, mine.refs, i)
          : doublesSlot(names, doubles, mine.fixed, at[i] as number),
      );
    });
  });
  return schema.fields.map(({ name, type }): Step => {
    const slot = slots.get(name);
    if (slot !== undefined) return slotStep(type, slot);
    const read = plainReader(type, names);
    const keyAt = plan.keys.findIndex((part) => `key_${part.name}` === name);
    if (keyAt >= 0)
      return (c) => {
        key[keyAt] = read(c) as Scalar;
      };
    const fixedAt = fixedFields.get(name);
    if (fixedAt !== undefined)
      return (c) => {
        fixed[fixedAt] = read(c) as number;
      };
    return (c) => void read(c);
  });
};

const arena = doubleArena();

const kept = (doubles: Float64Array): Float64Array => {
  if (doubles.length === 0) return EMPTY;
  const { block, from } = arena(doubles.length);
  for (let i = 0; i < doubles.length; i++) block[from + i] = doubles[i] as number;
  return block.subarray(from, from + doubles.length);
};

/** @param schema the writer's schema, from the schema registry */
export const packedUpdateReader = (
  schema: object,
  plan: ViewPlan,
): ((record: Uint8Array) => RecordedUpdate) => {
  const { name, fields } = schema as RecordSchema;
  const scratch = plan.hops.map(scratchOf);
  const key: Scalar[] = [];
  const fixedFields = new Map<string, number>(FIXED_FIELDS.map((field, i) => [field.name, i]));
  const fixed = new Float64Array(FIXED_FIELDS.length);
  const steps = stepsOf({ name, fields }, plan, scratch, key, fixedFields, fixed);
  const place = (field: (typeof FIXED_FIELDS)[number]['name']): number =>
    fixedFields.get(field) as number;
  const [HOP, TILE, NEWEST] = [place('hop_ms'), place('tile_start'), place('newest_event_time')];
  const [PARTITION, OFFSET] = [place('cause_partition'), place('cause_offset')];
  const [VERSION, GENERATION, WATERMARK] = [
    place('version'),
    place('generation'),
    place('watermark'),
  ];
  const cursor = emptyCursor();
  return (record) => {
    pointAt(cursor, record);
    for (let i = 0; i < steps.length; i++) (steps[i] as Step)(cursor);
    finish(cursor, name);
    const hopMs = fixed[HOP] as number;
    const mine = scratch[plan.hops.findIndex((hop) => hop.hopMs === hopMs)];
    return {
      key: encodeKey(key),
      hopMs,
      tileStart: fixed[TILE] as number,
      newestEventTime: fixed[NEWEST] as number,
      cause: { partition: fixed[PARTITION] as number, offset: fixed[OFFSET] as number },
      version: fixed[VERSION] as number,
      generation: fixed[GENERATION] as number,
      watermark: fixed[WATERMARK] as number,
      nums: mine === undefined ? EMPTY : kept(mine.nums),
      fixed: mine === undefined ? EMPTY : kept(mine.fixed),
      refs: mine?.hasOthers === true ? mine.refs.slice() : NO_OTHERS,
    };
  };
};

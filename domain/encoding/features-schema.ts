/**
 * The Avro schema of features.<view>: the entity key, the tile, the cause of the update, then every
 * partial's slots, null where they belong to another hop. A slot's name identifies its meaning, so
 * the new partials of a version are new nullable fields, and old readers continue to work.
 */

import { avroType, stateAvro } from '#domain/avro/types.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';

export const FIXED_FIELDS = [
  { name: 'hop_ms', type: 'long' },
  { name: 'tile_start', type: 'long' },
  { name: 'newest_event_time', type: 'long' },
  { name: 'cause_partition', type: 'int' },
  { name: 'cause_offset', type: 'long' },
  { name: 'version', type: 'int' },
  { name: 'generation', type: 'int' },
  /**
   * the generation's watermark after the commit, with which a rebuilt state decides lateness as the
   * lost one did
   */
  { name: 'watermark', type: 'long' },
] as const;

/**
 * The hop of entity rows: one row for each entity, whose slots are null. It says that the entity
 * has events, and in which tile of the widest hop the newest one is. Flink writes them; readers by
 * key need them.
 */
export const ENTITY_ROW_HOP = -1;

export interface SlotColumn {
  readonly name: string;
  /** its names in records of earlier releases */
  readonly former: readonly string[];
  readonly avro: unknown;
}

/** The name under which a slot is in records that have these fields; null: it is not in them. */
export const recordedName = (
  { name, former }: Pick<SlotColumn, 'name' | 'former'>,
  has: (field: string) => boolean,
): string | null => (has(name) ? name : (former.find(has) ?? null));

/** Avro allows a record name once in a schema, so the records of each slot get distinct names. */
const named = (schema: unknown, prefix: string): unknown => {
  if (Array.isArray(schema)) return schema.map((s) => named(s, prefix));
  if (schema === null || typeof schema !== 'object') return schema;
  const object = schema as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => {
      if (key === 'name' && object.type === 'record') return [key, `${prefix}_${String(value)}`];
      if (key === 'fields')
        return [
          key,
          (value as { type: unknown }[]).map((f) => ({ ...f, type: named(f.type, prefix) })),
        ];
      return [
        key,
        key === 'type' || key === 'items' || key === 'values' ? named(value, prefix) : value,
      ];
    }),
  );
};

const unionBranch = (schema: unknown): unknown =>
  Array.isArray(schema) ? schema.filter((s) => s !== 'null')[0] : schema;

/**
 * The columns of one hop's slots, in the order of its packed tiles: floats first, then references.
 */
export const slotColumns = (
  plan: ViewPlan,
  hop: number,
): { readonly nums: readonly SlotColumn[]; readonly refs: readonly SlotColumn[] } => {
  const group = plan.hops[hop];
  const nums = (group?.partials ?? []).flatMap(({ name, formerNames, partial }) =>
    partial.nums.map((slot) => ({
      name: `${name}__${slot.name}`,
      former: formerNames.map((former) => `${former}__${slot.name}`),
      avro: slot.type,
    })),
  );
  const refs = (group?.partials ?? []).flatMap(({ name, formerNames, partial }) =>
    partial.refs.map((slot) => ({
      name: `${name}__${slot.name}`,
      former: formerNames.map((former) => `${former}__${slot.name}`),
      avro: named(unionBranch(stateAvro(slot.type)), name),
    })),
  );
  return { nums, refs };
};

/**
 * The union of the fields of several plans of one view. A partial's name identifies its meaning, so
 * fields with the same name are the same field.
 */
export const unionSchema = (plans: readonly ViewPlan[]): ReturnType<typeof featuresAvroSchema> => {
  const schemas = plans.map(featuresAvroSchema);
  const fields = new Map(
    schemas.flatMap((schema) => schema.fields.map((field) => [field.name, field] as const)),
  );
  return {
    ...(schemas.at(-1) as ReturnType<typeof featuresAvroSchema>),
    fields: [...fields.values()],
  };
};

export const featuresAvroSchema = (
  plan: ViewPlan,
): {
  readonly type: 'record';
  readonly name: string;
  readonly fields: readonly { name: string; type: unknown }[];
} => ({
  type: 'record',
  name: plan.view,
  ...{ namespace: 'millrace.features' },
  fields: [
    ...plan.keys.map(({ name, type }) => ({
      name: `key_${name}`,
      type: avroType({ ...type, nullable: false }),
    })),
    ...FIXED_FIELDS,
    ...plan.hops.flatMap((_, hop) => {
      const { nums, refs } = slotColumns(plan, hop);
      return [...nums, ...refs].map(({ name, avro }) => ({
        name,
        type: ['null', avro],
        default: null,
      }));
    }),
  ],
});

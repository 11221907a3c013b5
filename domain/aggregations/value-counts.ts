/**
 * A bounded multiset: value → count. Past `limit` distinct values it has overflowed, and no merge
 * undoes that. A state never shares its Map: `merge` copies counts.
 */
import { fieldType } from '#domain/values/field-type.ts';
import type { FieldType, Scalar, Value } from '#domain/values/value.ts';
import type { Partial } from './aggregation.ts';
import { keptAs } from './kept-type.ts';

export type ValueCounts = Map<Scalar, number> | 'overflow';

const bump = (counts: ValueCounts, value: Scalar, by: number, limit: number): ValueCounts => {
  if (counts === 'overflow') return counts;
  counts.set(value, (counts.get(value) ?? 0) + by);
  return counts.size > limit ? 'overflow' : counts;
};

/** Numbers numerically, false before true, text by UTF-16 code unit. Values are distinct. */
const ascending = ([a]: [Scalar, number], [b]: [Scalar, number]): number => (a < b ? -1 : 1);

/** The partial of values of one type, which the state keeps as they are. */
export const valueCountsPartial = (type: FieldType, limit: number): Partial => ({
  id: `counts${limit}-${type.base}`,
  form: { kind: 'counts', limit, numbers: false },
  nums: [],
  refs: [
    {
      name: 'counts',
      type: {
        record: `Counts_${type.base}`,
        fields: [
          { name: 'overflow', type: fieldType('boolean') },
          { name: 'values', type: { base: type.base, array: true, nullable: false } },
          { name: 'counts', type: { base: 'long', array: true, nullable: false } },
        ],
      },
      encode(ref) {
        const counts = ref as ValueCounts;
        if (counts === 'overflow') return { overflow: true, values: [], counts: [] };
        // Ascending, so that equal states are equal bytes in every engine, for any order of events.
        const sorted = [...counts].sort(ascending);
        return {
          overflow: false,
          values: sorted.map(([value]) => value),
          counts: sorted.map(([, n]) => n),
        };
      },
      decode(data) {
        const { overflow, values, counts } = data as {
          overflow: boolean;
          values: Scalar[];
          counts: number[];
        };
        return overflow
          ? 'overflow'
          : new Map(values.map((value, i) => [value, counts[i] as number]));
      },
    },
  ],
  identity(s) {
    s.refs[s.r] = new Map();
  },
  add(s, value: Value) {
    s.refs[s.r] = bump(s.refs[s.r] as ValueCounts, value as Scalar, 1, limit);
  },
  merge(into, from) {
    const other = from.refs[from.r] as ValueCounts;
    let counts = into.refs[into.r] as ValueCounts;
    if (other === 'overflow') counts = 'overflow';
    else for (const [value, n] of other) counts = bump(counts, value, n, limit);
    into.refs[into.r] = counts;
  },
});

/** The partial of a column's values. */
export const countedPartial = (input: FieldType, limit: number): Partial => {
  const { type, numbers, former } = keptAs(input);
  return {
    ...valueCountsPartial(type, limit),
    formerIds: former.map((base) => valueCountsPartial({ ...type, base }, limit).id),
    form: { kind: 'counts', limit, numbers },
  };
};

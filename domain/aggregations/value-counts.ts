/**
 * A bounded multiset: value → how often. Past `limit` distinct values it has overflowed, and stays
 * so whatever is merged. A state's Map is its own: `merge` copies counts, never the Map.
 */
import type { FieldType, Scalar, Value } from '#domain/values/value.ts';
import type { Partial } from './aggregation.ts';
import { stateAvro } from './slots.ts';

export type ValueCounts = Map<Scalar, number> | 'overflow';

const bump = (counts: ValueCounts, value: Scalar, by: number, limit: number): ValueCounts => {
  if (counts === 'overflow') return counts;
  counts.set(value, (counts.get(value) ?? 0) + by);
  return counts.size > limit ? 'overflow' : counts;
};

/** Numbers numerically, false before true, text by UTF-16 code unit. No value is there twice. */
const ascending = ([a]: [Scalar, number], [b]: [Scalar, number]): number => (a < b ? -1 : 1);

export const valueCountsPartial = (type: FieldType, limit: number): Partial => ({
  id: `counts${limit}-${type.base}`,
  nums: [],
  refs: [
    {
      name: 'counts',
      avro: {
        type: 'record',
        name: `Counts_${type.base}`,
        fields: [
          { name: 'overflow', type: 'boolean' },
          { name: 'values', type: { type: 'array', items: stateAvro(type) } },
          { name: 'counts', type: { type: 'array', items: 'long' } },
        ],
      },
      encode(ref) {
        const counts = ref as ValueCounts;
        if (counts === 'overflow') return { overflow: true, values: [], counts: [] };
        // Ascending, so that equal states are equal bytes in every engine, whatever the order of
        // events was.
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
  flink: ({ value, filter }) => ({
    aggregates: [`MR_COUNTS(${value}, ${limit})${filter}`],
    slots: ([s]) => [s as string],
  }),
  flinkMerge: ([counts], filter) => ({
    aggregates: [`MR_MERGE_COUNTS(${counts}, ${limit})${filter}`],
    slots: ([s]) => [s as string],
  }),
});

/**
 * countDistinct(x): exact up to `limit` distinct values (10,000 unless said), then it says that it
 * overflowed.
 */
import { type Aggregation, OVERFLOW, type Slots } from './aggregation.ts';
import { LONG, scalarInput, wholeParameter } from './parameters.ts';
import { type ValueCounts, valueCountsPartial } from './value-counts.ts';

export const DEFAULT_LIMIT = 10_000;

export const countDistinct: Aggregation = {
  name: 'countDistinct',
  summary: 'How many different values, exactly; past `limit` the status is `overflow`.',
  input: 'required',
  bind(input, params) {
    const type = scalarInput('countDistinct', input);
    const limit = wholeParameter('countDistinct', params, 'limit', 1, 1_000_000, DEFAULT_LIMIT);
    return {
      type: LONG,
      partials: [valueCountsPartial(type, limit)],
      finalize([s]) {
        const counts = (s as Slots).refs[(s as Slots).r] as ValueCounts;
        return counts === 'overflow' ? OVERFLOW : counts.size;
      },
      flinkValue: ([s]) =>
        `CASE WHEN NOT ${s?.[0]}.\`overflow\` THEN CAST(CARDINALITY(${s?.[0]}.\`values\`) AS BIGINT) END`,
    };
  },
};

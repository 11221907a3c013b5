/**
 * countDistinct(x): exact up to `limit` distinct values (default 10,000); past it, the status is
 * `overflow`.
 */
import { type Aggregation, OVERFLOW, type Slots } from './aggregation.ts';
import { LONG, scalarInput, wholeParameter } from './parameters.ts';
import { countedPartial, type ValueCounts } from './value-counts.ts';

const DEFAULT_LIMIT = 10_000;

export const countDistinct: Aggregation = {
  name: 'countDistinct',
  summary: 'The exact number of distinct values; past `limit` the status is `overflow`.',
  input: 'required',
  bind(input, params) {
    const type = scalarInput('countDistinct', input);
    const limit = wholeParameter('countDistinct', params, 'limit', 1, 1_000_000, DEFAULT_LIMIT);
    return {
      type: LONG,
      form: { aggregation: 'countDistinct' },
      partials: [countedPartial(type, limit)],
      finalize([s]) {
        const counts = (s as Slots).refs[(s as Slots).r] as ValueCounts;
        return counts === 'overflow' ? OVERFLOW : counts.size;
      },
    };
  },
};

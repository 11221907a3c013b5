/**
 * countDistinct(x): exact up to `limit` distinct values (default 10,000); past it, the status is
 * `overflow`.
 */
import { type Aggregation, type NumberParameter, OVERFLOW, type Slots } from './aggregation.ts';
import { LONG, nullable, numberParameter, scalarInput } from './parameters.ts';
import { countedPartial, type ValueCounts } from './value-counts.ts';

const LIMIT: NumberParameter = {
  name: 'limit',
  says: 'how many distinct values are counted; with more, the status is `overflow`',
  kind: 'whole number',
  least: 1,
  most: 1_000_000,
  fallback: 10_000,
};

export const countDistinct: Aggregation = {
  name: 'countDistinct',
  summary: 'The exact number of distinct values; past `limit` the status is `overflow`.',
  error: null,
  parameters: [LIMIT],
  input: 'required',
  bind(input, params) {
    const type = scalarInput('countDistinct', input);
    const limit = numberParameter('countDistinct', params, LIMIT);
    return {
      type: nullable(LONG),
      form: { aggregation: 'countDistinct' },
      partials: [countedPartial(type, limit)],
      finalize([s]) {
        const counts = (s as Slots).refs[(s as Slots).r] as ValueCounts;
        return counts === 'overflow' ? OVERFLOW : counts.size;
      },
    };
  },
};

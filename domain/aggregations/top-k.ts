/**
 * topK(x, k): the exact most frequent values of a bounded domain (at most `limit` distinct values,
 * default 1,000).
 */
import type { Scalar, Value } from '#domain/values/value.ts';
import { type Aggregation, type NumberParameter, OVERFLOW, type Slots } from './aggregation.ts';
import { K, numberParameter, scalarInput } from './parameters.ts';
import { countedPartial, type ValueCounts } from './value-counts.ts';

/** At least k. */
const LIMIT = {
  name: 'limit',
  says: 'how many distinct values are counted, at least k; with more, the status is `overflow`',
  kind: 'whole number',
  least: 1,
  most: 100_000,
  fallback: 1000,
} as const satisfies NumberParameter;

const byCount = ([a, m]: [Scalar, number], [b, n]: [Scalar, number]): number =>
  n - m || (a < b ? -1 : a > b ? 1 : 0);

/** The most frequent value first, ties in ascending order of value; null over nothing. */
export const mostFrequent = (counts: ReadonlyMap<Scalar, number>, k: number): Value =>
  counts.size === 0
    ? null
    : [...counts]
        .sort(byCount)
        .slice(0, k)
        .map(([value]) => value);

export const topK: Aggregation = {
  name: 'topK',
  summary:
    'The k most frequent values, most frequent first, ties by value; past `limit` distinct values the status is `overflow`.',
  error: null,
  parameters: [K, LIMIT],
  input: 'required',
  bind(input, params) {
    const type = scalarInput('topK', input);
    const k = numberParameter('topK', params, K);
    const limit = numberParameter('topK', params, {
      ...LIMIT,
      least: k,
      fallback: Math.max(k, LIMIT.fallback),
    });
    return {
      type: { base: type.base, array: true, nullable: true },
      form: { aggregation: 'topK', k },
      partials: [countedPartial(type, limit)],
      finalize([s]) {
        const counts = (s as Slots).refs[(s as Slots).r] as ValueCounts;
        return counts === 'overflow' ? OVERFLOW : mostFrequent(counts, k);
      },
    };
  },
};

/**
 * approxPercentile(x, q): DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable
 * quantile sketch with relative-error guarantees", VLDB 2019) with the logarithmic mapping. The
 * bucket of x is ⌈ln |x| ÷ ln γ⌉, γ = (1 + α) ÷ (1 − α), and a bucket's value is within a relative
 * α of every value in the bucket. The state is the number of values in each bucket: a counted
 * multiset of bucket numbers (value-counts.ts). Merging adds counts in any order, and any engine
 * that can count can compute it.
 *
 * The range is bounded, and so is the number of buckets: magnitudes under 1e-15 count as 0, those
 * over 1e18 as 1e18. V8 and Java's StrictMath both use fdlibm's ln and exp, so equal values fall
 * into equal buckets in both; the shared vectors check this.
 */
import type { Scalar } from '#domain/values/value.ts';
import type { Aggregation, NumberParameter, Partial, Slots } from './aggregation.ts';
import { DOUBLE, LONG, numberParameter, numericInput } from './parameters.ts';
import { type ValueCounts, valueCountsPartial } from './value-counts.ts';

const SMALLEST = 1e-15;
const LARGEST = 1e18;
/** ln γ, which determines the buckets */
export const lnGammaOf = (accuracy: number): number => Math.log((1 + accuracy) / (1 - accuracy));

/**
 * The bucket number: ascending with the value, 0 for 0, null for NaN, which is not counted. The
 * Java counterpart is functions/DdBucket.
 */
export const bucketOf = (value: number, lnGamma: number): number | null => {
  if (Number.isNaN(value)) return null;
  const magnitude = Math.min(Math.abs(value), LARGEST);
  if (magnitude < SMALLEST) return 0;
  const bucket =
    Math.ceil(Math.log(magnitude) / lnGamma) - Math.ceil(Math.log(SMALLEST) / lnGamma) + 1;
  return value < 0 ? -bucket : bucket;
};

/** The value that represents a bucket: its relative midpoint. */
const bucketValue = (bucket: number, lnGamma: number): number => {
  if (bucket === 0) return 0;
  const index = Math.abs(bucket) - 1 + Math.ceil(Math.log(SMALLEST) / lnGamma);
  const value = (2 * Math.exp(index * lnGamma)) / (1 + Math.exp(lnGamma));
  return bucket < 0 ? -value : value;
};

const bucketsOf = (lnGamma: number): number => 2 * (bucketOf(LARGEST, lnGamma) as number) + 1;

const Q: NumberParameter = {
  name: 'q',
  says: 'the share of the values that lie below: 0.5 is the median',
  kind: 'number',
  least: 0,
  most: 1,
  fallback: null,
};

const ACCURACY: NumberParameter = {
  name: 'accuracy',
  says: 'the largest relative error',
  kind: 'number',
  least: 0.001,
  most: 0.5,
  fallback: 0.01,
};

const bucketPartial = (accuracy: number): Partial => {
  const lnGamma = lnGammaOf(accuracy);
  const limit = bucketsOf(lnGamma);
  const counts = valueCountsPartial(LONG, limit);
  return {
    ...counts,
    id: `dd${accuracy}`,
    form: { kind: 'buckets', lnGamma, limit },
    add(s, value, order) {
      const bucket = bucketOf(value as number, lnGamma);
      if (bucket !== null) counts.add(s, bucket, order);
    },
  };
};

/** The bucket of the value at index ⌊q (n − 1)⌋ of n values in ascending order. */
const bucketAt = (counts: ReadonlyMap<Scalar, number>, q: number): number | null => {
  const ascending = [...counts].sort(([a], [b]) => (a as number) - (b as number));
  const total = ascending.reduce((sum, [, n]) => sum + n, 0);
  const place = Math.floor(q * (total - 1));
  let before = 0;
  for (const [bucket, n] of ascending) {
    before += n;
    if (before > place) return bucket as number;
  }
  return null;
};

export const approxPercentile: Aggregation = {
  name: 'approxPercentile',
  summary:
    'The value at place ⌊q (n − 1)⌋ of the n values in ascending order, by DDSketch; null over nothing.',
  error:
    'a relative error of at most `accuracy`, for magnitudes from 1e-15 (smaller ones count as 0) to 1e18 (larger ones count as 1e18)',
  parameters: [Q, ACCURACY],
  input: 'required',
  bind(input, params) {
    numericInput('approxPercentile', input);
    const q = numberParameter('approxPercentile', params, Q);
    const accuracy = numberParameter('approxPercentile', params, ACCURACY);
    const lnGamma = lnGammaOf(accuracy);
    return {
      type: DOUBLE,
      form: { aggregation: 'approxPercentile', q, lnGamma },
      partials: [bucketPartial(accuracy)],
      finalize([s]) {
        const counts = (s as Slots).refs[(s as Slots).r] as ValueCounts;
        const bucket = counts === 'overflow' ? null : bucketAt(counts, q);
        return bucket === null ? null : bucketValue(bucket, lnGamma);
      },
    };
  },
};

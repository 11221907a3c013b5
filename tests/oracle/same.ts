/**
 * Equality of values: exact, except for floats, which may differ in the last digits because of the
 * order of additions.
 */
import type { Value } from '#domain/values/value.ts';

const near = (a: number, b: number, scale: number): boolean =>
  Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b)) + scale;

/**
 * @param scale the largest magnitude among the inputs; differences far below its last digit do not
 * count (a variance of equal values)
 */
export const sameValue = (
  aggregation: string,
  isLong: boolean,
  a: Value | undefined,
  b: Value | undefined,
  scale: number,
): boolean => {
  if (typeof a === 'number' && typeof b === 'number') {
    if (aggregation === 'variance') return near(a, b, (scale * 1e-13) ** 2);
    if (aggregation === 'stddev') return near(a, b, scale * 1e-13);
    // Two values may share one of 2,048 registers; a bucket's value is within 1 % of the values in
    // it.
    if (aggregation === 'approxCountDistinct') return Math.abs(a - b) <= 2;
    if (aggregation === 'approxPercentile')
      return (
        Math.abs(a - b) <= 0.0100001 * Math.abs(b) + 1e-15 ||
        (Math.abs(b) > 1e18 && Math.abs(a) > 0.99e18)
      );
    return aggregation === 'avg' || (aggregation === 'sum' && !isLong)
      ? near(a, b, scale * 1e-15)
      : a === b;
  }
  // −0 is 0
  return JSON.stringify(a) === JSON.stringify(b);
};

/**
 * Equality of values: exact, but for results in floats, which may differ in the last digits by the
 * order in which they were added up.
 */
import type { Value } from '#domain/values/value.ts';

const near = (a: number, b: number, scale: number): boolean =>
  Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b)) + scale;

/**
 * @param scale the largest magnitude among the inputs: a difference far below its last digit is
 * none (a variance of equal values)
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
    // Two values may meet in one of 2,048 registers; a bucket's value is within 1 % of what fell
    // into it.
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

/** Helpers on slots that the aggregations share. */
import type { Slots } from './aggregation.ts';

export const newSlots = (nums: number, refs: number): Slots => ({
  nums: new Float64Array(nums),
  n: 0,
  refs: new Array(refs).fill(null),
  r: 0,
});

/**
 * hi + lo += x, exact but for the rounding of lo (Knuth's TwoSum): the order of additions affects
 * only digits far past a double's precision. Slots: hi at n, lo at n + 1.
 */
export const addCompensated = (nums: Float64Array, n: number, x: number): void => {
  const hi = nums[n] as number;
  const sum = hi + x;
  const shadow = sum - hi;
  nums[n] = sum;
  nums[n + 1] = (nums[n + 1] as number) + (hi - (sum - shadow) + (x - shadow));
};

export const compensated = (nums: Float64Array, n: number): number =>
  (nums[n] as number) + (nums[n + 1] as number);

export const finiteOrNull = (value: number): number | null =>
  Number.isFinite(value) ? value : null;

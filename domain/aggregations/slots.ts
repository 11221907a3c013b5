/** Small tools on slots, shared by the aggregations. */
import { avroType } from '#domain/sources/source-schema.ts';
import type { FieldType } from '#domain/values/value.ts';
import type { Slots } from './aggregation.ts';

/**
 * How a state's values stand in Avro. Bytes are base64 text here as in rows, so that a state is
 * plain data to Avro and JSON alike.
 */
export const stateAvro = (type: FieldType): unknown =>
  avroType({ ...type, base: type.base === 'bytes' ? 'string' : type.base, nullable: false });

export const newSlots = (nums: number, refs: number): Slots => ({
  nums: new Float64Array(nums),
  n: 0,
  refs: new Array(refs).fill(null),
  r: 0,
});

/**
 * hi + lo += x, exactly but for the rounding of lo (Knuth's TwoSum): the order of the parts shows
 * only far past a double's last digit. Slots: hi at n, lo at n + 1.
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

/** sum(x): kept as a two-float sum and a count, so that the sum over nothing is null. */

import { isWhole } from '#domain/values/field-type.ts';
import type { Aggregation, Partial, Slots } from './aggregation.ts';
import { countPartial } from './count.ts';
import { DOUBLE, LONG, nullable, numericInput } from './parameters.ts';
import { addCompensated, compensated, finiteOrNull } from './slots.ts';

export const sumPartial: Partial = {
  id: 'sum',
  form: { kind: 'sum' },
  nums: [
    { name: 'hi', type: 'double' },
    { name: 'lo', type: 'double' },
  ],
  refs: [],
  identity(s) {
    s.nums[s.n] = 0;
    s.nums[s.n + 1] = 0;
  },
  add(s, value) {
    addCompensated(s.nums, s.n, value as number);
  },
  merge(into, from) {
    addCompensated(into.nums, into.n, from.nums[from.n] as number);
    into.nums[into.n + 1] = (into.nums[into.n + 1] as number) + (from.nums[from.n + 1] as number);
  },
  mergeRun(into, { nums, width, slots, from, to }, n) {
    let hi = into.nums[into.n] as number;
    let lo = into.nums[into.n + 1] as number;
    for (let i = from; i < to; i++) {
      const at = (slots[i] as number) * width + n;
      const x = nums[at] as number;
      const sum = hi + x;
      const shadow = sum - hi;
      lo += hi - (sum - shadow) + (x - shadow) + (nums[at + 1] as number);
      hi = sum;
    }
    into.nums[into.n] = hi;
    into.nums[into.n + 1] = lo;
  },
};

/** The value of a sum partial, given its count; null over nothing. */
export const sumOf = (sum: Slots, counted: Slots): number | null =>
  counted.nums[counted.n] === 0 ? null : finiteOrNull(compensated(sum.nums, sum.n));

export const sum: Aggregation = {
  name: 'sum',
  summary:
    'The sum of the values; null over nothing, or if a whole-number sum is outside ±(2^53 − 1).',
  error: 'rounding of doubles in the last digits',
  parameters: [],
  input: 'required',
  bind(input) {
    const whole = isWhole(numericInput('sum', input));
    return {
      type: whole ? nullable(LONG) : DOUBLE,
      form: { aggregation: 'sum', whole },
      partials: [sumPartial, countPartial],
      finalize([s, n]) {
        const value = sumOf(s as Slots, n as Slots);
        return whole && value !== null && !Number.isSafeInteger(value) ? null : value;
      },
    };
  },
};

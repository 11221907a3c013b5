/**
 * variance(x) and stddev(x) of a sample. The state is (n, mean, m2), which merges without
 * cancellation: Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
 * Sample Variances", 1979.
 */
import type { Aggregation, BoundAggregation, Partial, Slots } from './aggregation.ts';
import { DOUBLE, numericInput } from './parameters.ts';
import { finiteOrNull } from './slots.ts';

const mergeMoments = (into: Slots, nums: Float64Array, at: number): void => {
  const mine = into.nums;
  const n = into.n;
  const a = mine[n] as number;
  const b = nums[at] as number;
  if (b === 0) return;
  const total = a + b;
  const delta = (nums[at + 1] as number) - (mine[n + 1] as number);
  mine[n] = total;
  mine[n + 1] = (mine[n + 1] as number) + (delta * b) / total;
  mine[n + 2] =
    (mine[n + 2] as number) + (nums[at + 2] as number) + ((delta * a) / total) * delta * b;
};

export const momentsPartial: Partial = {
  id: 'moments',
  form: { kind: 'moments' },
  nums: [
    { name: 'n', type: 'long' },
    { name: 'mean', type: 'double' },
    { name: 'm2', type: 'double' },
  ],
  refs: [],
  identity(s) {
    s.nums.fill(0, s.n, s.n + 3);
  },
  add({ nums, n }, value) {
    const count = (nums[n] as number) + 1;
    const mean = nums[n + 1] as number;
    const delta = (value as number) - mean;
    const moved = mean + delta / count;
    nums[n] = count;
    nums[n + 1] = moved;
    nums[n + 2] = (nums[n + 2] as number) + delta * ((value as number) - moved);
  },
  merge(into, from) {
    mergeMoments(into, from.nums, from.n);
  },
  mergeRun(into, { nums, width, slots, from, to }, n) {
    for (let i = from; i < to; i++) mergeMoments(into, nums, (slots[i] as number) * width + n);
  },
};

const bind = (
  name: 'variance' | 'stddev',
  shape: (variance: number) => number,
): Aggregation['bind'] => {
  return (input): BoundAggregation => {
    numericInput(name, input);
    return {
      type: DOUBLE,
      form: { aggregation: name },
      partials: [momentsPartial],
      finalize([s]) {
        const { nums, n } = s as Slots;
        const count = nums[n] as number;
        return count < 2
          ? null
          : finiteOrNull(shape(Math.max(0, nums[n + 2] as number) / (count - 1)));
      },
    };
  };
};

export const variance: Aggregation = {
  name: 'variance',
  summary:
    'The variance of a sample (divided by n − 1), as SQL’s `var_samp`; null if there are fewer than two values.',
  error: 'rounding of doubles in the last digits',
  parameters: [],
  input: 'required',
  bind: bind('variance', (v) => v),
};

export const stddev: Aggregation = {
  name: 'stddev',
  summary:
    'The standard deviation of a sample (divided by n − 1), as SQL’s `stddev_samp`; null if there are fewer than two values.',
  error: 'rounding of doubles in the last digits',
  parameters: [],
  input: 'required',
  bind: bind('stddev', Math.sqrt),
};

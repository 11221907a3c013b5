/**
 * variance(x), stddev(x), of a sample. Kept as (n, mean, m2) and merged without cancellation: Chan,
 * Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances",
 * 1979.
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
  nums: [
    { name: 'n', avro: 'long' },
    { name: 'mean', avro: 'double' },
    { name: 'm2', avro: 'double' },
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
  flink: ({ value, filter }) => ({
    aggregates: [`MR_MOMENTS(CAST(${value} AS DOUBLE))${filter}`],
    slots: ([s]) => [
      `COALESCE(${s}.n, CAST(0 AS BIGINT))`,
      `COALESCE(${s}.mean, 0e0)`,
      `COALESCE(${s}.m2, 0e0)`,
    ],
  }),
  flinkMerge: ([n, mean, m2], filter) => ({
    aggregates: [`MR_MERGE_MOMENTS(${n}, ${mean}, ${m2})${filter}`],
    slots: ([s]) => [
      `COALESCE(${s}.n, CAST(0 AS BIGINT))`,
      `COALESCE(${s}.mean, 0e0)`,
      `COALESCE(${s}.m2, 0e0)`,
    ],
  }),
};

const bind = (
  name: string,
  shape: (variance: number) => number,
  flinkShape: (sql: string) => string,
): Aggregation['bind'] => {
  return (input): BoundAggregation => {
    numericInput(name, input);
    return {
      type: DOUBLE,
      partials: [momentsPartial],
      finalize([s]) {
        const { nums, n } = s as Slots;
        const count = nums[n] as number;
        return count < 2
          ? null
          : finiteOrNull(shape(Math.max(0, nums[n + 2] as number) / (count - 1)));
      },
      flinkValue([s]) {
        const [n, , m2] = s ?? [];
        return `CASE WHEN ${n} >= 2 THEN MR_FINITE(${flinkShape(`GREATEST(0e0, ${m2}) / (${n} - 1)`)}) END`;
      },
    };
  };
};

export const variance: Aggregation = {
  name: 'variance',
  summary: 'The variance of a sample; null under two values.',
  input: 'required',
  bind: bind(
    'variance',
    (v) => v,
    (sql) => sql,
  ),
};

export const stddev: Aggregation = {
  name: 'stddev',
  summary: 'The standard deviation of a sample; null under two values.',
  input: 'required',
  bind: bind('stddev', Math.sqrt, (sql) => `SQRT(${sql})`),
};

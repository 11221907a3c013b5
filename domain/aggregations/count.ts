/** count(*) counts events; count(x) those where x is not null. */
import type { Aggregation, Partial } from './aggregation.ts';
import { LONG } from './parameters.ts';

export const countPartial: Partial = {
  id: 'count',
  nums: [{ name: 'n', avro: 'long' }],
  refs: [],
  identity(s) {
    s.nums[s.n] = 0;
  },
  add(s) {
    s.nums[s.n] = (s.nums[s.n] as number) + 1;
  },
  merge(into, from) {
    into.nums[into.n] = (into.nums[into.n] as number) + (from.nums[from.n] as number);
  },
  mergeRun(into, { nums, width, slots, from, to }, n) {
    let count = into.nums[into.n] as number;
    for (let i = from; i < to; i++) count += nums[(slots[i] as number) * width + n] as number;
    into.nums[into.n] = count;
  },
  flink: ({ value, filter }) => ({
    aggregates: [`COUNT(${value ?? '*'})${filter}`],
    slots: ([n]) => [n as string],
  }),
  flinkMerge: ([n], filter) => ({
    aggregates: [`SUM(${n})${filter}`],
    slots: ([s]) => [`COALESCE(${s}, CAST(0 AS BIGINT))`],
  }),
};

export const count: Aggregation = {
  name: 'count',
  summary: 'How many events, or how many where the input is not null.',
  input: 'optional',
  bind: () => ({
    type: LONG,
    partials: [countPartial],
    finalize: ([s]) => (s === undefined ? 0 : (s.nums[s.n] as number)),
    flinkValue: ([s]) => s?.[0] as string,
  }),
};

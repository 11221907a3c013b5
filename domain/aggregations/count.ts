/** count(*) counts events; count(x) counts events where x is not null. */
import type { Aggregation, Partial } from './aggregation.ts';
import { LONG } from './parameters.ts';

export const countPartial: Partial = {
  id: 'count',
  form: { kind: 'plain', slots: [{ lift: { count: 'inputs' }, combine: 'sum', empty: 0 }] },
  nums: [{ name: 'n', type: 'long' }],
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
};

export const count: Aggregation = {
  name: 'count',
  summary: 'The number of events, or of events whose input is not null.',
  error: null,
  parameters: [],
  input: 'optional',
  bind: () => ({
    type: LONG,
    form: { aggregation: 'count' },
    partials: [countPartial],
    finalize: ([s]) => (s === undefined ? 0 : (s.nums[s.n] as number)),
  }),
};

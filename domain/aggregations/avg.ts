/** avg(x): kept as a sum and a count, which sum(x) and count(x) share. */
import type { Aggregation, Slots } from './aggregation.ts';
import { countPartial } from './count.ts';
import { DOUBLE, numericInput } from './parameters.ts';
import { finiteOrNull } from './slots.ts';
import { sumOf, sumPartial } from './sum.ts';

export const avg: Aggregation = {
  name: 'avg',
  summary: 'The mean of the values; null over nothing.',
  error: 'rounding of doubles in the last digits',
  parameters: [],
  input: 'required',
  bind(input) {
    numericInput('avg', input);
    return {
      type: DOUBLE,
      form: { aggregation: 'avg' },
      partials: [sumPartial, countPartial],
      finalize([s, n]) {
        const total = sumOf(s as Slots, n as Slots);
        return total === null
          ? null
          : finiteOrNull(total / ((n as Slots).nums[(n as Slots).n] as number));
      },
    };
  },
};

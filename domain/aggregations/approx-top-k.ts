/**
 * approxTopK(x, k): the most frequent values of a uniform sample of the events; exact while there
 * are at most `capacity` events.
 *
 * The sample is the `capacity` events whose position (partition, offset) has the smallest hash
 * (bottom-k sampling: Cohen, Kaplan, "Summarizing data using bottom-k sketches", PODC 2007). The
 * smallest hashes do not depend on the order of arrival or of merging, nor on the engine; evicted
 * counters (SpaceSaving, Misra–Gries) would. A producer that chooses values cannot choose which
 * events are sampled. Of a value with a share p of n events the sample holds pm ± √(p (1 − p) m)
 * events, m = `capacity`: with m = 1,024 the share is off by at most 1.6 % of n in one standard
 * error, and by more than 6 % once in 600 (Hoeffding: 2 exp(−2 m ε²)).
 */
import type { FieldType, Scalar } from '#domain/values/value.ts';
import type { Aggregation, NumberParameter, Partial } from './aggregation.ts';
import { entriesOf, orderedPartial } from './first-last.ts';
import { placeHash } from './hash-value.ts';
import { keptAs } from './kept-type.ts';
import { K, numberParameter, scalarInput } from './parameters.ts';
import { mostFrequent } from './top-k.ts';

/** At least k. */
const CAPACITY = {
  name: 'capacity',
  says: 'how many events the sample has, at least k',
  kind: 'whole number',
  least: 1,
  most: 16_384,
  fallback: 1024,
} as const satisfies NumberParameter;

/**
 * The first `capacity` events in the order of their positions' hashes: firstK with the hash in
 * place of the event time.
 */
const samplePartial = (input: FieldType, capacity: number): Partial => {
  const first = orderedPartial(input, capacity, 1);
  const idOf = (id: string): string => `sample${capacity}-${id}`;
  return {
    ...first,
    id: idOf(first.id),
    formerIds: (first.formerIds ?? []).map(idOf),
    form: { kind: 'sample', capacity, numbers: keptAs(input).numbers },
    add: (s, value, { partition, offset }) =>
      first.add(s, value, { eventTime: placeHash(partition, offset), partition, offset }),
  };
};

export const approxTopK: Aggregation = {
  name: 'approxTopK',
  summary:
    'The k most frequent values of a uniform sample of `capacity` events, most frequent first, ties by value; null over nothing.',
  error:
    'exact up to `capacity` events; above, a share is off by at most 1 ÷ (2 √capacity) in one standard error, 1.6 % by default',
  parameters: [K, CAPACITY],
  input: 'required',
  bind(input, params) {
    const type = scalarInput('approxTopK', input);
    const k = numberParameter('approxTopK', params, K);
    const capacity = numberParameter('approxTopK', params, {
      ...CAPACITY,
      least: k,
      fallback: Math.max(k, CAPACITY.fallback),
    });
    return {
      type: { base: type.base, array: true, nullable: true },
      form: { aggregation: 'approxTopK', k },
      partials: [samplePartial(type, capacity)],
      finalize([s]) {
        const counts = new Map<Scalar, number>();
        for (const { value } of entriesOf(s))
          counts.set(value as Scalar, (counts.get(value as Scalar) ?? 0) + 1);
        return mostFrequent(counts, k);
      },
    };
  },
};

/** Every aggregation is a commutative monoid, and its result equals the textbook formula. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BoundAggregation,
  type Order,
  OVERFLOW,
  type Partial,
} from '#domain/aggregations/aggregation.ts';
import { AGGREGATIONS, aggregationNamed } from '#domain/aggregations/table.ts';
import { avroCodec } from '#domain/avro/codec.ts';
import { stateAvro } from '#domain/avro/types.ts';
import { typeOf } from '#domain/expressions/typecheck.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import type { Value } from '#domain/values/value.ts';
import {
  finalizeStates,
  freezeState,
  monoidOf,
  type State,
  thawState,
} from '#tests/laws/algebra.ts';
import { AGGREGATES, aggregate } from '#tests/oracle/aggregates.ts';
import { featureDefinition, rawEvents, SOURCE } from '#tests/oracle/arbitraries.ts';
import { interpret } from '#tests/oracle/expressions.ts';
import { sameValue } from '#tests/oracle/same.ts';

const scope = { columns: sourceFields(SOURCE) };

const scenario = (name: string) =>
  fc
    .record({
      feature: featureDefinition([name]),
      events: rawEvents(14),
      shuffle: fc.infiniteStream(fc.nat()),
    })
    .map(({ feature, events, shuffle }) => {
      const type = feature.input === null ? null : typeOf(feature.input, scope);
      const bound = aggregationNamed(name).bind(type, feature.params ?? {});
      const seen = events
        .map((event) => ({
          event,
          value: feature.input === null ? (true as Value) : interpret(feature.input, event.row),
        }))
        .filter(({ value }) => feature.params?.nulls === 'keep' || value !== null);
      const scale = seen.reduce(
        (most, { value }) => Math.max(most, typeof value === 'number' ? Math.abs(value) : 0),
        0,
      );
      const draws = seen.map(() => shuffle.next().value as number);
      const shuffled = seen
        .map((item, i) => ({ item, draw: draws[i] as number }))
        .toSorted((a, b) => a.draw - b.draw)
        .map(({ item }) => item);
      return { name, feature, bound, seen, shuffled, scale, cuts: draws };
    });

type Lift = { readonly value: Value; readonly event: Order };

/** What the partial at an index takes of the values. */
const taken = (
  { inputs }: BoundAggregation,
  index: number,
  seen: readonly Lift[],
): readonly Lift[] =>
  inputs?.[index] === 'presence'
    ? seen.map(({ event, value }) => ({ event, value: value === null ? 0 : 1 }))
    : seen.filter(({ value }) => value !== null);

/** A multiset has no order, so its values are compared sorted. */
const canonicalRef = (ref: unknown): unknown => {
  if (typeof ref !== 'object' || ref === null || !('counts' in ref)) return ref;
  const { overflow, values, counts } = ref as {
    overflow: boolean;
    values: Value[];
    counts: number[];
  };
  return {
    overflow,
    pairs: values.map((value, i) => JSON.stringify([value, counts[i]])).toSorted(),
  };
};

const expectSame = (partial: Partial, a: State, b: State, scale: number): void => {
  expect(a.refs.map(canonicalRef)).toEqual(b.refs.map(canonicalRef));
  const sums = partial.id === 'sum';
  const numbers = (state: State): readonly number[] =>
    sums ? [(state.nums[0] as number) + (state.nums[1] as number)] : state.nums;
  numbers(a).forEach((x, i) => {
    const y = numbers(b)[i] as number;
    const slack =
      partial.id === 'moments'
        ? i === 2
          ? (scale * 1e-13) ** 2
          : scale * 1e-14
        : sums
          ? scale * 1e-15
          : 0;
    const near = x === y || Math.abs(x - y) <= 1e-12 * Math.max(Math.abs(x), Math.abs(y)) + slack;
    if (!near) expect(x).toBe(y);
  });
};

const merged = (partial: Partial, seen: readonly Lift[]): State => {
  const { identity, lift, combine } = monoidOf(partial);
  return seen.map(({ value, event }) => lift(value, event)).reduce(combine, identity);
};

test('the oracle covers every aggregation of the table', () => {
  expect([...AGGREGATIONS.keys()].toSorted()).toEqual([...AGGREGATES].toSorted());
});

describe.each([...AGGREGATIONS.keys()])('%s', (name) => {
  test('combine is associative and commutative, identity is neutral', () => {
    fc.assert(
      fc.property(scenario(name), ({ bound, seen, scale, cuts }) => {
        bound.partials.forEach((partial, p) => {
          const { identity, combine } = monoidOf(partial);
          const part = (n: number): State =>
            merged(
              partial,
              taken(
                bound,
                p,
                seen.filter((_, i) => (cuts[i] as number) % 3 === n),
              ),
            );
          const [a, b, c] = [part(0), part(1), part(2)];
          expectSame(partial, combine(a, combine(b, c)), combine(combine(a, b), c), scale);
          expectSame(partial, combine(a, b), combine(b, a), scale);
          expectSame(partial, combine(identity, a), a, 0);
          expectSame(partial, combine(a, identity), a, 0);
        });
      }),
    );
  });

  test('adding events one by one is merging their lifts in any order', () => {
    fc.assert(
      fc.property(scenario(name), ({ bound, seen, shuffled, scale }) => {
        bound.partials.forEach((partial, p) => {
          const slots = thawState(partial, monoidOf(partial).identity);
          for (const { value, event } of taken(bound, p, seen)) partial.add(slots, value, event);
          const other = merged(partial, taken(bound, p, shuffled));
          expectSame(partial, freezeState(partial, slots), other, scale);
        });
      }),
    );
  });

  test('merge does not change `from`, and shares nothing mutable with it', () => {
    fc.assert(
      fc.property(scenario(name), ({ bound, seen, cuts }) => {
        bound.partials.forEach((partial, p) => {
          const into = thawState(partial, monoidOf(partial).identity);
          const from = thawState(
            partial,
            merged(
              partial,
              taken(
                bound,
                p,
                seen.filter((_, i) => (cuts[i] as number) % 2 === 0),
              ),
            ),
          );
          const before = freezeState(partial, from);
          partial.merge(into, from);
          for (const { value, event } of taken(bound, p, seen)) partial.add(into, value, event);
          expect(freezeState(partial, from)).toEqual(before);
        });
      }),
    );
  });

  test('the result equals the textbook formula over the list of values', () => {
    fc.assert(
      fc.property(scenario(name), ({ feature, bound, seen, shuffled, scale }) => {
        const got = finalizeStates(
          bound,
          bound.partials.map((partial, p) => merged(partial, taken(bound, p, shuffled))),
        );
        const want = aggregate(name, seen, feature.params ?? {}, bound.type.base === 'long');
        expect(got === OVERFLOW).toBe(want.overflow);
        if (
          got !== OVERFLOW &&
          !sameValue(name, bound.type.base === 'long', got, want.value, scale)
        )
          expect(got).toEqual(want.value);
      }),
      { numRuns: 200 },
    );
  });

  test('references are equal after a round trip through Avro and JSON', () => {
    fc.assert(
      fc.property(scenario(name), ({ bound, seen }) => {
        bound.partials.forEach((partial, p) => {
          const state = merged(partial, taken(bound, p, seen));
          partial.refs.forEach((slot, i) => {
            const type = avroCodec(stateAvro(slot.type));
            const data = state.refs[i];
            expect(slot.encode(slot.decode(type.fromBuffer(type.toBuffer(data))))).toEqual(data);
            expect(slot.encode(slot.decode(JSON.parse(JSON.stringify(data))))).toEqual(data);
          });
        });
      }),
    );
  });
});

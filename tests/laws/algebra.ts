/**
 * The pure monoid behind a partial's slots: states are frozen values, and operations return new
 * ones. The packed form does the same in place; the law tests use this one.
 */

import type {
  BoundAggregation,
  Finalized,
  Order,
  Partial,
  Slots,
} from '#domain/aggregations/aggregation.ts';
import { newSlots } from '#domain/aggregations/slots.ts';
import type { Value } from '#domain/values/value.ts';

export interface State {
  readonly nums: readonly number[];
  /** references as plain data */
  readonly refs: readonly unknown[];
}

interface Monoid {
  readonly identity: State;
  readonly lift: (value: Value, order: Order) => State;
  readonly combine: (a: State, b: State) => State;
}

const deepFreeze = <T>(data: T): T => {
  if (typeof data === 'object' && data !== null && !ArrayBuffer.isView(data)) {
    for (const part of Object.values(data)) deepFreeze(part);
    Object.freeze(data);
  }
  return data;
};

export const freezeState = (partial: Partial, s: Slots): State =>
  deepFreeze({
    nums: Array.from(s.nums.subarray(s.n, s.n + partial.nums.length)),
    refs: partial.refs.map((slot, i) => slot.encode(s.refs[s.r + i])),
  });

export const thawState = (partial: Partial, state: State): Slots => {
  const slots = newSlots(partial.nums.length, partial.refs.length);
  slots.nums.set(state.nums);
  partial.refs.forEach((slot, i) => {
    slots.refs[i] = slot.decode(state.refs[i]);
  });
  return slots;
};

export const monoidOf = (partial: Partial): Monoid => {
  const empty = (): Slots => {
    const slots = newSlots(partial.nums.length, partial.refs.length);
    partial.identity(slots);
    return slots;
  };
  return {
    identity: freezeState(partial, empty()),
    lift(value, order) {
      const slots = empty();
      partial.add(slots, value, order);
      return freezeState(partial, slots);
    },
    combine(a, b) {
      const into = thawState(partial, a);
      partial.merge(into, thawState(partial, b));
      return freezeState(partial, into);
    },
  };
};

/** @param states one for each partial, in the order of `aggregation.partials` */
export const finalizeStates = (
  aggregation: BoundAggregation,
  states: readonly State[],
): Finalized =>
  aggregation.finalize(
    aggregation.partials.map((partial, i) => thawState(partial, states[i] as State)),
  );

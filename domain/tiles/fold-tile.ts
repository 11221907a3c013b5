/**
 * The partial states of one tile, folded from its raw events, by name. `explain` prints them.
 */
import type { Slots } from '#domain/aggregations/aggregation.ts';
import type { PlannedFeature, ViewPlan } from '#domain/plan/plan.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';

type TileState = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export const foldTile = (
  plan: ViewPlan,
  feature: PlannedFeature,
  events: readonly RawEvent[],
): TileState => {
  const group = plan.hops[feature.hop];
  const shown: Record<string, Record<string, unknown>> = {};
  for (const index of feature.partials) {
    const planned = group?.partials[index];
    if (planned === undefined) continue;
    const { partial } = planned;
    const slots: Slots = {
      nums: new Float64Array(partial.nums.length),
      n: 0,
      refs: new Array(partial.refs.length).fill(null),
      r: 0,
    };
    partial.identity(slots);
    for (const event of events) {
      if (planned.filter !== null && planned.filter(event.row) !== true) continue;
      const value: Value = planned.evaluate === null ? true : planned.evaluate(event.row);
      if (value !== null) partial.add(slots, value, event);
    }
    const state: Record<string, unknown> = {};
    partial.nums.forEach((slot, i) => {
      state[slot.name] = slots.nums[i];
    });
    partial.refs.forEach((slot, i) => {
      state[slot.name] = slot.encode(slots.refs[i]);
    });
    shown[partial.id] = state;
  }
  return shown;
};

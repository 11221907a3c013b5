/**
 * value(view, entity, at, known) by its definition: one entity's raw events, filtered by time and
 * folded, without tiles. It serves past reads and recomputes values for `explain`. Tiles
 * must give the same values.
 */
import { OVERFLOW, type Slots } from '#domain/aggregations/aggregation.ts';
import { newSlots } from '#domain/aggregations/slots.ts';
import type { FeatureStatus, PlannedFeature, ViewPlan } from '#domain/plan/plan.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { existsInEvents } from './entity-exists.ts';

interface Folded {
  readonly values: Value[];
  readonly status: FeatureStatus[];
}

/** The earliest event time that a feature covers at `at`; −∞ for all time. */
export const featureFrom = (plan: ViewPlan, feature: PlannedFeature, at: number): number => {
  const hopMs = plan.hops[feature.hop]?.hopMs ?? 0;
  return feature.windowMs === null || hopMs === 0
    ? Number.NEGATIVE_INFINITY
    : Math.floor((at - feature.windowMs) / hopMs) * hopMs;
};

const foldFeature = (
  plan: ViewPlan,
  feature: PlannedFeature,
  events: readonly RawEvent[],
  at: number,
): Value | typeof OVERFLOW => {
  const from = featureFrom(plan, feature, at);
  const states: Slots[] = feature.partials.map((index) => {
    const planned = plan.hops[feature.hop]?.partials[index] as NonNullable<
      ViewPlan['hops'][number]['partials'][number]
    >;
    const slots = newSlots(planned.partial.nums.length, planned.partial.refs.length);
    planned.partial.identity(slots);
    for (const event of events) {
      if (event.eventTime < from || event.eventTime > at) continue;
      if (planned.filter !== null && planned.filter(event.row) !== true) continue;
      const value = planned.evaluate === null ? true : planned.evaluate(event.row);
      if (value !== null) planned.partial.add(slots, value, event);
    }
    return slots;
  });
  return feature.aggregation.finalize(states);
};

/**
 * @param events in any order; events of other entities, events later than `at` and events that the
 * view's filter excludes do not count
 */
export const foldFeatures = (
  plan: ViewPlan,
  events: Iterable<RawEvent>,
  key: string,
  at: number,
): Folded => {
  const mine: RawEvent[] = [];
  let newest = Number.NEGATIVE_INFINITY;
  for (const event of events) {
    if (event.eventTime > at || plan.keyOf(event.row) !== key) continue;
    if (plan.filter !== null && plan.filter(event.row) !== true) continue;
    mine.push(event);
    newest = Math.max(newest, event.eventTime);
  }
  if (!existsInEvents(plan, mine)) mine.length = 0;
  if (plan.ttlMs !== null && mine.length > 0 && newest < at - plan.ttlMs) {
    return { values: plan.features.map(() => null), status: plan.features.map(() => 'expired') };
  }
  const values: Value[] = [];
  const status: FeatureStatus[] = [];
  for (const feature of plan.features) {
    const value = foldFeature(plan, feature, mine, at);
    values.push(value === OVERFLOW ? null : value);
    status.push(
      mine.length === 0
        ? 'not-found'
        : value === OVERFLOW
          ? 'overflow'
          : value === null
            ? 'null'
            : 'present',
    );
  }
  return { values, status };
};

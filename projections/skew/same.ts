/**
 * Equality of values that were added up in another order: the last digits of a sum may differ, and
 * of a spread of nearly equal values all.
 */

import type { PlannedFeature, ViewPlan } from '#domain/plan/plan.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { equalValue, isRounded, sameValue } from '#projections/explain/same-value.ts';

/** A number, how far two may be apart beside their last digits; `exact`: not at all. */
export type Noise = number | 'exact';

export const same = (a: Value, b: Value, noise: Noise): boolean =>
  equalValue(a, b) ||
  (noise !== 'exact' &&
    (sameValue(a, b) ||
      (typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= noise)));

/** A part of the largest input that rounding may move a result by. */
const ROUNDING: Readonly<Record<string, (scale: number) => number>> = {
  sum: (scale) => scale * 1e-15,
  avg: (scale) => scale * 1e-15,
  variance: (scale) => (scale * 1e-13) ** 2,
  stddev: (scale) => scale * 1e-13,
};

/** How far apart two results over these events may be and be the same. */
export const noiseOf = (
  plan: ViewPlan,
  feature: PlannedFeature,
  aggregation: string,
  events: readonly RawEvent[],
): Noise => {
  if (!isRounded(feature.type)) return 'exact';
  const rounding = ROUNDING[aggregation];
  if (rounding === undefined) return 0;
  let scale = 0;
  for (const index of feature.partials) {
    const evaluate = plan.hops[feature.hop]?.partials[index]?.evaluate;
    if (evaluate === null || evaluate === undefined) continue;
    for (const { row } of events) {
      const value = evaluate(row);
      if (typeof value === 'number') scale = Math.max(scale, Math.abs(value));
    }
  }
  return rounding(scale);
};

/**
 * Equality of values whose parts were added in another order: the last digits of a sum may differ,
 * and all digits of the variance of nearly equal values.
 */

import type { PlannedFeature, ViewPlan } from '#domain/plan/plan.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { equalValue, isRounded, sameValue } from '#projections/explain/same-value.ts';

/** By how much two numbers may differ, in addition to their last digits; `exact`: not at all. */
export type Noise = number | 'exact';

export const same = (a: Value, b: Value, noise: Noise): boolean =>
  equalValue(a, b) ||
  (noise !== 'exact' &&
    (sameValue(a, b) ||
      (typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= noise)));

/** The share of the largest input that rounding may change a result by. */
const ROUNDING: Readonly<Record<string, (scale: number) => number>> = {
  sum: (scale) => scale * 1e-15,
  avg: (scale) => scale * 1e-15,
  variance: (scale) => (scale * 1e-13) ** 2,
  stddev: (scale) => scale * 1e-13,
};

/** By how much two equal results over these events may differ. */
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

/** How far back the features of a view reach. */
import type { ViewPlan } from './plan.ts';

/** The earliest event time that a value at `at` covers; −∞: a feature covers all time. */
export const coveredFrom = (plan: ViewPlan, at: number): number => {
  // The newest event says whether the entity exists, however old it is.
  if (plan.existence !== null) return Number.NEGATIVE_INFINITY;
  let from = at;
  for (const feature of plan.features) {
    const hop = plan.hops[feature.hop]?.hopMs ?? 0;
    if (feature.windowMs === null || hop === 0) return Number.NEGATIVE_INFINITY;
    from = Math.min(from, Math.floor((at - feature.windowMs) / hop) * hop);
  }
  return from;
};

/**
 * The earliest event time whose events a replay reads. @param from the first event time that it
 * computes again, epoch ms; null: it begins at the first event
 */
export const replayedFrom = ({ hops }: ViewPlan, from: number | null): number =>
  from === null || hops.some(({ hopMs }) => hopMs === 0)
    ? Number.NEGATIVE_INFINITY
    : from - Math.max(0, ...hops.map(({ hopMs }) => hopMs));

/** How far back a value reaches at most, ms; Infinity: it counts all events. */
export const reachOf = (plan: ViewPlan): number =>
  Math.max(0, ...plan.hops.map(({ hopMs }) => hopMs)) - coveredFrom(plan, 0);

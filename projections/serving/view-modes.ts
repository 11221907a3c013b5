/**
 * How the values of one view fare: whether its computation stands still, and whether they lack what
 * was accepted long ago.
 */
import { type Degraded, degraded } from '#domain/ports/degraded.ts';
import type { ServedView } from '#domain/ports/served-view.ts';

/**
 * Values that lack events of so long ago are behind; or of the view's own freshness target, where
 * that is longer.
 */
const BEHIND_MS = 30_000;
const BEHIND = degraded('behind');

export const viewModes = (
  { plan, degraded: ofEngine }: Pick<ServedView, 'plan' | 'degraded'>,
  completeThrough: number | null,
  now: number,
): Degraded => {
  const modes = ofEngine();
  return completeThrough !== null &&
    now - completeThrough > Math.max(BEHIND_MS, plan.freshnessMs ?? 0)
    ? modes | BEHIND
    : modes;
};

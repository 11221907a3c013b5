/**
 * The degraded modes of one view: its computation has stopped, or its values are behind the log.
 */
import { type Degraded, degraded } from '#domain/ports/degraded.ts';
import type { ServedView } from '#domain/ports/served-view.ts';

/** Values are behind when they lack events this old, or as old as a longer freshness target. */
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

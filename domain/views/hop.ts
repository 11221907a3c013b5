/**
 * Hops: how wide a window's tiles are. A definition's own hop, or the widest of a few round durations that divides the window
 * into at least 24 tiles. Narrower tiles make the window's tail more exact, wider ones make it cheaper.
 */
import { fail } from '#domain/errors.ts';
import { formatDuration, parseDuration } from '#domain/values/duration.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const LEAST_TILES = 24;
export const MOST_TILES = 10_000;

const ROUND: readonly number[] = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  SECOND,
  2 * SECOND,
  5 * SECOND,
  10 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  7 * DAY,
];

const defaultHop = (windowMs: number): number => {
  let hop = 1;
  for (const round of ROUND) {
    if (windowMs % round === 0 && windowMs / round >= LEAST_TILES) hop = round;
  }
  return windowMs / hop > MOST_TILES ? windowMs : hop;
};

/** @returns hop in ms; 0 for all time (one tile) */
export const hopOf = (feature: string, window: string | undefined, hop: string | undefined): number => {
  if (window === undefined) {
    if (hop !== undefined)
      fail('MR_HOP_INVALID', `feature "${feature}" has a hop (${hop}) and no window: give it a window, or leave the hop out`);
    return 0;
  }
  const windowMs = parseDuration(window);
  if (hop === undefined) return defaultHop(windowMs);
  const hopMs = parseDuration(hop);
  if (hopMs <= 0 || windowMs % hopMs !== 0) {
    return fail(
      'MR_HOP_INVALID',
      `feature "${feature}": the hop ${hop} does not divide the window ${window}; ${formatDuration(defaultHop(windowMs))} would`,
    );
  }
  if (windowMs / hopMs > MOST_TILES) {
    return fail(
      'MR_HOP_INVALID',
      `feature "${feature}": the hop ${hop} cuts the window ${window} into ${windowMs / hopMs} tiles, and at most ${MOST_TILES} are kept; ${formatDuration(defaultHop(windowMs))} would do`,
    );
  }
  return hopMs;
};

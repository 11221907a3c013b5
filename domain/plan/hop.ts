/**
 * Hops: the width of a window's tiles. It is the definition's own hop, or the widest of a few round
 * durations that divides the window into at least 24 tiles. Narrower tiles make the window's tail
 * more exact; wider ones make reads cheaper.
 *
 * There is deliberately no default between an hour and a day. Windows from a day to three weeks
 * then share one set of hourly tiles, and an event changes one tile instead of one for each hop.
 * Every event pays for writing, while reads merge runs of tiles fast.
 */
import { fail } from '#domain/errors.ts';
import { formatDuration, parseDuration } from '#domain/values/duration.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A default hop divides its window into at least so many tiles. */
export const LEAST_TILES = 24;
/** More tiles would make reads too costly. */
export const MAX_TILES = 10_000;

/**
 * | window                                    | default hop                                              |
 * |-------------------------------------------|----------------------------------------------------------|
 * | some of these divides it into ≥ 24 tiles   | the largest that does (and gives ≤ 10,000)                 |
 * | none does: under 24 s, or an odd length    | the largest whole number of ms that divides it so          |
 * | under 24 ms                               | 1 ms                                                     |
 * | a length that nothing divides so (primes)  | the window itself: one tile, so the tail is up to a window  |
 */
const ROUND: readonly number[] = [
  [SECOND, [1, 5, 10, 15, 30]],
  [MINUTE, [1, 2, 5, 10, 15, 30]],
  [HOUR, [1]],
  [DAY, [1, 7]],
].flatMap(([unit, times]) => (times as number[]).map((n) => n * (unit as number)));

const divides = (windowMs: number, hop: number): boolean =>
  windowMs % hop === 0 && windowMs / hop >= LEAST_TILES && windowMs / hop <= MAX_TILES;

/** The hop of a window for which none is given; it always works. */
export const defaultHop = (windowMs: number): number => {
  const round = ROUND.findLast((hop) => divides(windowMs, hop));
  if (round !== undefined) return round;
  if (windowMs < LEAST_TILES) return 1;
  for (let tiles = LEAST_TILES; tiles <= MAX_TILES; tiles++)
    if (windowMs % tiles === 0) return windowMs / tiles;
  return windowMs;
};

/** @returns hop in ms; 0 for all time (one tile) */
export const hopOf = (
  feature: string,
  window: string | undefined,
  hop: string | undefined,
): number => {
  if (window === undefined) {
    if (hop !== undefined)
      fail(
        'MR_HOP_INVALID',
        `feature "${feature}" has a hop (${hop}) and no window: add a window, or remove the hop`,
      );
    return 0;
  }
  const windowMs = parseDuration(window);
  if (windowMs <= 0)
    fail(
      'MR_DEFINITION_INVALID',
      `feature "${feature}" has a window of ${window}: it must be longer than 0`,
    );
  if (hop === undefined) return defaultHop(windowMs);
  const hopMs = parseDuration(hop);
  if (hopMs <= 0 || windowMs % hopMs !== 0) {
    return fail(
      'MR_HOP_INVALID',
      `feature "${feature}": the hop ${hop} does not divide the window ${window}; ${formatDuration(defaultHop(windowMs))} does`,
    );
  }
  if (windowMs / hopMs > MAX_TILES) {
    return fail(
      'MR_HOP_INVALID',
      `feature "${feature}": the hop ${hop} cuts the window ${window} into ${windowMs / hopMs} tiles, and the limit is ${MAX_TILES}; use ${formatDuration(defaultHop(windowMs))}`,
    );
  }
  return hopMs;
};

/**
 * When a topic's end that has now been reached was seen: so much of what was accepted is in. The
 * ends of moments are remembered until what is read has come past them; while it stands still, ever
 * further apart.
 */
import { covers } from './durable-progress.ts';

export interface ReachedTimes {
  /** @param at epoch ms, taken before the ends were asked for */
  readonly seen: (at: number, ends: readonly number[]) => void;
  /** All below these offsets is in. */
  readonly reached: (offsets: readonly number[]) => void;
  /** epoch ms: all that was accepted by then is in; null: not known yet */
  readonly completeThrough: () => number | null;
}

const MAX_MOMENTS = 128;

export const reachedTimes = (): ReachedTimes => {
  let moments: { readonly at: number; readonly ends: readonly number[] }[] = [];
  let apart = 0;
  let completeThrough: number | null = null;

  return {
    seen(at, ends) {
      const last = moments.at(-1);
      if (last !== undefined && at - last.at < apart) return;
      moments.push({ at, ends });
      if (moments.length <= MAX_MOMENTS) return;
      moments = moments.filter((_, i) => i % 2 === 0);
      apart = Math.max(1, apart * 2, (at - (moments[0]?.at ?? at)) / MAX_MOMENTS);
    },
    reached(offsets) {
      const n = moments.findLastIndex(({ ends }) => covers(offsets, ends));
      if (n < 0) return;
      completeThrough = (moments[n] as (typeof moments)[number]).at;
      moments = moments.slice(n + 1);
      if (moments.length === 0) apart = 0;
    },
    completeThrough: () => completeThrough,
  };
};

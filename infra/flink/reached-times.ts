/**
 * Until which time everything accepted is included: the ends of a topic are sampled, and once
 * reading has passed a sample's ends, everything accepted by its time is in. While reading makes no
 * progress, samples are kept at growing distances.
 */
import { covers } from './durable-progress.ts';

export interface ReachedTimes {
  /** Takes a sample. @param at epoch ms, from before the ends were read */
  readonly seen: (at: number, ends: readonly number[]) => void;
  /** Every record before these offsets is in. */
  readonly reached: (offsets: readonly number[]) => void;
  /** epoch ms: everything accepted by then is in; null: not known yet */
  readonly completeThrough: () => number | null;
}

const MAX_SAMPLES = 128;

export const reachedTimes = (): ReachedTimes => {
  let samples: { readonly at: number; readonly ends: readonly number[] }[] = [];
  let distance = 0;
  let completeThrough: number | null = null;

  return {
    seen(at, ends) {
      const last = samples.at(-1);
      if (last !== undefined && at - last.at < distance) return;
      samples.push({ at, ends });
      if (samples.length <= MAX_SAMPLES) return;
      samples = samples.filter((_, i) => i % 2 === 0);
      distance = Math.max(1, distance * 2, (at - (samples[0]?.at ?? at)) / MAX_SAMPLES);
    },
    reached(offsets) {
      const n = samples.findLastIndex(({ ends }) => covers(offsets, ends));
      if (n < 0) return;
      completeThrough = (samples[n] as (typeof samples)[number]).at;
      samples = samples.slice(n + 1);
      if (samples.length === 0) distance = 0;
    },
    completeThrough: () => completeThrough,
  };
};

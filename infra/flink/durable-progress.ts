/**
 * How far the durable tier is with a view's updates. What the topic held at a moment is in the
 * store once the job that writes it has committed those offsets, and then completed a checkpoint
 * more: a checkpoint's rows are committed before the next is complete.
 */
import type { Log } from '#domain/ports/log.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import { MATERIALIZE_GROUP } from './sql/names.ts';

export interface DurableProgress {
  /** Looks again, at most twice a second. */
  readonly look: () => Promise<void>;
  /** next offsets of features.<view>: all before is in the durable tier; [] until that is known */
  readonly offsets: () => readonly number[];
  /**
   * epoch ms: every update that was in the topic by then is in the durable tier; 0: not known yet
   */
  readonly until: () => number;
}

export interface DurableProgressOptions {
  readonly log: Pick<Log, 'end' | 'committed'>;
  readonly view: string;
  /**
   * when the job that writes the view's tables last completed a checkpoint, epoch ms by Flink's
   * clock; null: it does not run
   */
  readonly checkpointAt: () => number | null;
  readonly now: () => number;
}

interface Sample {
  readonly at: number;
  readonly ends: readonly number[];
  /** when its offsets were first seen committed */
  committedAt: number | null;
}

const STEP_MS = 500;
/** between Flink's clock and ours */
const CLOCKS_MS = 1_000;
/** While the job stands still, so many moments are remembered, ever further apart. */
const MAX_SAMPLES = 256;

export const covers = (endOffsets: readonly (number | null)[], ends: readonly number[]): boolean =>
  ends.every((end, p) => end === 0 || (endOffsets[p] ?? 0) >= end);

export const durableProgress = ({
  log,
  view,
  checkpointAt,
  now,
}: DurableProgressOptions): DurableProgress => {
  const topic = featuresTopic(view);
  let samples: Sample[] = [];
  let reached: Pick<Sample, 'at' | 'ends'> = { at: 0, ends: [] };
  let looked = Number.NEGATIVE_INFINITY;
  let apart = STEP_MS;

  const remember = async (at: number): Promise<void> => {
    if (at - (samples.at(-1)?.at ?? Number.NEGATIVE_INFINITY) < apart) return;
    samples.push({ at, ends: await log.end(topic), committedAt: null });
    if (samples.length <= MAX_SAMPLES) return;
    samples = samples.filter((_, i) => i % 2 === 0);
    apart *= 2;
  };

  return {
    offsets: () => reached.ends,
    until: () => reached.at,
    async look() {
      const at = now();
      if (at - looked < STEP_MS) return;
      looked = at;
      await remember(at);
      const committed = await log.committed(MATERIALIZE_GROUP, topic);
      // Asked again at the end: a job that is begun anew commits less than the one before.
      const checkpoint = checkpointAt() ?? 0;
      for (const sample of samples) {
        if (!covers(committed, sample.ends)) sample.committedAt = null;
        else sample.committedAt ??= now();
        if (sample.committedAt !== null && checkpoint > sample.committedAt + CLOCKS_MS)
          reached = sample;
      }
      if (samples.every(({ at: first }) => first > reached.at)) return;
      samples = samples.filter((sample) => sample.at > reached.at);
      apart = STEP_MS;
    },
  };
};

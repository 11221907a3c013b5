/**
 * How far the durable tier is with a view's updates. What the topic held at a moment is in the
 * store once the job that writes it has committed those offsets and then completed one more
 * checkpoint: a checkpoint's rows are committed before the next one is complete.
 */
import type { Log } from '#domain/ports/log.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import { settledOffsets } from './settled-offsets.ts';
import { MATERIALIZE_GROUP } from './sql/names.ts';

export interface DurableProgress {
  /** Looks how far it is, at most twice a second; otherwise returns at once. */
  readonly poll: () => Promise<void>;
  /** next offsets of features.<view>: every update before them is there; [] until that is known */
  readonly offsets: () => readonly number[];
  /** epoch ms: every update that was in the topic by then is there; 0: not known yet */
  readonly until: () => number;
}

export interface DurableProgressOptions {
  readonly log: Pick<Log, 'end' | 'committed' | 'read'>;
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
/** allowed difference between Flink's clock and ours */
const CLOCKS_MS = 1_000;
/** While the job makes no progress, this many samples are kept, at growing distances. */
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
  let polledAt = Number.NEGATIVE_INFINITY;
  let distance = STEP_MS;
  const settle = settledOffsets(log, topic);

  const remember = async (at: number): Promise<void> => {
    if (at - (samples.at(-1)?.at ?? Number.NEGATIVE_INFINITY) < distance) return;
    samples.push({ at, ends: await log.end(topic), committedAt: null });
    if (samples.length <= MAX_SAMPLES) return;
    samples = samples.filter((_, i) => i % 2 === 0);
    distance *= 2;
  };

  return {
    offsets: () => reached.ends,
    until: () => reached.at,
    async poll() {
      const at = now();
      if (at - polledAt < STEP_MS) return;
      polledAt = at;
      await remember(at);
      const newest = samples.at(-1)?.ends ?? [];
      const committed = await settle(await log.committed(MATERIALIZE_GROUP, topic), newest);
      // Read after the offsets: a job that starts again may commit less than the one before it.
      const checkpoint = checkpointAt() ?? 0;
      for (const sample of samples) {
        if (!covers(committed, sample.ends)) sample.committedAt = null;
        else sample.committedAt ??= now();
        if (sample.committedAt !== null && checkpoint > sample.committedAt + CLOCKS_MS)
          reached = sample;
      }
      if (samples.every(({ at: first }) => first > reached.at)) return;
      samples = samples.filter((sample) => sample.at > reached.at);
      distance = STEP_MS;
    },
  };
};

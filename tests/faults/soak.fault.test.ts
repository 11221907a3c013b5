/**
 * The promise: during replays, revisions, data sets and restarts every answer is right, and every
 * error is one that may happen. This is the soak of `bench/soak.ts`, shortened; leaks and slowly
 * growing latency are judged there.
 */
import { expect, test } from 'vitest';
import { startEmbeddedRig } from '../../bench/soak/embedded.ts';
import { soak } from '../../bench/soak/run.ts';

const SECONDS = 16;

test('under load from all sides no answer is wrong and every error is an expected one', async () => {
  const rig = await startEmbeddedRig();
  try {
    const options = {
      seconds: SECONDS,
      restarts: 2,
      changeEveryMs: 3_000,
      datasetEveryMs: 2_000,
      batches: 10,
      batch: 20,
    };
    const { watch, events } = await soak(rig, options, () => {});
    expect(watch.failures).toEqual([]);
    expect(events).toBeGreaterThan(100);
    const { operations } = watch;
    for (const kind of [
      'publish',
      'one entity',
      'after',
      'past',
      'explain',
      'feast',
      'grpc',
      'data set',
      'apply',
      'replay start',
    ])
      expect(operations.get(kind) ?? 0, kind).toBeGreaterThan(0);
    expect(watch.minutes.flatMap(({ restarts }) => restarts)).toHaveLength(2);
  } finally {
    await rig.close();
  }
});

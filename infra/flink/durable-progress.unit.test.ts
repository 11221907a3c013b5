import { expect, test } from 'vitest';
import type { LogRecord } from '#domain/ports/log.ts';
import { durableProgress } from './durable-progress.ts';

const world = () => {
  const at = {
    now: 1_000_000,
    end: 10,
    committed: 0,
    checkpoint: null as number | null,
    reads: 0,
    /** the offset after the last record; null: the end */
    recordsEnd: null as number | null,
  };
  const progress = durableProgress({
    log: {
      async end() {
        at.reads++;
        return [at.end];
      },
      committed: async () => [at.committed],
      async read(_topic, _partition, from) {
        const last = (at.recordsEnd ?? at.end) - 1;
        return from <= last ? [{ offset: last } as LogRecord] : [];
      },
    },
    view: 'v',
    checkpointAt: () => at.checkpoint,
    now: () => at.now,
  });
  const after = async (ms: number): Promise<readonly [number, readonly number[]]> => {
    at.now += ms;
    await progress.poll();
    return [progress.until(), progress.offsets()];
  };
  return { at, after };
};
const NOTHING = [0, []];

test('a sample is reached once its offsets are committed and one more checkpoint is complete', async () => {
  const { at, after } = world();
  expect(await after(0)).toEqual(NOTHING);
  at.committed = 10;
  at.checkpoint = at.now + 1_000;
  expect(await after(2_000)).toEqual(NOTHING);
  at.end = 12;
  expect(await after(60_000), 'no newer checkpoint').toEqual(NOTHING);
  at.checkpoint = 1_003_500;
  expect(await after(1_000)).toEqual([1_002_000, [10]]);
  at.committed = 12;
  await after(1_000);
  at.checkpoint = at.now + 2_000;
  expect(await after(5_000)).toEqual([1_064_000, [12]]);
});

test('a job that starts again commits less: samples that were not reached yet must be committed again', async () => {
  const { at, after } = world();
  at.committed = 10;
  await after(0);
  at.committed = 3;
  at.checkpoint = at.now + 5_000;
  expect(await after(6_000)).toEqual(NOTHING);
  at.committed = 10;
  expect(await after(1_000)).toEqual(NOTHING);
});

test('while a job makes no progress, a bounded number of samples is kept', async () => {
  const { at, after } = world();
  for (let i = 0; i < 5_000; i++) {
    at.end++;
    await after(1_000);
  }
  at.committed = 3_000;
  await after(1_000);
  at.checkpoint = at.now + 2_000;
  const [until, [offset]] = await after(3_000);
  expect(offset).toBeGreaterThan(2_900);
  expect(until).toBe(1_000_000 + ((offset as number) - 10) * 1_000);
});

test('it reads the log at most twice a second, however often it is polled', async () => {
  const { at, after } = world();
  for (let i = 0; i < 30; i++) await after(100);
  expect(at.reads).toBe(6);
});

test('a topic whose last records were erased is reached at its last record', async () => {
  const { at, after } = world();
  at.end = 500;
  at.recordsEnd = 300;
  at.committed = 300;
  await after(0);
  await after(1_000);
  await after(1_000);
  at.checkpoint = at.now + 5_000;
  expect((await after(10_000))[1]).toEqual([500]);
});

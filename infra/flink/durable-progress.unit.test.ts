import { expect, test } from 'vitest';
import { durableProgress } from './durable-progress.ts';

const world = () => {
  const at = { now: 1_000_000, end: 10, committed: 0, checkpoint: null as number | null, asked: 0 };
  const progress = durableProgress({
    log: {
      async end() {
        at.asked++;
        return [at.end];
      },
      committed: async () => [at.committed],
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

test('a moment counts once its updates are committed, and a checkpoint more is complete', async () => {
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

test('a job begun anew, which commits less than before, has what was not sure still to write', async () => {
  const { at, after } = world();
  at.committed = 10;
  await after(0);
  at.committed = 3;
  at.checkpoint = at.now + 5_000;
  expect(await after(6_000)).toEqual(NOTHING);
  at.committed = 10;
  expect(await after(1_000)).toEqual(NOTHING);
});

test('of a job that stands still it remembers moments, not all of them', async () => {
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

test('it asks the log twice a second at most, however often it looks', async () => {
  const { at, after } = world();
  for (let i = 0; i < 30; i++) await after(100);
  expect(at.asked).toBe(6);
});

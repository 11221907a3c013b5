/**
 * A job counts as stalled once its tasks do not run, whatever Flink says of the job; that of a new
 * view has time to start.
 */
import { expect, test } from 'vitest';
import type { EngineJob } from '#domain/api/operations.ts';
import type { FlinkJob } from './cluster.ts';
import type { FlinkGeneration } from './generation.ts';
import { jobHealth } from './job-health.ts';
import { jobWork } from './job-work.ts';
import { computeJob } from './sql/names.ts';

const START = 1_000_000;
const HEALTH = {
  restarts: 0,
  checkpointAt: null,
  checkpointMs: null,
  failedCheckpoints: 0,
  failure: null,
  failedAt: null,
};

test('a task manager that is gone, and one that is slow to start', async () => {
  const name = computeJob('totals', 1);
  const job: FlinkJob = { id: 'j1', name, state: 'RUNNING', startedAt: START };
  let running: readonly FlinkJob[] = [job];
  let tasksRun = false;
  let now = START;
  const seen: (readonly [state: string, error: string | null])[] = [];
  const generation = {
    spec: { view: 'totals', generation: 1 },
    isFolded: () => false,
    note: (state: EngineJob, error: Error | null) =>
      void seen.push([state.state, error?.message ?? null]),
  } as unknown as FlinkGeneration;
  const health = jobHealth({
    jobs: { running: async () => running, work: jobWork() },
    cluster: {
      health: async () => HEALTH,
      isRunning: async () => tasksRun,
    },
    generations: () => [generation],
    writingJobs: () => [],
    now: () => now,
  });
  const inspected = async (): Promise<(typeof seen)[number] | undefined> => {
    await health.inspect();
    return seen.at(-1);
  };
  const stalled = ['WAITING FOR TASKS', expect.stringContaining(`${name} is WAITING FOR TASKS`)];
  expect(await inspected()).toEqual(['RUNNING', null]);
  now = START + 31_000;
  expect(await inspected()).toEqual(stalled);
  tasksRun = true;
  expect(await inspected()).toEqual(['RUNNING', null]);
  tasksRun = false;
  expect(await inspected()).toEqual(stalled);
  // Its successor has its own time to start.
  running = [{ ...job, id: 'j2', startedAt: now }];
  expect(await inspected()).toEqual(['RUNNING', null]);
  running = [];
  expect((await inspected())?.[0]).toBe('gone');
});

test('the job of a new view is starting until it is seen, fails to start, or takes too long', async () => {
  const name = computeJob('totals', 1);
  const work = jobWork();
  let running: readonly FlinkJob[] = [];
  let folded = true;
  let now = START;
  let last: readonly [EngineJob, string | null] | null = null;
  const generation = {
    spec: { view: 'totals', generation: 1 },
    isFolded: () => folded,
    note: (job: EngineJob, error: Error | null) => {
      last = [job, error?.message ?? null];
    },
  } as unknown as FlinkGeneration;
  const open = () =>
    jobHealth({
      jobs: { running: async () => running, work },
      cluster: { health: async () => HEALTH, isRunning: async () => true },
      generations: () => [generation],
      writingJobs: () => [],
      now: () => now,
    });
  let health = open();
  const inspected = async () => {
    await health.inspect();
    return [last?.[0].state, last?.[0].doing, last?.[1]];
  };
  expect(await inspected()).toEqual(['starting', undefined, null]);
  let finish = (): void => {};
  const submitting = work.on(name, () => {
    work.step(name, 'planning');
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  expect(await inspected()).toEqual(['starting', 'planning', null]);
  finish();
  await submitting;
  await work.on(name, () => Promise.reject(new Error('no such column'))).catch(() => {});
  expect(await inspected()).toEqual([
    'gone',
    undefined,
    `Flink's job ${name} is gone: no such column`,
  ]);
  await work.on(name, async () => {});
  expect(await inspected()).toEqual(['starting', undefined, null]);
  now += 300_000;
  expect((await inspected())[0]).toBe('gone');
  running = [{ id: 'j1', name, state: 'RUNNING', startedAt: now }];
  expect(await inspected()).toEqual(['RUNNING', undefined, null]);
  running = [];
  expect((await inspected())[0]).toBe('gone');
  // The values of a live view depend on its job.
  health = open();
  folded = false;
  expect((await inspected())[0]).toBe('gone');
});

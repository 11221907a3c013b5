/** A job counts as stalled once its tasks do not run, whatever Flink says of the job. */
import { expect, test } from 'vitest';
import type { EngineJob } from '#domain/api/operations.ts';
import type { FlinkJob } from './cluster.ts';
import type { FlinkGeneration } from './generation.ts';
import { jobHealth } from './job-health.ts';
import { computeJob } from './sql/names.ts';

const START = 1_000_000;

test('a task manager that is gone, and one that is slow to start', async () => {
  const name = computeJob('totals', 1);
  const job: FlinkJob = { id: 'j1', name, state: 'RUNNING', startedAt: START };
  let running: readonly FlinkJob[] = [job];
  let tasksRun = false;
  let now = START;
  const seen: (readonly [state: string, error: string | null])[] = [];
  const generation = {
    spec: { view: 'totals', generation: 1 },
    note: (state: EngineJob, error: Error | null) =>
      void seen.push([state.state, error?.message ?? null]),
  } as unknown as FlinkGeneration;
  const health = jobHealth({
    jobs: { running: async () => running },
    cluster: {
      health: async () => ({
        restarts: 0,
        checkpointAt: null,
        checkpointMs: null,
        failedCheckpoints: 0,
        failure: null,
        failedAt: null,
      }),
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

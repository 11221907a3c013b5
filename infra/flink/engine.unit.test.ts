/** A gateway that starts slowly, on a busy machine, leads before it knows what is wanted. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type FlinkEngineOptions, flinkEngine } from './engine.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('no job is stopped before the first reconciliation', async () => {
  const discarded: string[] = [];
  const running = ['millrace-compute-totals-g1', 'millrace-materialize'];
  const engine = flinkEngine({
    leads: () => true,
    warn: () => {},
    sources: () => [],
    featureLogs: () => [],
    clean: async () => {},
    cluster: { jobs: async () => [] },
    jobs: {
      running: async () => running.map((name) => ({ name })),
      discard: async (name: string) => void discarded.push(name),
      work: { doing: () => null, failure: () => null },
    },
  } as unknown as FlinkEngineOptions);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(discarded).toEqual([]);
  await engine.reconcile([], () => {});
  await vi.advanceTimersByTimeAsync(20_000);
  expect(discarded).toEqual(expect.arrayContaining(running));
  await engine.close();
});

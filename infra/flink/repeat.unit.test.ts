/** Repeated work: never twice at the same time, sooner on request, and not after a stop. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { repeat } from './repeat.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Each run lasts 500 ms. */
const runs = () => {
  const at: number[] = [];
  const warnings: string[] = [];
  const failures = new Set<number>();
  const began = Date.now();
  let under = 0;
  const loop = repeat(
    2_000,
    async () => {
      expect(++under).toBe(1);
      at.push(Date.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 500));
      under--;
      if (failures.has(at.length)) throw new Error('no');
    },
    (message) => void warnings.push(message),
    100,
  );
  return { at, warnings, failures, loop, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) };
};

test('sooner on request, once for all requests; a request during a run makes one more', async () => {
  const { at, loop, pass } = runs();
  await pass(50);
  loop.soon();
  await pass(60);
  loop.soon();
  await pass(40);
  expect(at).toEqual([150]);
  await pass(100);
  loop.soon();
  loop.soon();
  await pass(2_000);
  expect(at).toEqual([150, 750]);
  await pass(1_500);
  expect(at).toEqual([150, 750, 3_250]);
});

test('a failure is reported once until a run succeeds', async () => {
  const { warnings, failures, pass } = runs();
  for (const run of [1, 2, 4]) failures.add(run);
  await pass(11_000);
  expect(warnings).toEqual(['no', 'no']);
});

test('a stop waits for the run under way, and none begins after it', async () => {
  const { at, loop, pass } = runs();
  loop.soon();
  await pass(200);
  let ended = false;
  const stopped = loop.stop().then(() => {
    ended = true;
  });
  await pass(300);
  expect(ended).toBe(false);
  await pass(200);
  await stopped;
  loop.soon();
  await pass(5_000);
  expect(at.length).toBe(1);
});

test('next waits for a run that began after the call, also one that fails, and ends with a stop', async () => {
  const { at, failures, loop, pass } = runs();
  const ended: string[] = [];
  await pass(2_100);
  expect(at).toEqual([2_000]);
  failures.add(2);
  void loop.next().then(() => ended.push('during a run'));
  await pass(500);
  // The run that was under way has ended, but it began before the call.
  expect(ended).toEqual([]);
  await pass(100);
  expect(at.length).toBe(2);
  await pass(500);
  expect(ended).toEqual(['during a run']);
  void loop.next().then(() => ended.push('stopped'));
  void loop.stop();
  await pass(1_000);
  expect(ended).toEqual(['during a run', 'stopped']);
  await loop.next();
});

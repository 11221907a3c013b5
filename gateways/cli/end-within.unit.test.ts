/** A server that hangs while it stops is ended, and one that stops in time is not held up. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CLOSE_MS, endWithin } from './end-within.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('ends after the deadline, and says so', () => {
  const reported: string[] = [];
  let ended = 0;
  endWithin(
    CLOSE_MS,
    (message) => reported.push(message),
    () => ended++,
  );
  vi.advanceTimersByTime(CLOSE_MS - 1);
  expect(ended).toBe(0);
  vi.advanceTimersByTime(1);
  expect([ended, reported]).toEqual([1, [expect.stringContaining('within 20 s')]]);
});

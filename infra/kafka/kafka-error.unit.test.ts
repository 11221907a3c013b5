/** A broker that was just started answers, but does not coordinate groups and transactions yet. */
import { expect, test } from 'vitest';
import { countRetries, type RetryPolicy, withRetries } from './kafka-error.ts';
import { refused } from './wire/failure.ts';

const loading = refused('the group', 'COORDINATOR_LOAD_IN_PROGRESS');
const down = new Error('connection refused');

test('while a coordinator is loading, requests are repeated for 30 s, and then as usual', () => {
  let time = 0;
  const isOver = countRetries(8_000, () => time);
  expect(isOver(down)).toBe(false);
  time = 8_001;
  expect(isOver(down)).toBe(true);
  expect(isOver(loading)).toBe(false);
  time = 29_000;
  expect(isOver(loading)).toBe(false);
  expect(isOver(loading, 2_000)).toBe(true);
  time = 37_000;
  expect(isOver(down)).toBe(false);
  expect(isOver(loading)).toBe(true);
});

/** Answers after so many failures. */
const after = (failures: number, error: Error) => {
  const retryPolicy: RetryPolicy = {
    brokers: ['kafka:9092'],
    retryForMs: 0,
    closed: () => false,
    refresh: async () => {},
  };
  return withRetries(retryPolicy, 'reading the positions of "job"', async () => {
    if (failures-- > 0) throw error;
    return 'answered';
  });
};

test('a request waits for the coordinator, and not for a broker that is down', async () => {
  await expect(after(1, down)).rejects.toMatchObject({
    code: 'MR_LOG_UNAVAILABLE',
    message: expect.stringContaining('did not answer while reading the positions of "job"'),
  });
  for (const type of ['COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR'])
    expect(await after(4, refused('the group', type))).toBe('answered');
});

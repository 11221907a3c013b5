/**
 * A task whose output can be checked against its input. For each number that it reads, it writes
 * the number, its place, and the sum so far. Its state is that sum, which it rebuilds from its own
 * last output.
 */
import { expect } from 'vitest';
import type { Log } from '#domain/ports/log.ts';
import type { StreamTask } from '#domain/ports/stream-task.ts';
import { readAll, texts } from '#tests/contracts/log.contract.ts';

type Line = readonly [partition: number, offset: number, sum: number];

export const createTopics = async (log: Log): Promise<void> => {
  await log.createTopic('numbers', { partitions: 2 });
  await log.createTopic('sums', { partitions: 1 });
};

const lines = async (log: Pick<Log, 'read'>): Promise<Line[]> =>
  texts(await readAll(log, 'sums')).map((text) => JSON.parse(text) as Line);

export const summingTask = async (log: Log): Promise<StreamTask> => {
  let sum = 0;
  const rebuild = async (): Promise<void> => {
    sum = (await lines(log)).at(-1)?.[2] ?? 0;
  };
  await rebuild();
  return {
    consumer: 'summing',
    topics: ['numbers'],
    process: (records) => ({
      records: records.map(({ partition, offset, value }) => {
        sum += Number(Buffer.from(value).toString());
        return {
          topic: 'sums',
          partition: 0,
          key: null,
          value: Buffer.from(JSON.stringify([partition, offset, sum])),
          schemaId: 1,
        };
      }),
    }),
    committed: () => {},
    rolledBack: rebuild,
  };
};

/**
 * The sums are a fold of the numbers below the committed positions: each number exactly once, each
 * partition in order.
 */
export const expectFold = async (
  log: Log,
): Promise<{ readonly numbers: readonly number[][]; readonly behind: number }> => {
  const numbers = [0, 1].map(async (p) => texts(await readAll(log, 'numbers', p)).map(Number));
  const read = await Promise.all(numbers);
  const next = [0, 0];
  let sum = 0;
  for (const [partition, offset, value] of await lines(log)) {
    expect(offset).toBe(next[partition]);
    next[partition] = offset + 1;
    sum += read[partition]?.[offset] as number;
    expect(value).toBe(sum);
  }
  expect(await log.committed('summing', 'numbers')).toEqual(next);
  return {
    numbers: read,
    behind: (read[0]?.length ?? 0) + (read[1]?.length ?? 0) - (next[0] ?? 0) - (next[1] ?? 0),
  };
};

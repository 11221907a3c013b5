/** Records are counted, whatever other offsets a topic has, and each is read at most once. */
import { expect, test } from 'vitest';
import type { HistorySnapshot } from '#domain/ports/history.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import { createRecordCounts } from './record-counts.ts';

const ALL = { bytes: 0, horizon: null };

/** Each append is one transaction: its records, and a marker, in a partition. */
const transactions = () => {
  const partitions: { records: number[]; end: number }[] = [
    { records: [], end: 0 },
    { records: [], end: 0 },
  ];
  const reads: number[] = [];
  return {
    reads,
    append(partition: number, count: number): void {
      const of = partitions[partition] as (typeof partitions)[number];
      for (let i = 0; i < count; i++) of.records.push(of.end++);
      of.end++;
    },
    snapshot(below: readonly number[]): HistorySnapshot {
      const rows = partitions.flatMap(({ records }, p) =>
        records.filter((offset) => offset < (below[p] ?? 0)),
      );
      return { topic: 't', id: 1n, endOffsets: below, committedAt: 0, rows: rows.length, ...ALL };
    },
    log: {
      hasMarkers: true,
      end: async () => partitions.map(({ end }) => end),
      async read(_topic: string, partition: number, from: number) {
        const found = partitions[partition]?.records.filter((offset) => offset >= from) ?? [];
        reads.push(...found.slice(0, 2));
        return found.slice(0, 2).map((offset) => ({ offset }) as LogRecord);
      },
    },
  };
};

test('markers are not counted, and a record that was counted is not read again', async () => {
  const topic = transactions();
  const count = createRecordCounts(topic.log);
  expect(await count('t', null)).toBe(0);
  for (let i = 0; i < 5; i++) topic.append(i % 2, 1);
  topic.append(0, 7);
  expect(await count('t', null)).toBe(12);
  expect(topic.reads.length).toBe(12);
  topic.append(1, 3);
  expect(await Promise.all([count('t', null), count('t', null)])).toEqual([15, 15]);
  expect(topic.reads.length).toBe(15);
});

test('up to its end offsets the table of the history has the number', async () => {
  const topic = transactions();
  for (let i = 0; i < 6; i++) topic.append(i % 2, 3);
  const count = createRecordCounts(topic.log);
  expect(await count('t', topic.snapshot([8, 4]))).toBe(18);
  expect(topic.reads.length).toBe(18 - 6 - 3);
  // The table is further in one partition only: the count goes on from where it was.
  topic.append(0, 2);
  expect(await count('t', topic.snapshot([15, 4]))).toBe(20);
  topic.append(1, 2);
  topic.reads.length = 0;
  expect(await count('t', topic.snapshot([15, 15]))).toBe(22);
  expect(topic.reads).toEqual([]);
});

test('offsets of a log without markers are the number', async () => {
  const log = { end: async () => [4, 3], read: () => Promise.reject(new Error('not read')) };
  expect(await createRecordCounts(log)('t', null)).toBe(7);
});

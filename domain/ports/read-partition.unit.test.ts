import { expect, test } from 'vitest';
import type { LogRecord } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';

const record = (offset: number): LogRecord => ({
  topic: 't',
  partition: 1,
  key: null,
  value: new Uint8Array(),
  schemaId: 1,
  offset,
  logTime: 0,
});
/** Offsets have gaps, as Kafka's have. */
const OFFSETS = [0, 1, 4, 5, 6, 9];

/** Reads of at most two records. */
const logOf = (offsets: readonly number[], reads: number[] = []) => ({
  read: async (_topic: string, _partition: number, offset: number) => {
    reads.push(offset);
    return offsets
      .filter((at) => at >= offset)
      .slice(0, 2)
      .map(record);
  },
});

const batchesOf = async (range?: { from?: number; end?: number }): Promise<number[][]> => {
  const batches: number[][] = [];
  for await (const records of readPartition(logOf(OFFSETS), 't', 1, range))
    batches.push(records.map(({ offset }) => offset));
  return batches;
};

test('all records come in order, across gaps in the offsets', async () => {
  expect(await batchesOf()).toEqual([
    [0, 1],
    [4, 5],
    [6, 9],
  ]);
  expect(await batchesOf({ from: 2 })).toEqual([
    [4, 5],
    [6, 9],
  ]);
});

test('no record at or past the end comes, and no batch is empty', async () => {
  expect(await batchesOf({ end: 5 })).toEqual([[0, 1], [4]]);
  expect(await batchesOf({ end: 3 })).toEqual([[0, 1]]);
  expect(await batchesOf({ from: 7, end: 8 })).toEqual([]);
  expect(await batchesOf({ from: 4, end: 4 })).toEqual([]);
  expect(await batchesOf({ from: 10 })).toEqual([]);
});

test('a batch is read only when the one before it is done with', async () => {
  const reads: number[] = [];
  for await (const _ of readPartition(logOf(OFFSETS, reads), 't', 1)) break;
  expect(reads).toEqual([0]);
});

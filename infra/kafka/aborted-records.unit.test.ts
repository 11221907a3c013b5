import { expect, test } from 'vitest';
import {
  type FetchedRecord,
  type FetchedRecords,
  hideAborted,
} from '#infra/kafka/aborted-records.ts';

const ABORT = Buffer.from([0, 0, 0, 0]);
const COMMIT = Buffer.from([0, 0, 0, 1]);

const log = (
  ...entries: readonly (readonly [producer: string, what: 'data' | 'abort' | 'commit'])[]
): FetchedRecord[] =>
  entries.map(([producerId, what], offset) => ({
    offset: String(offset),
    key: what === 'data' ? Buffer.from('key') : what === 'abort' ? ABORT : COMMIT,
    isControlRecord: what !== 'data',
    batchContext: { producerId, inTransaction: true },
  }));

const shown = (fetched: FetchedRecords): number[] => {
  hideAborted(fetched);
  return fetched.messages.filter((m) => !m.isControlRecord).map((m) => Number(m.offset));
};

test('interleaved transactions, listed in the order of their ends: no aborted record is shown, every committed one is', () => {
  const messages = log(
    ['c', 'data'],
    ['b', 'data'],
    ['a', 'data'],
    ['b', 'abort'],
    ['c', 'abort'],
    ['a', 'commit'],
    ['b', 'data'],
    ['b', 'commit'],
  );
  const abortedTransactions = [
    { producerId: 'b', firstOffset: '1' },
    { producerId: 'c', firstOffset: '0' },
  ];
  expect(shown({ messages, abortedTransactions })).toEqual([2, 6]);
});

test('a fetch that begins inside two aborted transactions', () => {
  const messages = log(
    ['x', 'data'],
    ['b', 'data'],
    ['c', 'data'],
    ['b', 'data'],
    ['c', 'abort'],
    ['b', 'abort'],
    ['c', 'data'],
  ).slice(3);
  const abortedTransactions = [
    { producerId: 'c', firstOffset: '2' },
    { producerId: 'b', firstOffset: '1' },
  ];
  expect(shown({ messages, abortedTransactions })).toEqual([6]);
});

test('a record whose key looks like a marker is a record', () => {
  const [data] = log(['a', 'data']) as [FetchedRecord];
  expect(shown({ messages: [{ ...data, key: ABORT }], abortedTransactions: [] })).toEqual([0]);
});

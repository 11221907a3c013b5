import { IS_CONTROL, IS_TRANSACTIONAL } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import { type Batch, visibleBatches } from '#infra/kafka/wire/visible-batches.ts';

const ABORT = Buffer.from([0, 0, 0, 0]);
const COMMIT = Buffer.from([0, 0, 0, 1]);

const PRODUCERS = { a: 1n, b: 2n, c: 3n, x: 4n } as const;
type Producer = keyof typeof PRODUCERS;

/** One record per batch. */
const log = (
  ...entries: readonly (readonly [producer: Producer, what: 'data' | 'abort' | 'commit'])[]
): Batch[] =>
  entries.map(([producer, what], offset) => ({
    firstOffset: BigInt(offset),
    lastOffsetDelta: 0,
    attributes: IS_TRANSACTIONAL | (what === 'data' ? 0 : IS_CONTROL),
    producerId: PRODUCERS[producer],
    records: [{ key: what === 'data' ? Buffer.from('key') : what === 'abort' ? ABORT : COMMIT }],
  }));

const aborted = (...list: readonly (readonly [Producer, number])[]) =>
  list.map(([producer, offset]) => ({
    producerId: PRODUCERS[producer],
    firstOffset: BigInt(offset),
  }));

const shown = (...fetched: Parameters<typeof visibleBatches>): number[] =>
  visibleBatches(...fetched).map(({ firstOffset }) => Number(firstOffset));

test('interleaved transactions, listed in the order of their ends: no aborted record is shown, every committed one is', () => {
  const batches = log(
    ['c', 'data'],
    ['b', 'data'],
    ['a', 'data'],
    ['b', 'abort'],
    ['c', 'abort'],
    ['a', 'commit'],
    ['b', 'data'],
    ['b', 'commit'],
  );
  expect(shown(batches, aborted(['b', 1], ['c', 0]))).toEqual([2, 6]);
});

test('a fetch that begins inside two aborted transactions', () => {
  const batches = log(
    ['x', 'data'],
    ['b', 'data'],
    ['c', 'data'],
    ['b', 'data'],
    ['c', 'abort'],
    ['b', 'abort'],
    ['c', 'data'],
  ).slice(3);
  expect(shown(batches, aborted(['c', 2], ['b', 1]))).toEqual([6]);
});

test('a producer that aborts twice in one fetch, and commits in between', () => {
  const batches = log(
    ['a', 'data'],
    ['a', 'abort'],
    ['a', 'data'],
    ['a', 'commit'],
    ['a', 'data'],
    ['a', 'abort'],
  );
  expect(shown(batches, aborted(['a', 0], ['a', 4]))).toEqual([2]);
});

test('a fetch that ends before the abort marker, and one that begins at it', () => {
  const batches = log(['a', 'data'], ['a', 'data'], ['a', 'abort'], ['b', 'data']);
  expect(shown(batches.slice(0, 2), aborted(['a', 0]))).toEqual([]);
  expect(shown(batches.slice(2), [])).toEqual([3]);
});

test('a batch of several records belongs to the transaction that begins inside it', () => {
  const [first, marker] = log(['a', 'data'], ['a', 'abort']) as [Batch, Batch];
  const batches = [
    { ...first, lastOffsetDelta: 4 },
    { ...marker, firstOffset: 5n },
  ];
  expect(shown(batches, aborted(['a', 0]))).toEqual([]);
});

test('a record whose key looks like a marker is a record', () => {
  const [data] = log(['a', 'data']) as [Batch];
  expect(shown([{ ...data, records: [{ key: ABORT }] }], [])).toEqual([0]);
});

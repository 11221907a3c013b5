/**
 * Simulates producers whose transactions overlap, on a clock that often stands still, and cuts the
 * log at every millisecond.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CopiedBatch, decodeBatches, encodeBatches } from './copied-batch.ts';
import { type CopiedPartition, cutBatches } from './cut-batches.ts';

const PARTITIONS = 3;

interface Transaction {
  readonly producer: number;
  /** partition → offsets of its records */
  readonly records: Map<number, number[]>;
  readonly commits: boolean;
  /** log times of its markers */
  readonly markers: number[];
  /** partitions that still lack a marker; null: it is not decided */
  unmarked: number[] | null;
}

interface Step {
  readonly producer: number;
  readonly partition: number;
  readonly ends: boolean;
  readonly commits: boolean;
  readonly later: number;
}

const steps = fc.array(
  fc.record({
    producer: fc.nat({ max: 2 }),
    partition: fc.nat({ max: PARTITIONS - 1 }),
    ends: fc.boolean(),
    commits: fc.boolean(),
    later: fc.nat({ max: 2 }),
  }),
  { minLength: 20, maxLength: 60 },
);

const simulate = (all: readonly Step[]) => {
  const logs: CopiedBatch[][] = Array.from({ length: PARTITIONS }, () => []);
  const open = new Map<number, Transaction>();
  const transactions: Transaction[] = [];
  let time = 0;
  const append = (partition: number, producer: number, isMarker: boolean, visible: boolean) => {
    const log = logs[partition] as CopiedBatch[];
    const first = log.length;
    const record = { offset: first, key: null, value: Buffer.from('x'), headers: [] };
    log.push({
      first,
      next: first + 1,
      time,
      producer: String(producer),
      isMarker,
      records: visible && !isMarker ? [record] : [],
    });
    return first;
  };
  const step = ({ producer, partition, ends, commits, later }: Step): void => {
    time += later;
    let mine = open.get(producer);
    if (mine === undefined) {
      mine = { producer, records: new Map(), commits, markers: [], unmarked: null };
      open.set(producer, mine);
      transactions.push(mine);
    }
    if (mine.unmarked === null && ends && mine.records.size > 0)
      mine.unmarked = [...mine.records.keys()];
    if (mine.unmarked !== null) {
      append(mine.unmarked.shift() as number, producer, true, false);
      mine.markers.push(time);
      if (mine.unmarked.length === 0) open.delete(producer);
      return;
    }
    const offset = append(partition, producer, false, mine.commits);
    mine.records.set(partition, [...(mine.records.get(partition) ?? []), offset]);
  };
  for (const each of all) step(each);
  for (const producer of [...open.keys()])
    while (open.has(producer))
      step({ producer, partition: 0, ends: true, commits: true, later: 1 });
  return { logs, transactions, time };
};

const partitionsOf = (logs: readonly (readonly CopiedBatch[])[]): readonly CopiedPartition[] =>
  logs.map((log, partition) => ({
    topic: 'raw.clicks',
    partition,
    begin: 0,
    end: log.length,
    async *batches() {
      yield* log;
    },
  }));

test('a transaction is kept in all partitions or in none', () =>
  fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const { logs, transactions, time } = simulate(all);
      for (let at = 0; at <= time; at++) {
        const cut = await cutBatches(partitionsOf(logs), at, () => true);
        expect(cut.time).toBeLessThanOrEqual(at);
        const isKept = (partition: number, offset: number): boolean => {
          const one = cut.partitions[partition];
          return one !== undefined && offset < one.end && !one.hidden.has(offset);
        };
        for (const { records, commits, markers } of transactions) {
          if (!commits) continue;
          const kept = [...records].flatMap(([partition, offsets]) =>
            offsets.map((offset) => isKept(partition, offset)),
          );
          expect(new Set(kept).size).toBe(1);
          if (Math.max(...markers) <= cut.time) expect(kept[0]).toBe(true);
          if (Math.min(...markers) > cut.time) expect(kept[0]).toBe(false);
        }
      }
    }),
    { numRuns: 100 },
  ));

test('topics that are not atomic are cut by the times of their records', async () => {
  const { logs } = simulate([
    { producer: 0, partition: 0, ends: false, commits: true, later: 1 },
    { producer: 0, partition: 1, ends: false, commits: true, later: 1 },
  ]);
  const cut = await cutBatches(partitionsOf(logs), 1, () => false);
  expect(cut.partitions.map(({ end, hidden }) => [end, hidden.size])).toEqual([
    [1, 0],
    [0, 0],
    [0, 0],
  ]);
});

test('of batches from before the begin, nothing is kept: an earlier moment is trimmed', async () => {
  const batch = (first: number, time: number): CopiedBatch => {
    const record = { offset: first, key: null, value: Buffer.from('x'), headers: [] };
    return { first, next: first + 1, time, producer: null, isMarker: false, records: [record] };
  };
  const partition: CopiedPartition = {
    topic: 'raw.clicks',
    partition: 0,
    begin: 5,
    end: 8,
    async *batches() {
      for (let offset = 0; offset < 8; offset++) yield batch(offset, offset * 10);
    },
  };
  const cut = async (time: number) => (await cutBatches([partition], time, () => true)).partitions;
  expect(await cut(30)).toMatchObject([{ isTrimmed: true }]);
  expect(await cut(50)).toMatchObject([{ isTrimmed: false, end: 6 }]);
});

test('batches are read as they were written', async () => {
  const batches: CopiedBatch[] = [
    {
      first: 7,
      next: 12,
      time: 1_700_000_000_000,
      producer: '12345678901234567890',
      isMarker: false,
      records: [
        { offset: 7, key: null, value: null, headers: [] },
        {
          offset: 9,
          key: Buffer.from([0, 255]),
          value: Buffer.alloc(0),
          headers: [[Buffer.from('a'), null]],
        },
      ],
    },
    { first: 12, next: 13, time: 0, producer: null, isMarker: true, records: [] },
  ];
  expect(await decodeBatches(await encodeBatches(batches))).toEqual(batches);
});

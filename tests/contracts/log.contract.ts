/** Every adapter of the log runs this suite: one test for each promise of domain/ports/log.ts. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Log, LogRecord, OutgoingRecord } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';

interface LogUnderTest {
  readonly log: Log;
  /** A new adapter on the same storage, as after a restart. */
  reopen(): Promise<Log>;
  close(): Promise<void>;
}

export const record = (
  topic: string,
  text: string,
  options: { partition?: number; key?: string | null } = {},
): OutgoingRecord => ({
  topic,
  partition: options.partition ?? 0,
  key: options.key === undefined ? `key of ${text}` : options.key,
  value: Buffer.from(text),
  schemaId: 7,
});

export const texts = (records: readonly LogRecord[]): string[] =>
  records.map((r) => Buffer.from(r.value).toString());

export const readAll = async (
  log: Pick<Log, 'read'>,
  topic: string,
  partition = 0,
  from = 0,
): Promise<LogRecord[]> => {
  const all: LogRecord[] = [];
  for await (const records of readPartition(log, topic, partition, { from, maxBytes: 1000 }))
    all.push(...records);
  return all;
};

interface LogTraits {
  /**
   * false: the marker of a transaction takes an offset, so offsets only increase, and `end` may be
   * past the last record
   */
  readonly dense: boolean;
}

/** By partition, the offset after the last record. */
const lastEnds = (records: readonly LogRecord[]): number => (records.at(-1)?.offset ?? -1) + 1;

const increasing = (numbers: readonly number[]): boolean =>
  numbers.every((n, i) => Number.isSafeInteger(n) && n > (numbers[i - 1] ?? -1));

export const logContract = (
  name: string,
  open: () => Promise<LogUnderTest>,
  { dense }: LogTraits = { dense: true },
): void => {
  /** Exact offsets are the same only on a dense log. */
  const expectOffsets = (got: readonly number[], counted: readonly number[]): void => {
    if (dense) expect(got).toEqual(counted);
    else {
      expect(got).toHaveLength(counted.length);
      expect(increasing(got)).toBe(true);
    }
  };
  describe(`log contract: ${name}`, () => {
    let under: LogUnderTest;
    let log: Log;

    beforeEach(async () => {
      under = await open();
      log = under.log;
      await log.createTopic('a', { partitions: 2 });
      await log.createTopic('b', { partitions: 1 });
    });
    afterEach(() => under.close());

    test('a record is read as it was sent', async () => {
      const sent: OutgoingRecord[] = [
        { topic: 'a', partition: 0, key: null, value: Buffer.alloc(0), schemaId: 0 },
        { topic: 'a', partition: 0, key: '', value: Buffer.from([0, 255, 128]), schemaId: 128 },
        {
          topic: 'a',
          partition: 0,
          key: 'Zürich\u001f東京 🛫',
          value: Buffer.alloc(70_000, 3),
          schemaId: 2_000_000,
        },
      ];
      await log.append({ records: sent });
      const got = await readAll(log, 'a');
      expect(got.map(({ key, schemaId, offset }) => ({ key, schemaId, offset }))).toEqual([
        { key: null, schemaId: 0, offset: 0 },
        { key: '', schemaId: 128, offset: 1 },
        { key: 'Zürich\u001f東京 🛫', schemaId: 2_000_000, offset: 2 },
      ]);
      got.forEach((r, i) => {
        expect(Buffer.compare(r.value, (sent[i] as OutgoingRecord).value)).toBe(0);
      });
    });

    test('headers are read as they were sent, with their record, and a record without headers has none', async () => {
      const traced = {
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        tracestate: 'a=1,b=2',
      };
      const other = { name: 'Zürich 東京' };
      const plain = record('a', 'plain');
      await log.append({ records: [plain, { ...record('a', 'traced'), headers: traced }, plain] });
      await log.append({ records: [plain] });
      await log.append({
        records: [
          { ...record('a', 'other'), headers: other },
          { ...plain, partition: 1 },
        ],
      });
      const headers = (records: readonly LogRecord[]): unknown[] => records.map((r) => r.headers);
      const got = await readAll(log, 'a');
      expect(texts(got)).toEqual(['plain', 'traced', 'plain', 'plain', 'other']);
      expect(headers(got)).toEqual([undefined, traced, undefined, undefined, other]);
      expect(got.map((r) => 'headers' in r)).toEqual([false, true, false, false, true]);
      expect(headers(await readAll(log, 'a', 1))).toEqual([undefined]);
      // a read that starts within a batch
      expect(headers(await readAll(log, 'a', 0, got[1]?.offset))).toEqual([
        traced,
        undefined,
        undefined,
        other,
      ]);
      expect(headers(await readAll(await under.reopen(), 'a'))).toEqual(headers(got));
    });

    test(`offsets start at 0 in each partition and ${dense ? 'have no gap' : 'increase'}, also with concurrent appends`, async () => {
      const racing = Array.from({ length: 40 }, (_, i) =>
        log.append({
          records: [
            record('a', `x${i}`, { partition: i % 2 }),
            record('a', `y${i}`, { partition: 0 }),
            record('b', `z${i}`),
          ],
        }),
      );
      await Promise.all(racing);
      for (const [topic, partition, count] of [
        ['a', 0, 60],
        ['a', 1, 20],
        ['b', 0, 40],
      ] as const) {
        const got = await readAll(log, topic, partition);
        const offsets = got.map((r) => r.offset);
        expectOffsets(
          offsets,
          Array.from({ length: count }, (_, i) => i),
        );
        expect(offsets[0]).toBe(0);
        expect(got.every((r) => r.topic === topic && r.partition === partition)).toBe(true);
        const [end] = (await log.end(topic)).slice(partition) as [number];
        expect(end).toBeGreaterThanOrEqual(lastEnds(got));
        if (dense) expect(end).toBe(count);
        expect(await log.read(topic, partition, end, 1000)).toEqual([]);
      }
      expect(await log.begin('a')).toEqual([0, 0]);
    });

    test('an append returns its ends and the log time of its records; log times never go back', async () => {
      await log.append({ records: [record('a', '1')] });
      const second = await log.append({
        records: [record('a', '2'), record('a', '3'), record('b', '4')],
      });
      const [first, ...rest] = await readAll(log, 'a');
      const others = await readAll(log, 'b');
      expect([...second.ends].sort((x, y) => (x.topic < y.topic ? -1 : 1))).toEqual([
        { topic: 'a', partition: 0, offset: lastEnds(rest) },
        { topic: 'b', partition: 0, offset: lastEnds(others) },
      ]);
      expectOffsets(
        rest.map((r) => r.offset),
        [1, 2],
      );
      const times = [...rest, ...others].map((r) => r.logTime);
      // each partition's leader sets its own log time: the append returns the latest
      expect(Math.max(...times)).toBe(second.logTime);
      if (dense) expect(new Set(times).size).toBe(1);
      expect(first?.logTime).toBeLessThanOrEqual(rest[0]?.logTime ?? 0);
    });

    test('offsetsAt separates the records known at a time from those that came later', async () => {
      const pause = () => new Promise((resolve) => setTimeout(resolve, 3));
      const before = (await log.append({ records: [record('b', '0')] })).logTime;
      await pause();
      const { logTime } = await log.append({
        records: [record('a', '1'), record('a', '2', { partition: 1 })],
      });
      await pause();
      await log.append({ records: [record('a', '3'), record('a', '4')] });
      const partsAt = async (time: number): Promise<string[][]> => {
        const offsets = await log.offsetsAt('a', time);
        const known = offsets.map(async (offset, partition) =>
          texts((await readAll(log, 'a', partition)).filter((r) => r.offset < offset)),
        );
        return Promise.all(known);
      };
      expect(await partsAt(logTime)).toEqual([['1'], ['2']]);
      expect(await partsAt(before)).toEqual([[], []]);
      expect(await partsAt(logTime + 60_000)).toEqual([['1', '3', '4'], ['2']]);
      expect(await log.offsetsAt('a', before)).toEqual([0, 0]);
      if (dense) expect(await log.offsetsAt('a', logTime)).toEqual([1, 1]);
    });

    test('a batch with one refused record appends nothing, and fails no other append', async () => {
      const good = log.append({ records: [record('a', 'before')] });
      const position = { consumer: 'c', topic: 'a', partition: 0, offset: 1 };
      const bad = log.append({
        records: [record('a', 'half'), record('a', 'other half', { partition: 9 })],
        positions: [position],
      });
      const after = log.append({ records: [record('a', 'after')] });
      await expect(bad).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
      await Promise.all([good, after]);
      expect(texts(await readAll(log, 'a'))).toEqual(['before', 'after']);
      expect(await log.committed('c', 'a')).toEqual([0, 0]);
    });

    test('records and positions of one append are stored together, also after a restart', async () => {
      await log.append({
        records: [record('b', 'out')],
        positions: [
          { consumer: 'c', topic: 'a', partition: 0, offset: 5 },
          { consumer: 'c', topic: 'a', partition: 1, offset: 9 },
        ],
      });
      expect(await log.committed('c', 'a')).toEqual([5, 9]);
      expect(await log.committed('no-consumer', 'a')).toEqual([0, 0]);
      const again = await under.reopen();
      expect(await again.committed('c', 'a')).toEqual([5, 9]);
      expect(texts(await readAll(again, 'b'))).toEqual(['out']);
      await again.append({ records: [record('b', 'more')] });
      expectOffsets(
        (await readAll(again, 'b')).map((r) => r.offset),
        [0, 1],
      );
    });

    test('a read from any offset starts there, and a record that was read never changes', async () => {
      for (let i = 0; i < 7; i++)
        await log.append({
          records: Array.from({ length: i }, (_, k) => record('a', `${i}.${k}`)),
        });
      const all = texts(await readAll(log, 'a'));
      expect(all).toHaveLength(21);
      const kept = await readAll(log, 'a');
      for (let from = 0; from <= lastEnds(kept); from++)
        expect(texts(await readAll(log, 'a', 0, from))).toEqual(
          texts(kept.filter((r) => r.offset >= from)),
        );
      await log.append({ records: [record('a', 'later')] });
      expect(texts(await readAll(log, 'a')).slice(0, 21)).toEqual(all);
    });

    test('a read returns about as many bytes as requested, and at least one record', async () => {
      for (let i = 0; i < 20; i++) await log.append({ records: [record('a', 'x'.repeat(1000))] });
      const some = await log.read('a', 0, 0, 3000);
      expect(some.length).toBeGreaterThanOrEqual(1);
      expect(some.length).toBeLessThan(10);
      const [end = 0] = await log.end('a');
      expect(await log.read('a', 0, end, 3000)).toEqual([]);
    });

    test("a producer's batch that was taken before is not appended again; a gap or an overlap is refused", async () => {
      const send = (sequence: number, values: readonly string[]) =>
        log.append({
          records: values.map((v) => record('a', v)),
          producer: { id: 'p', topic: 'a', sequence, count: values.length },
        });
      expect(await log.producerSequence('p', 'a')).toBe(0);
      expect((await send(0, ['1', '2'])).duplicate).toBe(false);
      expect((await send(0, ['1', '2'])).duplicate).toBe(true);
      await expect(send(3, ['4'])).rejects.toMatchObject({
        code: 'MR_PRODUCER_SEQUENCE',
        details: { expected: 2 },
      });
      await expect(send(1, ['2', '3'])).rejects.toMatchObject({ code: 'MR_PRODUCER_SEQUENCE' });
      await send(2, ['3']);
      expect(texts(await readAll(log, 'a'))).toEqual(['1', '2', '3']);
      const again = await under.reopen();
      expect(await again.producerSequence('p', 'a')).toBe(3);
      expect(await again.producerSequence('q', 'a')).toBe(0);
    });

    test('a producer may move its sequence without records, where all of them were rejected', async () => {
      await log.append({
        records: [record('b', 'why')],
        producer: { id: 'p', sequence: 0, count: 3, topic: 'a' },
      });
      expect(await log.producerSequence('p', 'a')).toBe(3);
      expect(await log.producerSequence('p', 'b')).toBe(0);
    });

    test('creating a topic again can add partitions, and never removes any', async () => {
      await log.append({ records: [record('b', 'kept')] });
      await log.createTopic('b', { partitions: 3 });
      await log.createTopic('b', { partitions: 1 });
      expect([...(await log.topics())].sort((x, y) => (x.topic < y.topic ? -1 : 1))).toEqual([
        { topic: 'a', partitions: 2 },
        { topic: 'b', partitions: 3 },
      ]);
      const [written, ...fresh] = await log.end('b');
      expect(fresh).toEqual([0, 0]);
      expect(written).toBeGreaterThanOrEqual(lastEnds(await readAll(log, 'b')));
    });

    test('listeners are called once an append can be read', async () => {
      const heard: string[][] = [];
      const seen: Promise<readonly LogRecord[]>[] = [];
      const stop = log.onAppend((topics) => {
        heard.push([...topics].sort());
        seen.push(log.read('a', 0, 0, 1000));
      });
      await log.append({ records: [record('a', '1'), record('b', '2')] });
      expect(heard).toEqual([['a', 'b']]);
      expect(texts(await (seen[0] as Promise<readonly LogRecord[]>))).toEqual(['1']);
      stop();
      await log.append({ records: [record('a', '3')] });
      expect(heard).toHaveLength(1);
    });

    test('reading a topic that does not exist is an error, not an empty result', async () => {
      await expect(log.read('nope', 0, 0, 10)).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
      await expect(log.end('nope')).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
    });
  });
};

/** Every adapter of the history runs this suite: one test a promise of domain/ports/history.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HistoryTables } from '#domain/ports/history.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { RawEvent, Row } from '#domain/values/value.ts';
import { DAY, FLIGHTS_AVRO, flight, T, type TwoUpdates } from './history.samples.ts';

/** The log's answer to an append: the log time of each row. */
type Appended = readonly number[] | Promise<readonly number[]>;

export interface HistoryUnderTest {
  readonly history: HistoryTables;
  /**
   * the source that is `flights` in what follows: of two partitions, whose fields are
   * FLIGHTS_AVRO's
   */
  readonly source: string;
  /** a view of that source, of one partition */
  readonly view: string;
  /**
   * Appends to raw.<source> of the log that the history reads; values as Avro writes them (bytes as
   * Buffer). Offsets have no gaps.
   * @param logTime what a log that takes log times from its caller is given
   */
  appendRaw(partition: number, rows: readonly Row[], logTime: number): Appended;
  /** the same with the source's next schema: + `note: string?`, `seats` int → long */
  appendEvolved(partition: number, rows: readonly Row[], logTime: number): Appended;
  /**
   * the same with the schema after that: `seats` and `big` long → double, `ratio` float → double
   */
  appendDoubles(partition: number, rows: readonly Row[], logTime: number): Appended;
  appendUpdates(rows: readonly object[], logTime: number): Appended;
  /**
   * two updates as the log has them, with nulls and nested states; `key`: what selects the first
   */
  readonly updates: TwoUpdates;
  /** Whether `sync` up to an offset stops there; else the writer continues by itself. */
  readonly stopsWhereRequested: boolean;
  /** a history over the same data, opened again */
  reopen(): Promise<HistoryTables>;
  close(): Promise<void>;
}

const collect = async <T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> => {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
};
const positions = (events: readonly RawEvent[]): string[] =>
  events.map(({ partition, offset }) => `${partition}:${offset}`);

export const historyContract = (name: string, open: () => Promise<HistoryUnderTest>): void => {
  describe(`history contract: ${name}`, () => {
    let test: HistoryUnderTest;
    let history: HistoryTables;
    let raw: string;
    let updates: string;
    let source: string;

    beforeAll(async () => {
      test = await open();
      history = test.history;
      source = test.source;
      raw = rawTopic(source);
      updates = featuresTopic(test.view);
    });
    afterAll(() => test.close());

    it('answers for a topic that has no table yet', async () => {
      expect(await history.endOffsets(raw)).toEqual([]);
      expect(await history.snapshot(raw)).toBeNull();
      expect(await history.events({ source })).toEqual([]);
      expect(await collect(history.scan({ source, fields: ['origin'] }))).toEqual([]);
      expect(await history.updates(test.view, {})).toEqual([]);
      expect(await history.dataFiles(raw)).toEqual([]);
      expect(await history.tableFiles(raw)).toBeNull();
    });

    it('writes nothing where the log has nothing', async () => {
      await history.sync(raw);
      expect(await history.snapshot(raw)).toBeNull();
    });

    it('gives back what the log has: every type, nulls, unicode, long strings, times before 1970', async () => {
      const full = flight(T + 3, 'ATL', {
        delay: -0.1,
        seats: -7,
        big: 2 ** 53 - 2,
        ok: true,
        day: -1,
        blob: Buffer.from([0, 255, 1]) as unknown as string,
        tags: ['a', '', 'é'.repeat(20)],
        ratio: 0.5,
      });
      const odd = [
        '',
        'exactly12byte',
        'exactly12byt',
        'ÅÄÖ 東京 🛫',
        'o\'hare\\\n"',
        '\uFEFFbom',
        'x'.repeat(5000),
        'n\u0000ul',
      ];
      const [logTime] = await test.appendRaw(
        0,
        [full, flight(-1, 'before'), flight(-DAY, 'before'), flight(-DAY - 1, 'before')],
        1_000,
      );
      await test.appendRaw(
        1,
        odd.map((origin, i) => flight(T + DAY + i, origin, { big: -(2 ** 52), delay: 5e-324 })),
        2_000,
      );
      await history.sync(raw);
      expect(await history.endOffsets(raw)).toEqual([4, 8]);

      const events = await history.events({ source });
      expect(positions(events)).toEqual([
        '0:3',
        '0:2',
        '0:1',
        '0:0',
        '1:0',
        '1:1',
        '1:2',
        '1:3',
        '1:4',
        '1:5',
        '1:6',
        '1:7',
      ]);
      expect(events.slice(0, 3).map((event) => event.eventTime)).toEqual([-DAY - 1, -DAY, -1]);
      expect(events[3]).toEqual({
        row: { ...full, blob: 'AP8B' },
        eventTime: T + 3,
        partition: 0,
        offset: 0,
        logTime,
      });
      expect(Object.keys(events[3]?.row ?? {})).toEqual(
        FLIGHTS_AVRO.fields.map((field) => field.name),
      );
      expect(events.slice(4).map((event) => event.row.origin)).toEqual(odd);
      expect(events[4]?.row).toMatchObject({
        big: -(2 ** 52),
        delay: 5e-324,
        tags: null,
        ok: null,
      });
      for (const origin of odd) {
        const found = await history.events({ source, where: { origin } });
        expect(found.map((event) => event.row.origin)).toEqual([origin]);
      }
    });

    it('selects by value, event time (both ends in), and offset', async () => {
      const select = async (query: object): Promise<string[]> =>
        positions(await history.events({ source, ...query }));
      expect(await select({ where: { origin: 'before' } })).toEqual(['0:3', '0:2', '0:1']);
      expect(await select({ where: { origin: 'before' }, from: -DAY, to: -1 })).toEqual([
        '0:2',
        '0:1',
      ]);
      expect(await select({ from: -DAY + 1, to: -1 })).toEqual(['0:1']);
      expect(await select({ from: T, to: T + 2 })).toEqual([]);
      expect(await select({ below: [1, 1] })).toEqual(['0:0', '1:0']);
      expect(await select({ below: [0, 0] })).toEqual([]);
      expect(await select({ where: { ok: true } })).toEqual(['0:0']);
      expect(await select({ where: { seats: -7, delay: -0.1 } })).toEqual(['0:0']);
      expect(await select({ where: { origin: 'no-origin' } })).toEqual([]);
      expect(await select({ where: { origin: 1 } })).toEqual([]);
      expect(await select({ from: -1e15, to: -DAY - 1 })).toEqual(['0:3']);
    });

    it('selects the events of several entities at once', async () => {
      const select = async (query: object): Promise<string[]> =>
        positions(await history.events({ source, ...query }));
      const all = await history.events({ source });
      const origins = [...new Set(all.map(({ row }) => row.origin as string))];
      const every = await select({ anyOf: origins.map((origin) => ({ origin })) });
      expect(every).toEqual(positions(all));
      expect(await select({ anyOf: [{ origin: 'before' }] })).toEqual(['0:3', '0:2', '0:1']);
      expect(await select({ anyOf: [{ origin: 'before' }, { origin: 'no-origin' }] })).toEqual([
        '0:3',
        '0:2',
        '0:1',
      ]);
      expect(
        await select({
          anyOf: [
            { seats: -7, delay: -0.1 },
            { seats: -7, delay: 0.1 },
          ],
        }),
      ).toEqual(['0:0']);
      expect(await select({ where: { ok: true }, anyOf: [{ origin: 'before' }] })).toEqual([]);
      expect(await select({ anyOf: [{ absent: 1 }] })).toEqual([]);
      expect((await select({ anyOf: [{ absent: null }] })).length).toBe(all.length);
    });

    it('streams the same, by rows and by columns', async () => {
      const events = await history.events({ source });
      const fields = ['origin', 'delay', 'tags', 'absent'];
      const scanned = await collect(history.scan({ source, fields }));
      expect(positions(scanned)).toEqual(positions(events));
      expect(scanned.map((event) => event.row)).toEqual(
        events.map(({ row }) => ({
          origin: row.origin,
          delay: row.delay,
          tags: row.tags,
          absent: null,
        })),
      );
      const rows: unknown[] = [];
      for await (const { count, columns, eventTime, partition, offset } of history.scanColumns({
        source,
        fields,
      })) {
        const { origin, delay, tags, absent } = columns as {
          origin: { codes: Int32Array; values: string[] };
          delay: Float64Array;
          tags: unknown[];
          absent: unknown[];
        };
        for (let i = 0; i < count; i++) {
          rows.push([
            origin.values[origin.codes[i] as number],
            delay[i],
            tags[i],
            absent[i],
            eventTime[i],
            partition[i],
            offset[i],
          ]);
        }
      }
      expect(rows).toEqual(
        events.map((e) => [
          e.row.origin,
          e.row.delay ?? Number.NaN,
          e.row.tags,
          null,
          e.eventTime,
          e.partition,
          e.offset,
        ]),
      );
    });

    it('reads by one snapshot: what is committed meanwhile is not seen', async () => {
      const pinned = await history.snapshot(raw);
      const scan = history.scan({ source, fields: ['origin'] })[Symbol.asyncIterator]();
      const first = await scan.next();
      await test.appendRaw(0, [flight(T + 30 * DAY, 'later')], 3_000);
      await history.sync(raw);
      let seen = (first.value as readonly RawEvent[]).length;
      for (let batch = await scan.next(); !batch.done; batch = await scan.next())
        seen += batch.value.length;
      expect(seen).toBe(12);
      expect((await history.events({ source })).length).toBe(13);
      expect((await history.events({ source, snapshot: pinned?.id as bigint })).length).toBe(12);
      expect(pinned).toMatchObject({ topic: raw, endOffsets: [4, 8], rows: 12 });
      await expect(history.events({ source, snapshot: 12345n })).rejects.toMatchObject({
        code: 'MR_NOT_FOUND',
      });
    });

    it('reaches the requested offsets', async () => {
      await test.appendRaw(
        0,
        [flight(T + 31 * DAY, 'a'), flight(T + 31 * DAY, 'b'), flight(T + 31 * DAY, 'c')],
        4_000,
      );
      await history.sync(raw, [6, 8]);
      const [first = 0, second] = await history.endOffsets(raw);
      if (test.stopsWhereRequested) expect(first).toBe(6);
      else expect(first).toBeGreaterThanOrEqual(6);
      expect(second).toBe(8);
      await history.sync(raw);
      expect(await history.endOffsets(raw)).toEqual([8, 8]);
      expect((await history.snapshot(raw))?.rows).toBe(16);
    });

    it('takes new fields and wider types; older rows have nulls there', async () => {
      await test.appendRaw(0, [flight(T, 'old', { seats: 5 })], 5_000);
      await test.appendEvolved(0, [flight(T, 'new', { seats: 2 ** 40, note: 'hej' })], 5_000);
      await test.appendRaw(0, [flight(T, 'old', { seats: 6 })], 5_000);
      await history.sync(raw);
      const events = await history.events({ source, from: T, to: T });
      expect(events.map(({ row }) => [row.origin, row.seats, row.note])).toEqual([
        ['old', 5, null],
        ['new', 2 ** 40, 'hej'],
        ['old', 6, null],
      ]);
      expect((await history.events({ source, where: { seats: 6 } })).length).toBe(1);
      expect((await history.events({ source, where: { seats: -7 } })).length).toBe(1);
      expect((await history.events({ source, where: { note: 'hej' } })).length).toBe(1);
    });

    it('takes fractions where there were whole numbers; an earlier snapshot keeps its values', async () => {
      const before = await history.events({ source });
      const earlier = await history.snapshot(raw);
      const half = { seats: 0.5, big: -2.5, ratio: 0.1, note: null };
      await test.appendDoubles(0, [flight(T, 'half', half)], 5_500);
      await test.appendEvolved(0, [flight(T, 'whole', { seats: 7, note: null })], 5_500);
      await history.sync(raw);
      const after = await history.events({ source });
      const isNew = ({ row }: RawEvent): boolean => ['half', 'whole'].includes(String(row.origin));
      expect(after.filter((event) => !isNew(event))).toEqual(before);
      expect(after.filter(isNew).map(({ row }) => [row.seats, row.big, row.ratio])).toEqual([
        [0.5, -2.5, 0.1],
        [7, null, null],
      ]);
      for (const where of [
        { seats: 2 ** 40 },
        { big: 2 ** 53 - 2 },
        { seats: 0.5 },
        { ratio: 0.1 },
      ])
        expect([where, (await history.events({ source, where })).length]).toEqual([where, 1]);
      expect(await history.events({ source, snapshot: earlier?.id as bigint })).toEqual(before);
    });

    it('keeps feature updates, their nested states too', async () => {
      const { rows, key } = test.updates;
      const [logTime] = await test.appendUpdates(rows, 6_000);
      await history.sync(updates);
      const all = await history.updates(test.view, {});
      expect(all).toHaveLength(2);
      expect(all[0]).toEqual({ ...rows[0], _partition: 0, _offset: 0, _log_time: logTime });
      expect(all[1]).toMatchObject({ ...rows[1], _partition: 0, _offset: 1 });
      expect(await history.updates(test.view, key)).toEqual([all[0]]);
      expect(await collect(history.rows(updates, { where: key }))).toEqual([all[0]]);
      expect(await collect(history.rows(updates, { from: logTime as number }))).toEqual(all);
      expect(await collect(history.rows(updates, { from: (logTime as number) + DAY }))).toEqual([]);
    });

    it('gives the columns and files of its newest snapshot', async () => {
      const found = await history.tableFiles(raw);
      expect(found?.snapshot).toEqual(await history.snapshot(raw));
      expect(found?.files).toEqual(await history.dataFiles(raw));
      const columns = found?.columns ?? [];
      expect(new Set(columns.map(({ id }) => id)).size).toBe(columns.length);
      expect(columns.find(({ name }) => name === '_offset')).toMatchObject({
        type: 'long',
        required: true,
        json: false,
      });
    });

    it('changes no answer by compacting small files', async () => {
      for (let i = 0; i < 9; i++) {
        await test.appendRaw(0, [flight(T + i, 'small')], 7_000 + i);
        await history.sync(raw);
      }
      const before = await history.events({ source });
      const files = (await history.dataFiles(raw)).length;
      await history.maintain(raw);
      expect((await history.dataFiles(raw)).length).toBeLessThan(files);
      expect(await history.events({ source })).toEqual(before);
      for (const origin of ['exactly12byte', '\uFEFFbom'])
        expect((await history.events({ source, where: { origin } })).length).toBe(1);
      expect(await history.endOffsets(raw)).toEqual([22, 8]);
    });

    it('reads by offset, across days and files', async () => {
      const byOffset = (await history.events({ source }))
        .filter(({ partition }) => partition === 0)
        .toSorted((a, b) => a.offset - b.offset);
      const end = byOffset.length;
      for (const [from, below] of [
        [0, end],
        [3, 9],
        [end - 1, end + 5],
        [end, end + 5],
      ] as const) {
        const range = { partition: 0, from, below };
        expect(await history.eventsAt(source, range)).toEqual(byOffset.slice(from, below));
        expect(await history.count(raw, range)).toBe(Math.max(0, Math.min(below, end) - from));
      }
      const all = { partition: 0, from: 0, below: end };
      const times = byOffset.map(({ logTime }) => logTime);
      for (const time of [...new Set(times.flatMap((one) => [one - 1, one]))]) {
        const first = times.findIndex((one) => one > time);
        expect([time, await history.offsetAt(raw, all, time)]).toEqual([
          time,
          first < 0 ? null : first,
        ]);
      }
      expect(await history.offsetAt(raw, { ...all, below: 1 }, times[0] as number)).toBeNull();
    });

    it('is all there when opened again', async () => {
      const before = await history.events({ source });
      history = await test.reopen();
      expect(await history.events({ source })).toEqual(before);
      await test.appendRaw(1, [flight(T, 'again')], 8_000);
      await history.sync(raw);
      expect((await history.snapshot(raw))?.rows).toBe(before.length + 1);
    });
  });
};

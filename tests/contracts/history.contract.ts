/** The history port's promises: every implementation of History passes these. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { RawEvent, Row } from '#domain/values/value.ts';

export interface HistoryUnderTest {
  readonly history: HistoryTables;
  /** appends to raw.flights of the log that the history reads; values as Avro writes them (bytes as Buffer) */
  appendRaw(partition: number, rows: readonly Row[], logTime: number): void;
  /** the same with the source's next schema: + `note: string?`, `seats` int → long */
  appendEvolved(partition: number, rows: readonly Row[], logTime: number): void;
  appendUpdates(rows: readonly object[], logTime: number): void;
  /** a history over the same data, opened again */
  reopen(): Promise<HistoryTables>;
  close(): Promise<void>;
}

/** raw.flights, of two partitions. */
export const FLIGHTS_AVRO = {
  type: 'record',
  name: 'flights',
  eventTime: 'date',
  fields: [
    { name: 'date', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'origin', type: 'string' },
    { name: 'delay', type: ['null', 'double'] },
    { name: 'seats', type: ['null', 'int'] },
    { name: 'big', type: ['null', 'long'] },
    { name: 'ok', type: ['null', 'boolean'] },
    { name: 'day', type: ['null', { type: 'int', logicalType: 'date' }] },
    { name: 'blob', type: ['null', 'bytes'] },
    { name: 'tags', type: ['null', { type: 'array', items: 'string' }] },
    { name: 'ratio', type: ['null', 'float'] },
  ],
} as const;

export const FLIGHTS_EVOLVED_AVRO = {
  ...FLIGHTS_AVRO,
  fields: [
    ...FLIGHTS_AVRO.fields.map((field) => (field.name === 'seats' ? { name: 'seats', type: ['null', 'long'] } : field)),
    { name: 'note', type: ['null', 'string'] },
  ],
};

/** features.delays */
export const UPDATES_AVRO = {
  type: 'record',
  name: 'delays',
  fields: [
    { name: 'origin', type: 'string' },
    { name: 'hop_ms', type: 'long' },
    { name: 'tile_start', type: 'long' },
    { name: 'p_1__sum', type: ['null', 'double'] },
    {
      name: 'p_2__items',
      type: [
        'null',
        {
          type: 'array',
          items: {
            type: 'record',
            name: 'item',
            fields: [
              { name: 'value', type: ['null', 'string', 'double'] },
              { name: 'offset', type: 'long' },
            ],
          },
        },
      ],
    },
    { name: 'p_3__counts', type: ['null', { type: 'map', values: 'long' }] },
  ],
} as const;

const DAY = 86_400_000;
const T = Date.UTC(2001, 0, 10);
export const flight = (date: number, origin: string, more: Row = {}): Row => ({
  date,
  origin,
  delay: null,
  seats: null,
  big: null,
  ok: null,
  day: null,
  blob: null,
  tags: null,
  ratio: null,
  ...more,
});

const collect = async <T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> => {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
};
const positions = (events: readonly RawEvent[]): string[] => events.map(({ partition, offset }) => `${partition}:${offset}`);

export const historyContract = (name: string, open: () => Promise<HistoryUnderTest>): void => {
  describe(`history contract: ${name}`, () => {
    let test: HistoryUnderTest;
    let history: HistoryTables;

    beforeAll(async () => {
      test = await open();
      history = test.history;
    });
    afterAll(() => test.close());

    it('answers for a topic that has no table yet', async () => {
      expect(await history.through('raw.flights')).toEqual([]);
      expect(await history.snapshot('raw.flights')).toBeNull();
      expect(await history.events({ source: 'flights' })).toEqual([]);
      expect(await collect(history.scan({ source: 'flights', fields: ['origin'] }))).toEqual([]);
      expect(await history.updates('delays', {})).toEqual([]);
      expect(await history.dataFiles('raw.flights')).toEqual([]);
    });

    it('writes nothing where the log has nothing', async () => {
      await history.sync('raw.flights');
      expect(await history.snapshot('raw.flights')).toBeNull();
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
      test.appendRaw(0, [full, flight(-1, 'before'), flight(-DAY, 'before'), flight(-DAY - 1, 'before')], 1_000);
      test.appendRaw(
        1,
        odd.map((origin, i) => flight(T + DAY + i, origin, { big: -(2 ** 52), delay: 5e-324 })),
        2_000,
      );
      await history.sync('raw.flights');
      expect(await history.through('raw.flights')).toEqual([4, 8]);

      const events = await history.events({ source: 'flights' });
      expect(positions(events)).toEqual(['0:3', '0:2', '0:1', '0:0', '1:0', '1:1', '1:2', '1:3', '1:4', '1:5', '1:6', '1:7']);
      expect(events.slice(0, 3).map((event) => event.eventTime)).toEqual([-DAY - 1, -DAY, -1]);
      expect(events[3]).toEqual({ row: { ...full, blob: 'AP8B' }, eventTime: T + 3, partition: 0, offset: 0, logTime: 1_000 });
      expect(Object.keys(events[3]?.row ?? {})).toEqual(FLIGHTS_AVRO.fields.map((field) => field.name));
      expect(events.slice(4).map((event) => event.row.origin)).toEqual(odd);
      expect(events[4]?.row).toMatchObject({ big: -(2 ** 52), delay: 5e-324, tags: null, ok: null });
      for (const origin of odd) {
        const found = await history.events({ source: 'flights', where: { origin } });
        expect(found.map((event) => event.row.origin)).toEqual([origin]);
      }
    });

    it('selects by value, event time (both ends in), and offset', async () => {
      const select = async (query: object): Promise<string[]> => positions(await history.events({ source: 'flights', ...query }));
      expect(await select({ where: { origin: 'before' } })).toEqual(['0:3', '0:2', '0:1']);
      expect(await select({ where: { origin: 'before' }, from: -DAY, to: -1 })).toEqual(['0:2', '0:1']);
      expect(await select({ from: -DAY + 1, to: -1 })).toEqual(['0:1']);
      expect(await select({ from: T, to: T + 2 })).toEqual([]);
      expect(await select({ below: [1, 1] })).toEqual(['0:0', '1:0']);
      expect(await select({ below: [0, 0] })).toEqual([]);
      expect(await select({ where: { ok: true } })).toEqual(['0:0']);
      expect(await select({ where: { seats: -7, delay: -0.1 } })).toEqual(['0:0']);
      expect(await select({ where: { origin: 'nobody' } })).toEqual([]);
      expect(await select({ where: { origin: 1 } })).toEqual([]);
      expect(await select({ from: -1e15, to: -DAY - 1 })).toEqual(['0:3']);
    });

    it('streams the same, by rows and by columns', async () => {
      const events = await history.events({ source: 'flights' });
      const fields = ['origin', 'delay', 'tags', 'absent'];
      const scanned = await collect(history.scan({ source: 'flights', fields }));
      expect(positions(scanned)).toEqual(positions(events));
      expect(scanned.map((event) => event.row)).toEqual(
        events.map(({ row }) => ({ origin: row.origin, delay: row.delay, tags: row.tags, absent: null })),
      );
      const rows: unknown[] = [];
      for await (const { count, columns, eventTime, partition, offset } of history.scanColumns({ source: 'flights', fields })) {
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
        events.map((e) => [e.row.origin, e.row.delay ?? Number.NaN, e.row.tags, null, e.eventTime, e.partition, e.offset]),
      );
    });

    it('reads by one snapshot: what is committed meanwhile is not seen', async () => {
      const pinned = await history.snapshot('raw.flights');
      const scan = history.scan({ source: 'flights', fields: ['origin'] })[Symbol.asyncIterator]();
      const first = await scan.next();
      test.appendRaw(0, [flight(T + 30 * DAY, 'later')], 3_000);
      await history.sync('raw.flights');
      let seen = (first.value as readonly RawEvent[]).length;
      for (let batch = await scan.next(); !batch.done; batch = await scan.next()) seen += batch.value.length;
      expect(seen).toBe(12);
      expect((await history.events({ source: 'flights' })).length).toBe(13);
      expect((await history.events({ source: 'flights', snapshot: pinned?.id as number })).length).toBe(12);
      expect(pinned).toMatchObject({ topic: 'raw.flights', through: [4, 8], rows: 12 });
      await expect(history.events({ source: 'flights', snapshot: 12345 })).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
    });

    it('stops at the offsets that it is told', async () => {
      test.appendRaw(0, [flight(T + 31 * DAY, 'a'), flight(T + 31 * DAY, 'b'), flight(T + 31 * DAY, 'c')], 4_000);
      await history.sync('raw.flights', [6, 8]);
      expect(await history.through('raw.flights')).toEqual([6, 8]);
      await history.sync('raw.flights');
      expect(await history.through('raw.flights')).toEqual([8, 8]);
      expect((await history.snapshot('raw.flights'))?.rows).toBe(16);
    });

    it('takes new fields and wider types; older rows have nulls there', async () => {
      test.appendRaw(0, [flight(T, 'old', { seats: 5 })], 5_000);
      test.appendEvolved(0, [flight(T, 'new', { seats: 2 ** 40, note: 'hej' })], 5_000);
      test.appendRaw(0, [flight(T, 'old', { seats: 6 })], 5_000);
      await history.sync('raw.flights');
      const events = await history.events({ source: 'flights', from: T, to: T });
      expect(events.map(({ row }) => [row.origin, row.seats, row.note])).toEqual([
        ['old', 5, null],
        ['new', 2 ** 40, 'hej'],
        ['old', 6, null],
      ]);
      expect((await history.events({ source: 'flights', where: { seats: 6 } })).length).toBe(1);
      expect((await history.events({ source: 'flights', where: { seats: -7 } })).length).toBe(1);
      expect((await history.events({ source: 'flights', where: { note: 'hej' } })).length).toBe(1);
    });

    it('keeps feature updates, their nested states too', async () => {
      const updates = [
        {
          origin: 'ATL',
          hop_ms: 60000,
          tile_start: T,
          p_1__sum: 1.5,
          p_2__items: [
            { value: 'x', offset: 1 },
            { value: 2.5, offset: 2 },
          ],
          p_3__counts: { a: 1 },
        },
        { origin: 'JFK', hop_ms: 60000, tile_start: T, p_1__sum: null, p_2__items: null, p_3__counts: null },
      ];
      test.appendUpdates(updates, 6_000);
      await history.sync('features.delays');
      const [first] = await history.updates('delays', { origin: 'ATL', tile_start: T });
      expect(first).toEqual({ ...updates[0], _partition: 0, _offset: 0, _log_time: 6_000 });
      expect((await history.updates('delays', {})).map((row) => row.origin)).toEqual(['ATL', 'JFK']);
    });

    it('changes no answer by compacting small files', async () => {
      for (let i = 0; i < 9; i++) {
        test.appendRaw(0, [flight(T + i, 'small')], 7_000 + i);
        await history.sync('raw.flights');
      }
      const before = await history.events({ source: 'flights' });
      const files = (await history.dataFiles('raw.flights')).length;
      await history.maintain('raw.flights');
      expect((await history.dataFiles('raw.flights')).length).toBeLessThan(files);
      expect(await history.events({ source: 'flights' })).toEqual(before);
      for (const origin of ['exactly12byte', '\uFEFFbom'])
        expect((await history.events({ source: 'flights', where: { origin } })).length).toBe(1);
      expect(await history.through('raw.flights')).toEqual([20, 8]);
    });

    it('is all there when opened again', async () => {
      const before = await history.events({ source: 'flights' });
      history = await test.reopen();
      expect(await history.events({ source: 'flights' })).toEqual(before);
      test.appendRaw(1, [flight(T, 'again')], 8_000);
      await history.sync('raw.flights');
      expect((await history.snapshot('raw.flights'))?.rows).toBe(before.length + 1);
    });
  });
};

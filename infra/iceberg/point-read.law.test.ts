/**
 * Reads of some entities against all events, filtered here: for any values, times and offsets, in
 * tables of many files and row groups, before and after the files are sorted by keys. That such
 * reads need no scan once they are sorted is tested, too.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventQuery } from '#domain/ports/history.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import { selectFiles, tableReader } from '#infra/shared/iceberg/pinned-table.ts';
import { pointReader } from '#infra/shared/iceberg/point-read.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { FILE_LOG_MODULE, fileLog, historyIn } from '#tests/contracts/history.fixture.ts';
import { FLIGHTS_AVRO, FLIGHTS_EVOLVED_AVRO, flight } from '#tests/contracts/history.samples.ts';
import { type IcebergHistory, openIcebergHistory } from './history.ts';

const DAY = 86_400_000;
const DAYS = 3;
const ROWS = 24_000;
const TOPIC = 'raw.flights';
const source = 'flights';
const FIELDS = ['origin', 'seats', 'delay', 'ok', 'day', 'big', 'blob', 'note', 'absent'];
const ORIGINS = ['', 'é', '\uFEFFbom', 'n\u0000ul', 'x'.repeat(300), '🛫', '\uFFFD'].concat(
  Array.from({ length: 90 }, (_, i) => `airport-${i}`),
);
const pick = <T>(from: readonly T[], i: number): T => from[i % from.length] as T;

/** The same rows in each run: numbers that look random. */
const rowsOf = (begin: number, end: number): Row[] =>
  Array.from({ length: end - begin }, (_, n) => {
    const i = begin + n;
    const mixed = Math.imul(i + 1, 2654435761) >>> 0;
    return flight((mixed % (DAYS * DAY)) - DAY, pick(ORIGINS, mixed >>> 7), {
      seats: mixed % 7 === 0 ? null : (mixed >>> 4) % 12,
      delay: mixed % 5 === 0 ? null : ((mixed >>> 3) % 40) / 10,
      ok: pick([null, true, false], mixed >>> 9),
      day: mixed % 3 === 0 ? null : ((mixed >>> 5) % 30) - 15,
      big: mixed % 4 === 0 ? null : -(2 ** 50) + ((mixed >>> 8) % 25),
      blob: mixed % 2 === 0 ? null : (Buffer.from([mixed & 255]) as unknown as string),
    });
  });

describe('reads of some entities', () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-point-'));
  const directory = join(data, 'log');
  const log = fileLog(directory);
  const [plain, evolved] = [log.schema(FLIGHTS_AVRO), log.schema(FLIGHTS_EVOLVED_AVRO)];
  const options = historyIn(data);
  let history: IcebergHistory;
  let all: readonly RawEvent[];

  beforeAll(async () => {
    history = await openIcebergHistory({
      ...options,
      input: {
        module: FILE_LOG_MODULE,
        options: { directory, topics: [{ topic: TOPIC, partitions: 2 }] },
      },
      commitAfterMs: 0,
    });
    const third = ROWS / 3;
    log.append(TOPIC, 0, plain, rowsOf(0, third), 1_000);
    await history.sync(TOPIC);
    await history.sortBy({ [TOPIC]: ['origin', 'seats'] });
    const wide = rowsOf(third, 2 * third).map((row, i) => ({
      ...row,
      note: pick([null, 'hej', 'då'], i),
    }));
    log.append(TOPIC, 1, evolved, wide, 2_000);
    await history.sync(TOPIC);
    log.append(TOPIC, 0, plain, rowsOf(2 * third, ROWS), 3_000);
    await history.sync(TOPIC);
    all = await history.events({ source });
  });
  afterAll(async () => {
    await history.close();
    rmSync(data, { recursive: true, force: true });
  });

  const anyValue: Readonly<Record<string, fc.Arbitrary<Value>>> = {
    origin: fc.constantFrom<Value>(...ORIGINS, 'nowhere', 7, null),
    seats: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom<Value>(null, 0.5, 'x')),
    delay: fc.oneof(
      fc.integer({ min: 0, max: 40 }).map((n) => n / 10),
      fc.constant(null),
    ),
    ok: fc.constantFrom<Value>(true, false, null, 1),
    day: fc.integer({ min: -16, max: 16 }),
    big: fc.integer({ min: 0, max: 26 }).map((n) => -(2 ** 50) + n),
    note: fc.constantFrom<Value>('hej', 'då', null),
    absent: fc.constantFrom<Value>(null, 'x'),
  };
  const names = fc.constantFrom(
    ['origin'],
    ['origin', 'seats'],
    ['seats', 'ok'],
    ['origin', 'note'],
    ['big'],
    ['day', 'delay'],
    ['origin', 'absent'],
  );
  const record = (fields: readonly string[]): fc.Arbitrary<Record<string, Value>> =>
    fc.record(
      Object.fromEntries(fields.map((f) => [f, anyValue[f] as fc.Arbitrary<Value>] as const)),
    ) as fc.Arbitrary<Record<string, Value>>;
  const time = fc.integer({ min: -DAY - 1, max: 2 * DAY + 1 });
  const offset = fc.integer({ min: 0, max: ROWS });
  const query: fc.Arbitrary<Omit<EventQuery, 'source'>> = names.chain((fields) =>
    fc.record(
      {
        anyOf: fc.array(record(fields), { minLength: 1, maxLength: 4 }),
        where: fc.constantFrom({}, { ok: true }),
        from: time,
        to: time,
        below: fc.tuple(offset, offset),
        fields: fc.constant(FIELDS),
      },
      { requiredKeys: ['anyOf', 'fields'] },
    ),
  );

  const has = (row: Row, values: Readonly<Record<string, Value>>): boolean =>
    Object.entries(values).every(([field, value]) => (row[field] ?? null) === value);
  const expected = (wanted: Omit<EventQuery, 'source'>): unknown[] => {
    const { where = {}, anyOf = [{}], from = -Infinity, to = Infinity, below } = wanted;
    return all
      .filter(
        ({ row, eventTime, partition, offset: at }) =>
          has(row, where) &&
          anyOf.some((values) => has(row, values)) &&
          eventTime >= from &&
          eventTime <= to &&
          at < (below?.[partition] ?? Infinity),
      )
      .map((event) => ({
        ...event,
        row: Object.fromEntries(FIELDS.map((field) => [field, event.row[field] ?? null])),
      }));
  };
  const law = async (): Promise<void> =>
    fc.assert(
      fc.asyncProperty(query, async (wanted) => {
        expect(await history.events({ source, ...wanted })).toEqual(expected(wanted));
      }),
      { numRuns: 60 },
    );
  /** How many files a read of one entity leaves to a scan. */
  const scanned = async (where: Readonly<Record<string, Value>>): Promise<number | null> => {
    const table = await tableReader(tableDirectory(options.root, TOPIC)).pin();
    if (table === null) throw new Error('there is no table');
    const files = selectFiles(table, { where });
    const read = await pointReader(options.root.files).read(
      table,
      files,
      { where },
      ['origin'],
      async () => {},
    );
    return read === null ? null : read.rest.length;
  };

  it('have the same events before the files are sorted', law);

  it('have the same events when all files are sorted, and scan none of them', async () => {
    await history.maintain(TOPIC);
    expect(await history.events({ source })).toEqual(all);
    await law();
    expect(await scanned({ origin: 'airport-7' })).toBe(0);
    expect(await scanned({ origin: 'airport-7', seats: 3 })).toBe(0);
    expect(await scanned({ tags: null })).toBeNull();
  });

  it('read two row groups of a sorted file at most, and the second time none', async () => {
    const table = await tableReader(tableDirectory(options.root, TOPIC)).pin();
    if (table === null) throw new Error('there is no table');
    expect(new Set(table.files.map(({ file }) => file.sort_order_id))).toEqual(new Set([1]));
    // by file: one of the footer, and one of each row group
    const reads = new Map<string, number>();
    const counting = {
      ...options.root.files,
      readRange: (uri: string, start: number, length: number) => {
        reads.set(uri, (reads.get(uri) ?? 0) + 1);
        return options.root.files.readRange(uri, start, length);
      },
    };
    const where = { origin: 'airport-7' };
    const files = selectFiles(table, { where });
    const large = files.filter(({ file }) => file.record_count > 2 * 2048);
    expect(large.length).toBeGreaterThan(0);
    const reader = pointReader(counting);
    const read = () => reader.read(table, files, { where }, ['origin'], async () => {});
    const wanted = all.filter(({ row }) => row['origin'] === 'airport-7').length;
    expect((await read())?.events.length).toBe(wanted);
    for (const { uri } of large) expect(reads.get(uri)).toBeLessThanOrEqual(3);
    reads.clear();
    expect((await read())?.events.length).toBe(wanted);
    expect(reads.size).toBe(0);
  });
});

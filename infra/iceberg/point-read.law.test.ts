/**
 * Reads of some entities against all events, filtered here: for any values, times and offsets, in
 * tables of many files and row groups, before and after the files are sorted by keys. That such
 * reads need no scan once they are sorted is tested, too.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventQuery } from '#domain/ports/history.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import { selectFiles, tableReader } from '#infra/shared/iceberg/pinned-table.ts';
import { pointReader } from '#infra/shared/iceberg/point-read.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { DAY, MIXED_DAYS, ORIGINS } from '#tests/contracts/history.samples.ts';
import {
  MIXED_ROWS,
  MIXED_TOPIC,
  type MixedHistory,
  mixedHistory,
} from '#tests/contracts/mixed-history.fixture.ts';
import type { IcebergHistory } from './history.ts';

const source = 'flights';
const FIELDS = ['origin', 'seats', 'delay', 'ok', 'day', 'big', 'blob', 'note', 'absent'];

describe('reads of some entities', () => {
  let mixed: MixedHistory;
  let history: IcebergHistory;
  let all: readonly RawEvent[];
  beforeAll(async () => {
    mixed = await mixedHistory();
    ({ history, all } = mixed);
  });
  afterAll(() => mixed.close());

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
  const time = fc.integer({ min: -DAY - 1, max: (MIXED_DAYS - 1) * DAY + 1 });
  const offset = fc.integer({ min: 0, max: MIXED_ROWS });
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
    const table = await tableReader(tableDirectory(mixed.root, MIXED_TOPIC)).pin();
    if (table === null) throw new Error('there is no table');
    const files = selectFiles(table, { where });
    const read = await pointReader(mixed.root.files).read(
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
    await history.maintain(MIXED_TOPIC);
    expect(await history.events({ source })).toEqual(all);
    await law();
    expect(await scanned({ origin: 'airport-7' })).toBe(0);
    expect(await scanned({ origin: 'airport-7', seats: 3 })).toBe(0);
    expect(await scanned({ tags: null })).toBeNull();
  });

  it('read two row groups of a sorted file at most, and the second time none', async () => {
    const table = await tableReader(tableDirectory(mixed.root, MIXED_TOPIC)).pin();
    if (table === null) throw new Error('there is no table');
    expect(new Set(table.files.map(({ file }) => file.sort_order_id))).toEqual(new Set([1]));
    // by file: one of the footer, and one of each row group
    const reads = new Map<string, number>();
    const counting = {
      ...mixed.root.files,
      readRange: (uri: string, start: number, length: number) => {
        reads.set(uri, (reads.get(uri) ?? 0) + 1);
        return mixed.root.files.readRange(uri, start, length);
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

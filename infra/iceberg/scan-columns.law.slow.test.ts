/**
 * Scans by columns against all events, as DuckDB reads them: for any times, offsets and columns,
 * before and after the files are sorted by keys. Where a scan must be left to DuckDB, it goes on
 * with the first event that was not answered.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventQuery, ScannedColumn, ScannedColumns } from '#domain/ports/history.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { columnBatches } from '#infra/shared/iceberg/column-batches.ts';
import { scanInOrder, type Unread } from '#infra/shared/iceberg/column-scan.ts';
import { type PinnedFile, tableReader } from '#infra/shared/iceberg/pinned-table.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { DAY, MIXED_DAYS } from '#tests/contracts/history.samples.ts';
import {
  MIXED_ROWS,
  MIXED_TOPIC,
  type MixedHistory,
  mixedHistory,
} from '#tests/contracts/mixed-history.fixture.ts';

const source = 'flights';
type Query = Omit<EventQuery, 'source'> & { readonly fields: readonly string[] };

const valueAt = (column: ScannedColumn, row: number, field: string): Value => {
  if ('codes' in column) {
    const code = column.codes[row] as number;
    return code < 0 ? null : (column.values[code] as string);
  }
  const value = column[row] as Value;
  if (Number.isNaN(value)) return null;
  return field === 'ok' && value !== null ? value === 1 : value;
};

const eventsOf = (batch: ScannedColumns): unknown[] =>
  Array.from({ length: batch.count }, (_, row) => ({
    row: Object.fromEntries(
      Object.entries(batch.columns).map(([name, column]) => [name, valueAt(column, row, name)]),
    ),
    eventTime: batch.eventTime[row],
    partition: batch.partition[row],
    offset: batch.offset[row],
    logTime: batch.logTime[row],
  }));

describe('scans by columns', () => {
  let mixed: MixedHistory;
  beforeAll(async () => {
    mixed = await mixedHistory();
  });
  afterAll(() => mixed.close());

  const time = fc.integer({ min: -DAY - 1, max: (MIXED_DAYS - 1) * DAY + 1 });
  const offset = fc.integer({ min: 0, max: MIXED_ROWS });
  const names = ['origin', 'seats', 'delay', 'ok', 'day', 'big', 'note', 'date', 'absent', 'blob'];
  const query: fc.Arbitrary<Query> = fc.record(
    {
      from: time,
      to: time,
      below: fc.oneof(fc.tuple(offset), fc.tuple(offset, offset)),
      fields: fc.subarray(names),
    },
    { requiredKeys: ['fields'] },
  );

  const expected = ({ from = -Infinity, to = Infinity, below, fields }: Query): unknown[] =>
    mixed.all
      .filter(
        ({ eventTime, partition, offset: at }) =>
          eventTime >= from && eventTime <= to && at < (below?.[partition] ?? Infinity),
      )
      .map(({ row, ...event }: RawEvent) => ({
        ...event,
        row: Object.fromEntries(fields.map((field) => [field, row[field] ?? null])),
      }));

  const law = (): Promise<void> =>
    fc.assert(
      fc.asyncProperty(query, async (wanted) => {
        const found: unknown[] = [];
        for await (const batch of mixed.history.scanColumns({ source, ...wanted }))
          for (const event of eventsOf(batch)) found.push(event);
        expect(found).toEqual(expected(wanted));
      }),
      { numRuns: 25 },
    );

  it('have the same events before the files are sorted', law);

  it('have the same events when all files are sorted', async () => {
    await mixed.history.maintain(MIXED_TOPIC);
    await law();
  });

  const filesOf = async (): Promise<readonly PinnedFile[]> => {
    const table = await tableReader(tableDirectory(mixed.root, MIXED_TOPIC)).pin();
    return table?.files ?? [];
  };
  const scanOf = async (files: readonly PinnedFile[], limits: object, from?: number) => {
    const table = await tableReader(tableDirectory(mixed.root, MIXED_TOPIC)).pin();
    if (table === null) throw new Error('there is no table');
    const wanted = ['date', '_partition', '_offset', '_log_time', 'origin'];
    const fields = table.fields.filter(({ name }) => wanted.includes(name));
    const batches = columnBatches(fields, table.timeField, ['origin']);
    const scan = scanInOrder(mixed.root.files, files, {
      fields,
      time: table.timeField,
      query: from === undefined ? {} : { from },
      texts: batches.texts,
      batch: batches.of,
      check: async () => {},
      ...limits,
    });
    const events: unknown[] = [];
    let next = await scan.next();
    for (; next.done !== true; next = await scan.next()) events.push(...eventsOf(next.value));
    return { events, unread: next.value satisfies Unread };
  };

  it('answer rows as soon as no other file can have an older one', async () => {
    const sortedRows = fc.integer({ min: 1, max: MIXED_ROWS });
    await fc.assert(
      fc.asyncProperty(sortedRows, async (rows) => {
        const { events, unread } = await scanOf(await filesOf(), { sortedRows: rows });
        expect(events).toEqual(expected({ fields: ['origin'] }));
        expect(unread.files).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  it('leave to an engine what was not answered', async () => {
    const files = await filesOf();
    const index = fc.nat({ max: files.length - 1 });
    const limits = fc.record({
      sortedRows: fc.constantFrom(1, 5_000),
      waitingRows: fc.constantFrom(0, 2_000, MIXED_ROWS),
    });
    await fc.assert(
      fc.asyncProperty(index, limits, async (bad, sizes) => {
        // A file that cannot be read is as one of another kind.
        const uriOf = ({ uri }: PinnedFile, i: number) => (i === bad ? `${uri}.absent` : uri);
        const { events, unread } = await scanOf(
          files.map((one, i) => ({ ...one, uri: uriOf(one, i) })),
          sizes,
        );
        const left = new Set(unread.files.map(({ uri }) => uri));
        expect(left.has(uriOf(files[bad] as PinnedFile, bad))).toBe(true);
        const rest = await scanOf(
          files.filter((one, i) => left.has(uriOf(one, i))),
          {},
          unread.from,
        );
        expect([...events, ...rest.events]).toEqual(expected({ fields: ['origin'] }));
      }),
      { numRuns: 20 },
    );
  });

  it('refuse a damaged file', async () => {
    const [first] = await filesOf();
    const path = fileURLToPath((first as PinnedFile).uri);
    const whole = readFileSync(path);
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(100) ^ 1, 100);
    writeFileSync(path, damaged);
    // A reader of its own: the other one has checked the file.
    const reader = historyReader(mixed.root, await openDuckDb());
    const scan = async () => {
      let rows = 0;
      for await (const { count } of reader.scanColumns({ source, fields: [] })) rows += count;
      return rows;
    };
    try {
      await expect(scan()).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
      writeFileSync(path, whole);
      expect(await scan()).toBeGreaterThan(0);
    } finally {
      reader.close();
    }
  });
});

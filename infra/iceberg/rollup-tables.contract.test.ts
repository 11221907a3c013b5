/** The promises of the port `domain/ports/rollup-tables.ts`, on Iceberg tables of a local disk. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PeriodRows } from '#domain/ports/rollup-tables.ts';
import { PERIOD_MS, type RollupName, rollupTopic } from '#domain/rollups/rollup-name.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import { fieldType } from '#domain/values/field-type.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { type DuckDb, openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { type CommitStep, manifestsOf } from '#infra/shared/iceberg/append.ts';
import { currentSchema, currentSnapshot } from '#infra/shared/iceberg/metadata.ts';
import { readParquet } from '#infra/shared/iceberg/parquet-scan.ts';
import { tableReader } from '#infra/shared/iceberg/pinned-table.ts';
import { loadTable, tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { compact, expireSnapshots } from './maintenance.ts';
import { removeOrphans } from './orphans.ts';
import { rollupTables } from './rollup-tables.ts';

const { day: DAY, hour: HOUR } = PERIOD_MS;
const T = Date.UTC(2026, 0, 1);
const name: RollupName = { view: 'sales', version: 1, every: 'day' };
const keys = [{ name: 'shop', type: fieldType('string') }];
const features = [
  { name: 'n', type: fieldType('long') },
  { name: 'tags', type: { ...fieldType('string'), array: true } },
];

let directory: string;
let duckDb: DuckDb;
let connection: DuckDBConnection;
let files = 0;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-rollup-tables-'));
  duckDb = await openDuckDb({});
  connection = await duckDb.connect();
});
afterEach(() => {
  connection.closeSync();
  duckDb.close();
  rmSync(directory, { recursive: true, force: true });
});

const root = () => ({ files: localFiles(), uri: fileUri(join(directory, 'history')) });
const open = (checkpoint?: (step: CommitStep) => void) =>
  rollupTables({
    root: root(),
    platform: 'p',
    spillDirectory: join(directory, 'spill'),
    now: () => T + 100 * DAY,
    maintain: async () => {},
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });

/** shop, end as a number of periods after T, n */
type Drawn = readonly [shop: string, end: number, n: number | null];

const rowsOf = async (
  drawn: readonly Drawn[],
  [from, to]: readonly [number, number],
  more: Partial<PeriodRows> & { readonly stepMs?: number } = {},
): Promise<PeriodRows> => {
  const { stepMs = DAY, ...rest } = more;
  const file = join(directory, `rows-${++files}.parquet`);
  const values = drawn.map(
    ([shop, end, n]) =>
      `('${shop}', make_timestamptz(${(T + end * stepMs) * 1000}::BIGINT), ${n}::BIGINT, ['t', NULL])`,
  );
  const all =
    drawn.length === 0
      ? `SELECT '' AS a, make_timestamptz(0::BIGINT) AS b, 0::BIGINT AS c, [''] AS d WHERE false`
      : `SELECT * FROM (VALUES ${values.join(', ')}) v(a, b, c, d)`;
  await connection.run(`COPY (${all}) TO ${literal(file)} (FORMAT parquet)`);
  return {
    keys,
    features,
    file,
    periods: { from: T + from * stepMs, to: T + to * stepMs },
    generation: 1,
    writtenAt: T + 50 * DAY,
    again: false,
    ...rest,
  };
};

/** shop, end, n, days after T of its writing, and of its replacement */
const stored = async (table: RollupName = name) => {
  const pinned = await tableReader(tableDirectory(root(), rollupTopic(table))).pin();
  if (pinned === null || pinned.files.length === 0) return [];
  const paths = await root().files.engine.readable(pinned.files.map(({ uri }) => uri));
  const step = PERIOD_MS[table.every] * 1000;
  const result = await connection.runAndReadAll(
    `SELECT key_shop, (epoch_us(period_end) - ${T * 1000}) // ${step}, n, (epoch_us(written_at) - ${T * 1000}) // ${DAY * 1000}, (epoch_us(replaced_at) - ${T * 1000}) // ${DAY * 1000}, epoch_us(period_end) - epoch_us(period_start) = ${step} FROM ${readParquet(paths, pinned.fields)} ORDER BY ALL`,
  );
  return result.getRows().map((row) => {
    expect(row.at(-1)).toBe(true);
    return row.slice(0, -1).map((value) => (typeof value === 'bigint' ? Number(value) : value));
  });
};

test('rows are there once, with their periods; others are appended', async () => {
  const tables = open();
  expect(await tables.periods(name)).toEqual([]);
  expect(await tables.write(name, await rowsOf([['a', 1, 5]], [0, 1]))).toBe(1);
  const more = await rowsOf(
    [
      ['a', 1, 99],
      ['a', 3, 7],
      ['b', 3, null],
    ],
    [0, 3],
  );
  // What is there stays: only the other periods are written.
  expect(await tables.write(name, more)).toBe(2);
  expect(await tables.write(name, more)).toBe(0);
  expect(await stored()).toEqual([
    ['a', 1, 5, 50, null],
    ['a', 3, 7, 50, null],
    ['b', 3, null, 50, null],
  ]);
  expect(await tables.periods(name)).toEqual([{ from: T, to: T + 3 * DAY }]);
});

test('a period in which no entity has a value is there', async () => {
  const tables = open();
  expect(await tables.write(name, await rowsOf([], [0, 2]))).toBe(0);
  expect(await open().periods(name)).toEqual([{ from: T, to: T + 2 * DAY }]);
  await tables.write(name, await rowsOf([['a', 6, 1]], [5, 6]));
  expect(await tables.periods(name)).toEqual([
    { from: T, to: T + 2 * DAY },
    { from: T + 5 * DAY, to: T + 6 * DAY },
  ]);
});

test('written again, equal rows stay and others are replaced; the rest of a day does too', async () => {
  const hours: RollupName = { ...name, every: 'hour' };
  const tables = open();
  const first: Drawn[] = [
    ['a', 1, 1],
    ['a', 2, 1],
    ['b', 2, 1],
    ['c', 2, 1],
    ['a', 3, 1],
  ];
  await tables.write(hours, await rowsOf(first, [0, 3], { stepMs: HOUR }));
  const second: Drawn[] = [
    ['a', 2, 1],
    ['b', 2, 2],
    ['d', 2, 4],
  ];
  const again = { stepMs: HOUR, again: true, writtenAt: T + 60 * DAY, generation: 2 };
  expect(await tables.write(hours, await rowsOf(second, [1, 2], again))).toBe(2);
  expect(await stored(hours)).toEqual([
    ['a', 1, 1, 50, null],
    ['a', 2, 1, 50, null],
    ['a', 3, 1, 50, null],
    ['b', 2, 1, 50, 60],
    ['b', 2, 2, 60, null],
    ['c', 2, 1, 50, 60],
    ['d', 2, 4, 60, null],
  ]);
  // Once more: what was replaced stays so.
  const third = { ...again, writtenAt: T + 70 * DAY };
  await tables.write(hours, await rowsOf([], [1, 2], third));
  expect((await stored(hours)).filter(([, end]) => end === 2)).toEqual([
    ['a', 2, 1, 50, 70],
    ['b', 2, 1, 50, 60],
    ['b', 2, 2, 60, 70],
    ['c', 2, 1, 50, 60],
    ['d', 2, 4, 60, 70],
  ]);
});

for (const step of ['data', 'manifest', 'manifest-list', 'commit'] as const)
  test(`a write that is killed after ${step} is done again, and no row is there twice`, async () => {
    await open().write(name, await rowsOf([['a', 1, 1]], [0, 1]));
    let armed = true;
    const killed = open((at) => {
      if (armed && at === step) throw new Error('killed');
    });
    const wanted = await rowsOf([['a', 2, 2]], [0, 2]);
    await expect(killed.write(name, wanted)).rejects.toThrow('killed');
    armed = false;
    const after = open();
    const done = step === 'commit';
    expect(await after.periods(name)).toEqual([{ from: T, to: T + (done ? 2 : 1) * DAY }]);
    expect(await after.write(name, wanted)).toBe(done ? 0 : 1);
    expect(await stored()).toEqual([
      ['a', 1, 1, 50, null],
      ['a', 2, 2, 50, null],
    ]);
    // The files of the write that was killed are gone.
    const table = tableDirectory(root(), rollupTopic(name));
    expect(await removeOrphans(table)).toBe(0);
  });

test('compaction and expiry keep the rows and the periods', async () => {
  const tables = open();
  for (let i = 0; i < 4; i++)
    await tables.write(
      { ...name, every: 'hour' },
      await rowsOf([['a', i + 1, i]], [i, i + 1], { stepMs: HOUR }),
    );
  const hours: RollupName = { ...name, every: 'hour' };
  const before = await stored(hours);
  const table = tableDirectory(root(), rollupTopic(hours));
  const replaced = await compact({
    table,
    connection,
    minFiles: 2,
    smallBytes: 1e9,
    fileRows: 1e9,
    maxRows: 1e6,
    now: T,
  });
  expect(replaced).toBe(4);
  await expireSnapshots(table, { keep: 1, minAge: 0, now: T + 200 * DAY });
  expect(await stored(hours)).toEqual(before);
  expect(await tables.periods(hours)).toEqual([{ from: T, to: T + 4 * HOUR }]);
  await tables.write(hours, await rowsOf([['a', 5, 9]], [3, 5], { stepMs: HOUR }));
  expect(await stored(hours)).toHaveLength(5);
});

test('a feature that becomes wider keeps its rows', async () => {
  const tables = open();
  await tables.write(name, await rowsOf([['a', 1, 1]], [0, 1]));
  const wider = [{ name: 'n', type: fieldType('double') }, features[1] as (typeof features)[0]];
  const rows = await rowsOf([['a', 2, 2]], [1, 2], { features: wider });
  expect(await tables.write(name, rows)).toBe(1);
  expect((await stored()).map(([, , n]) => n)).toEqual([1, 2]);
  const loaded = await loadTable(tableDirectory(root(), rollupTopic(name)));
  const { metadata } = loaded as NonNullable<typeof loaded>;
  expect(currentSchema(metadata).fields.find((field) => field.name === 'n')?.type).toBe('double');
  const table = tableDirectory(root(), rollupTopic(name));
  expect((await manifestsOf(table, metadata, currentSnapshot(metadata))).length).toBeGreaterThan(0);
  expect(await tables.periods(name)).toEqual([{ from: T, to: T + 2 * DAY }]);
});

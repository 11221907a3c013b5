/**
 * Snapshot ids of other engines have 63 bits, of which a double keeps 53. Nothing that reads such a
 * table or commits to it may round them.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Match } from '#domain/erasure/scope.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { type DuckDb, openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import { rewriteColumns } from '#infra/shared/iceberg/rewrite-columns.ts';
import {
  loadTable,
  type TableVersion,
  tableDirectory,
} from '#infra/shared/iceberg/table-directory.ts';
import { FILE_LOG_MODULE, fileLog, historyIn } from '#tests/contracts/history.fixture.ts';
import { FLIGHTS_AVRO, flight } from '#tests/contracts/history.samples.ts';
import { giveIds, idsOf } from '#tests/support/foreign-ids.ts';
import { takeBack } from './cut-table.ts';
import { eraseRows } from './erase-rows.ts';
import { openIcebergHistory } from './history.ts';
import { compact, expireSnapshots } from './maintenance.ts';
import { removeOrphans } from './orphans.ts';
import { newestTableFiles } from './table-files.ts';
import { trimTable } from './trim-table.ts';
import { verifyTables } from './verify.ts';

const TOPIC = 'raw.flights';
const T = Date.UTC(2001, 0, 10, 12);
/** Next to each other: one double stands for all three. */
const IDS = [2n ** 63n - 3n, 2n ** 63n - 2n, 2n ** 63n - 1n] as const;
const DIGITS = IDS.map(String);

let data: string;
let path: string;
let root: Directory;
let table: Directory;
let duckDb: DuckDb;
let connection: DuckDBConnection;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'millrace-ids-'));
  const directory = join(data, 'log');
  const log = fileLog(directory);
  const schema = log.schema(FLIGHTS_AVRO);
  const topics = [{ topic: TOPIC, partitions: 1 }];
  const history = await openIcebergHistory({
    ...historyIn(data),
    input: { module: FILE_LOG_MODULE, options: { directory, topics } },
    commitAfterMs: 0,
  });
  for (const [i, origin] of ['ATL', 'JFK', 'LAX'].entries()) {
    log.append(TOPIC, 0, schema, [flight(T + i, origin), flight(T + i, 'SFO')], 1_000 + i);
    await history.sync(TOPIC);
  }
  await history.close();
  ({ root } = historyIn(data));
  table = tableDirectory(root, TOPIC);
  path = join(data, 'history', 'raw', 'flights');
  const own = (await loaded()).metadata.snapshots.map((snapshot) => snapshot['snapshot-id']);
  const ids = new Map(own.map((id, i) => [id, IDS[i] as bigint]));
  await giveIds(path, (id) => ids.get(id) as bigint);
  await removeOrphans(table);
  duckDb = await openDuckDb({ memoryLimit: '128MB', threads: 1, spillDirectory: data });
  connection = await duckDb.connect();
});
afterEach(() => {
  connection.closeSync();
  duckDb.close();
  rmSync(data, { recursive: true, force: true });
});

const loaded = async (): Promise<TableVersion> => (await loadTable(table)) as TableVersion;

/** The ids of a commit on top of the table: those that it had, and one more. */
const expectExact = async (): Promise<void> => {
  const { metadata } = await loaded();
  const own = String(metadata['current-snapshot-id']);
  const { inText, inManifests } = await idsOf(path);
  expect(DIGITS).not.toContain(own);
  expect(inText).toEqual([...DIGITS, own].sort());
  expect([...DIGITS, own]).toEqual(expect.arrayContaining([...inManifests]));
  expect(metadata.snapshots.at(-1)?.['parent-snapshot-id']).toBe(IDS[2]);
};

test('the table has these ids, and each snapshot is read by its own', async () => {
  expect(await idsOf(path)).toEqual({ inText: DIGITS, inManifests: DIGITS });
  const reader = historyReader(root, await openDuckDb({ memoryLimit: '128MB', threads: 1 }));
  try {
    expect((await reader.snapshot(TOPIC))?.id).toBe(IDS[2]);
    const rows = IDS.map(
      async (snapshot) => (await reader.events({ source: 'flights', snapshot })).length,
    );
    expect(await Promise.all(rows)).toEqual([2, 4, 6]);
    await expect(reader.events({ source: 'flights', snapshot: IDS[0] - 1n })).rejects.toMatchObject(
      {
        code: 'MR_NOT_FOUND',
        details: { snapshotId: '9223372036854775804' },
      },
    );
  } finally {
    reader.close();
  }
});

test('a trim keeps them', async () => {
  const trim = { table, connection, before: Date.now(), below: [2], now: Date.now() };
  expect(await trimTable(trim)).toBe(2);
  await expectExact();
});

test('a compaction keeps them', async () => {
  const small = { minFiles: 2, smallBytes: 1e9, fileRows: 1e9, maxRows: 1e9 };
  expect(await compact({ table, connection, ...small, now: Date.now() })).toBe(3);
  await expectExact();
  expect((await idsOf(path)).inManifests).toEqual(expect.arrayContaining(DIGITS));
});

test('columns that are written anew keep them', async () => {
  const seats = [{ name: 'seats', type: 'double', required: false }];
  await rewriteColumns({ table, connection, now: Date.now() }, TOPIC, await loaded(), seats);
  await expectExact();
});

test('an expiry keeps those that stay', async () => {
  const now = Date.now() + 1;
  expect(await expireSnapshots(table, { keep: 2, minAge: 0, now })).toBe(1);
  expect((await idsOf(path)).inText).toEqual(DIGITS);
  const { metadata } = await loaded();
  expect(metadata.snapshots.map((one) => one['snapshot-id'])).toEqual(IDS.slice(1));
  expect(metadata['snapshot-log'].map((one) => one['snapshot-id'])).toEqual(IDS.slice(1));
});

test('a table that is taken back has the ids up to there', async () => {
  await takeBack(table, await loaded(), 1);
  expect(await idsOf(path)).toEqual({
    inText: DIGITS.slice(0, 2),
    inManifests: DIGITS.slice(0, 2),
  });
  const { metadata } = await loaded();
  expect(metadata['current-snapshot-id']).toBe(IDS[1]);
  expect(metadata.refs.main?.['snapshot-id']).toBe(IDS[1]);
});

test('an erasure leaves none of them but as the parent of its own', async () => {
  const matches: readonly Match[] = [[{ field: 'origin', type: 'string', value: 'ATL' }]];
  const begun = { begun: false, onFound: () => {}, now: Date.now() };
  const erased = await eraseRows({ root, topic: TOPIC, matches, connection, ...begun });
  expect(erased).toMatchObject({ rows: 1, files: 1, snapshots: 3 });
  const { metadata } = await loaded();
  expect(metadata.snapshots.map((one) => one['parent-snapshot-id'])).toEqual([IDS[2]]);
  // Files that stay say which snapshot added them.
  expect((await idsOf(path)).inManifests).toEqual(expect.arrayContaining(DIGITS.slice(1)));
});

test('a verification and a backup find every file', async () => {
  const options = { root, connection, onProgress: () => {} };
  expect(await verifyTables(options)).toMatchObject({ damage: [], files: 3 });
  const files = await newestTableFiles(root, TOPIC);
  const uris = (await files?.uris()) ?? [];
  // The metadata, three lists, three manifests, three data files.
  expect(uris.length).toBe(10);
  expect(uris.every((uri) => existsSync(new URL(uri)))).toBe(true);
});

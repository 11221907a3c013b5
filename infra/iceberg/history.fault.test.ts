/**
 * Exactly once, whatever is killed when: the log's records are in the tables, each once, and the
 * files that a dead writer left are deleted.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HistoryTables } from '#domain/ports/history.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import {
  FILE_LOG_MODULE,
  type FileLog,
  fileLog,
  historyIn,
} from '#tests/contracts/history.fixture.ts';
import { FLIGHTS_AVRO, flight } from '#tests/contracts/history.samples.ts';
import { openIcebergHistory } from './history.ts';
import { tableWriter } from './table-writer.ts';

const TOPICS = [{ topic: 'raw.flights', partitions: 2 }];
const DAY = 86_400_000;

let data: string;
let log: FileLog;
let schemaId: number;
let dieAt: string;
let failWith: string;
let history: HistoryTables;
const open = (more: { commitAfterMs?: number; commitRows?: number } = {}): Promise<HistoryTables> =>
  openIcebergHistory({
    ...historyIn(data),
    input: {
      module: FILE_LOG_MODULE,
      options: { directory: join(data, 'log'), topics: TOPICS, dieAt, failWith },
    },
    commitAfterMs: 0,
    ...more,
  });

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'millrace-faults-'));
  dieAt = join(data, 'die-at');
  failWith = join(data, 'fail-with');
  log = fileLog(join(data, 'log'));
  schemaId = log.schema(FLIGHTS_AVRO);
});
afterEach(async () => {
  await history.close();
  rmSync(data, { recursive: true, force: true });
});

const appended = [0, 0];
const append = (count: number, seed: number): void => {
  for (const partition of [0, 1]) {
    const rows = Array.from({ length: count }, (_, i) =>
      flight(((i * 7 + seed) % 3) * DAY, `k${i % 5}`),
    );
    log.append('raw.flights', partition, schemaId, rows, 1_000 + seed);
    appended[partition] = (appended[partition] ?? 0) + count;
  }
};

const everyPosition = async (): Promise<string[]> =>
  (await history.events({ source: 'flights' }))
    .map(({ partition, offset }) => `${partition}:${offset}`)
    .sort();

const filesOnDisk = (folder: string, suffix: string): number => {
  const root = join(data, 'history', 'raw', 'flights', folder);
  return existsSync(root)
    ? readdirSync(root, { recursive: true }).filter((name) => String(name).endsWith(suffix)).length
    : 0;
};

it('holds every record once after the writer died at each step of a commit', async () => {
  appended.fill(0);
  history = await open({ commitRows: 400 });
  const steps = [
    'data',
    'manifest',
    'manifest-list',
    'commit',
    'commit',
    'data',
    'manifest-list',
    'manifest',
  ];
  for (const [round, step] of steps.entries()) {
    append(300, round);
    writeFileSync(dieAt, step);
    await expect(history.sync('raw.flights')).rejects.toMatchObject({ code: 'MR_STORAGE_FAILED' });
    expect(readFileSync(dieAt, 'utf8')).toBe('');
    const reached = await history.endOffsets('raw.flights');
    expect((await everyPosition()).length).toBe(reached.reduce((sum, offset) => sum + offset, 0));
  }
  await history.sync('raw.flights');
  const expected = [0, 1]
    .flatMap((p) => Array.from({ length: appended[p] as number }, (_, i) => `${p}:${i}`))
    .sort();
  expect(await everyPosition()).toEqual(expected);
  // No file is left of the commits that did not happen.
  expect(filesOnDisk('data', '.parquet')).toBe((await history.dataFiles('raw.flights')).length);
  expect(filesOnDisk('metadata', '.tmp')).toBe(0);
});

it('holds every record once after kill -9 of the whole process at any moment', async () => {
  appended.fill(0);
  append(3000, 1);
  for (const delay of [3, 17, 41, 66]) {
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, '..', '..', 'tests', 'contracts', 'history-sync-until-killed.ts'),
        data,
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(child.stdout, 'data');
    await sleep(delay);
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  history = await open();
  const reached = await history.endOffsets('raw.flights');
  expect(reached[0]).toBeGreaterThan(0);
  expect((await everyPosition()).length).toBe(reached.reduce((sum, offset) => sum + offset, 0));
  await history.sync('raw.flights');
  expect(new Set(await everyPosition()).size).toBe(6000);
  expect((await history.snapshot('raw.flights'))?.rows).toBe(6000);
  expect(filesOnDisk('data', '.parquet')).toBe((await history.dataFiles('raw.flights')).length);
});

it('writes by itself, and again after its thread died', async () => {
  append(50, 1);
  writeFileSync(dieAt, 'manifest');
  history = await open({ commitAfterMs: 50 });
  const until = Date.now() + 8000;
  while (((await history.endOffsets('raw.flights'))[1] ?? 0) < 50 && Date.now() < until)
    await sleep(50);
  expect(await history.endOffsets('raw.flights')).toEqual([50, 50]);
  expect(new Set(await everyPosition()).size).toBe(100);
});

it('says that the disk is full, and goes on when it is not', async () => {
  append(10, 1);
  writeFileSync(failWith, 'write ENOSPC');
  history = await open();
  await expect(history.sync('raw.flights')).rejects.toMatchObject({ code: 'MR_DISK_FULL' });
  rmSync(failWith);
  await history.sync('raw.flights');
  expect((await everyPosition()).length).toBe(20);
});

it('refuses a table of a newer format', async () => {
  append(10, 1);
  history = await open();
  await history.sync('raw.flights');
  await history.close();
  const path = join(data, 'history', 'raw', 'flights', 'metadata', 'v1.metadata.json');
  writeFileSync(
    path,
    JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), 'format-version': 3 }),
  );
  history = await open();
  await expect(history.events({ source: 'flights' })).rejects.toMatchObject({
    code: 'MR_DATA_DIR_NEWER',
  });
});

it('of two racing writers, one commits the offsets and the other starts over', async () => {
  const table = tableDirectory(historyIn(data).root, 'raw.races');
  const duckDb = await openDuckDb();
  history = await open();
  const columns = [{ name: 'date', type: 'timestamptz', required: true }];
  const schema = {
    type: 'record',
    name: 'races',
    fields: [{ name: 'date', type: { type: 'long', logicalType: 'timestamp-millis' } }],
  };
  const record = (offset: number) => ({
    topic: 'raw.races',
    partition: 0,
    key: null,
    value: Buffer.from([2]),
    schemaId: 1,
    offset,
    logTime: 1,
  });
  const writers = await Promise.all(
    [1, 2].map(async () =>
      tableWriter({
        table,
        name: 'raw.races',
        connection: await duckDb.connect(),
        now: Date.now,
      }),
    ),
  );
  for (let offset = 0; offset < 6; offset++) {
    const results = await Promise.all(
      writers.map(async (writer) => {
        const from = await writer.endOffsets();
        (await writer.begin(columns, 'date')).add(record(offset), schema);
        return writer.commit(from, [offset + 1]);
      }),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
  }
  expect((await history.events({ source: 'races' })).map((event) => event.offset)).toEqual([
    0, 1, 2, 3, 4, 5,
  ]);
  duckDb.close();
});

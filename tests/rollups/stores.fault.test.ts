/**
 * Rollups in all their tables: by days and hours, of several versions; verified, backed up, taken
 * back, repaired; and where an entity is erased.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { col, count, entity, featureView, last, source, sum } from 'millrace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RollupRequest } from '#domain/api/datasets.ts';
import { backUpEmbedded } from '#infra/profiles/embedded-backup.ts';
import { restoreEmbedded } from '#infra/profiles/embedded-restore.ts';
import { runInProcess } from '#tests/support/cli.ts';
import {
  caller,
  caughtUp,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import { sqlRows } from './expected.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { at: 'timestamp', shop: 'string', amount: 'double' },
  eventTime: 'at',
});
const totals = (more: Partial<Parameters<typeof featureView>[0]> = {}) =>
  featureView({
    name: 'totals',
    entity: shop,
    source: sales,
    features: {
      sold_1d: count({ window: '1d' }),
      amount: sum(col('amount')),
      newest: last(col('amount'), { description: 'the newest amount' }),
    },
    ...more,
  } as Parameters<typeof featureView>[0]);

let on: TestPlatform;
let clock = 0;
beforeEach(async () => {
  clock = T + 100 * DAY;
  on = await testPlatform({ now: () => clock++ });
  await on.platform.registry.apply(plain(shop, sales, totals()), {}, caller);
});
afterEach(() => on.dispose());

/** [days after T, shop, amount] */
type Sale = readonly [at: number, shop: string, amount: number];
const publish = async (...all: readonly Sale[]): Promise<void> => {
  const events = all.map(([at, name, amount]) => ({ at: T + at * DAY, shop: name, amount }));
  const { rejected } = await on.platform.publishing.publish({ source: 'sales', events }, caller);
  expect(rejected).toEqual([]);
};
const rollup = (request: Partial<RollupRequest> = {}) =>
  on.platform.datasets.rollup({ view: 'totals', every: 'day', ...request }, caller);
const daily = async () =>
  (await sqlRows(on.platform, 'FROM totals_daily ORDER BY period_end, key_shop')).map((row) => [
    row.key_shop,
    ((row.period_end as number) - T) / DAY,
    row.sold_1d,
    row.amount,
    row.newest,
  ]);

test('tables of SQL: the newest values, those of hours, and those of an earlier version', async () => {
  await publish([0.5, 'a', 1], [1.25, 'a', 2], [1.5, 'b', 3], [1.8, 'a', 4]);
  await rollup();
  const newest = () => sqlRows(on.platform, 'SELECT key_shop, amount FROM totals_v1 ORDER BY 1');
  expect(await newest()).toEqual([{ key_shop: 'a', amount: 1 }]);
  expect(await rollup({ every: 'hour' })).toMatchObject({
    table: 'rollup.totals_v1_hour',
    to: T + DAY + 19 * HOUR,
    rows: 2,
  });
  expect(await newest()).toEqual([
    { key_shop: 'a', amount: 3 },
    { key_shop: 'b', amount: 3 },
  ]);
  const answer = await on.platform.sql.query({ sql: 'SELECT 1 FROM totals_daily, totals_v1' });
  answer.close();
  expect(answer.tables.map(({ position }) => position).sort()).toEqual([
    'rollup.totals_v1_day@2026-01-02T00:00:00.000Z',
    'rollup.totals_v1_hour@2026-01-02T19:00:00.000Z',
  ]);
  await on.platform.registry.apply(
    plain(totals({ features: { sold_7d: count({ window: '7d' }) } })),
    { force: true },
    caller,
  );
  const { id } = await on.platform.replays.start({ view: 'totals' }, caller);
  await replayFilled(on.platform, id);
  await on.platform.replays.change(id, 'promote', {}, caller);
  await caughtUp(on.platform);
  const tables = await on.platform.sql.tables();
  expect(tables.map(({ name }) => name)).toEqual([
    'raw_sales',
    'totals_v1',
    'totals_v2',
    'totals_daily',
    'totals_history',
  ]);
  expect(tables[1]?.columns.find(({ name }) => name === 'newest')).toEqual({
    name: 'newest',
    type: 'double',
    description: 'the newest amount',
  });
  expect(tables[4]?.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'key_shop string',
    'sold_7d long',
    'valid_from timestamp',
    'valid_to timestamp',
    'known_from timestamp',
    'known_to timestamp',
  ]);
  expect(await newest()).toHaveLength(2);
  expect(await sqlRows(on.platform, 'FROM totals_daily')).toEqual([]);
  expect(await rollup()).toMatchObject({ version: 2, table: 'rollup.totals_v2_day', rows: 1 });
  expect(await sqlRows(on.platform, 'SELECT sold_7d FROM totals_daily')).toEqual([{ sold_7d: 1 }]);
  const { materializations } = await on.platform.registry.show('feature-view', 'totals');
  expect(materializations?.filter(({ job }) => job === 'rollup')).toMatchObject([
    { location: expect.stringContaining('totals_v2_day'), store: 'iceberg' },
  ]);
});

test('they are verified, counted in the status, backed up, and taken back with the log', async () => {
  await publish([0.5, 'a', 1], [1.5, 'a', 2]);
  const bytes = async () => (await on.platform.operations.status()).storage?.historyBytes ?? 0;
  const before = await bytes();
  await rollup();
  expect(await bytes()).toBeGreaterThan(before);
  const until = new Date(clock++);
  await publish([2.5, 'a', 4]);
  await rollup();
  expect(await daily()).toHaveLength(2);
  await on.platform.close();
  const run = (...args: string[]) => runInProcess(args, {});
  expect(await run('verify', '--data', on.directory, '--deep')).toMatchObject({ status: 0 });
  const backups = join(on.files, 'backups');
  await backUpEmbedded({ dataDirectory: on.directory, to: backups });
  for (const [name, more, rows] of [
    ['whole', {}, 2],
    ['then', { until: { time: until.getTime() } }, 1],
  ] as const) {
    const dataDirectory = join(on.files, name);
    const restored = await restoreEmbedded({ from: backups, dataDirectory, ...more });
    expect(restored.history.map(({ topic }) => topic)).toEqual(
      expect.arrayContaining(rows === 2 ? [] : ['rollup.totals_v1_day']),
    );
    expect(await run('verify', '--data', dataDirectory, '--deep')).toMatchObject({ status: 0 });
    const other = await testPlatform({ dataDirectory, now: () => clock++ });
    try {
      expect(await sqlRows(other.platform, 'FROM totals_daily')).toHaveLength(rows);
      const request = { view: 'totals', every: 'day' } as const;
      const wanted = rows === 2 ? { rows: 0 } : { from: T + DAY, to: T + DAY, rows: 0 };
      expect(await other.platform.datasets.rollup(request, caller)).toMatchObject(wanted);
    } finally {
      await other.dispose();
    }
  }
  await on.restart();
});

test('an erased entity is in no rollup any more', async () => {
  await publish([0.5, 'person-1', 1], [0.6, 'person-2', 2], [1.5, 'person-1', 3]);
  await rollup();
  await rollup({ every: 'hour' });
  await publish([0.7, 'person-1', 10]);
  await rollup({ from: T, again: true });
  await on.platform.close();
  const data = ['--data', on.directory];
  const key = ['--entity', 'shop=person-1'];
  const run = (...args: string[]) => runInProcess(args, {});
  const verify = await run('erase', 'verify', ...key, ...data);
  expect([verify.status, verify.out]).toEqual([1, expect.stringContaining('totals_v1_day')]);
  expect((await run('erase', ...key, '--reason', 'asked', ...data)).status).toBe(0);
  const after = await run('erase', 'verify', ...key, ...data);
  expect([after.status, after.out]).toEqual([0, expect.anything()]);
  expect((await run('verify', ...data, '--deep')).status).toBe(0);
  await on.restart();
  expect(await daily()).toEqual([['person-2', 1, 1, 2, 2]]);
  expect(await rollup()).toMatchObject({ rows: 0 });
});

test('a damaged table is found, removed by a repair, and written anew', async () => {
  await publish([0.5, 'a', 1], [1.5, 'a', 2]);
  await rollup();
  await on.platform.close();
  const data = join(on.directory, 'history', 'rollup', 'totals_v1_day', 'data');
  const [file] = readdirSync(data, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.parquet')) as [string];
  rmSync(join(data, file));
  const run = (...args: string[]) => runInProcess(args, {});
  const found = await run('verify', '--data', on.directory);
  expect([found.status, found.out]).toEqual([1, expect.stringContaining('`millrace rollup`')]);
  const repaired = await run('repair', '--data', on.directory);
  expect([repaired.status, repaired.out]).toEqual([
    0,
    expect.stringContaining('`millrace rollup` writes it anew'),
  ]);
  await on.restart();
  expect(await rollup()).toMatchObject({ rows: 1 });
  expect(await daily()).toEqual([['a', 1, 1, 1, 1]]);
});

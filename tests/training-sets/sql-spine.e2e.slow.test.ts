/**
 * A spine of a SQL statement: its rows keep their order, their values and their types, and a named
 * data set has the same rows again, whatever the statement would give by then.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { avg, col, count, entity, featureView, source } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetRequest, DatasetStatus } from '#domain/api/datasets.ts';
import type { DatasetManifest, SqlSpineRecord } from '#domain/datasets/manifest.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { runInProcess } from '#tests/support/cli.ts';
import {
  caller,
  finished,
  plain,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import { type Workplace, workplace } from './files.ts';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', price: 'double?', n: 'long' },
  eventTime: 'at',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  features: { sold: count({ window: '2h', hop: '1h' }), mean: avg(col('price')) },
});

let on: TestPlatform;
let work: Workplace;
let gateway: HttpGateway;
let files = 0;

const publish = (hours: readonly number[]) =>
  on.platform.publishing.publish(
    {
      source: 'sales',
      events: hours.flatMap((hour) =>
        Array.from({ length: 30 }, (_, i) => ({
          shop: `shop ${i % 4}`,
          at: T + hour * HOUR + i * 60_000,
          price: i % 5 === 0 ? null : i / 4,
          n: i === 7 ? 9_007_199_254_740_991 : i,
        })),
      ),
    },
    caller,
  );

beforeAll(async () => {
  work = await workplace();
  on = await testPlatform();
  await on.platform.registry.apply(plain(shop, sales, turnover), {}, caller);
  await publish([0, 1, 5]);
  gateway = await createHttpGateway({ modules: httpModules(), platform: on.platform, port: 0 });
});
afterAll(async () => {
  await gateway.close();
  await on.dispose();
  work.close();
});

const fresh = (): string => join(work.directory, `out-${++files}.parquet`);
const run = (...args: string[]) => runInProcess(args, { MILLRACE_URL: gateway.url });
const ended = async (started: Promise<DatasetStatus>): Promise<DatasetStatus> =>
  finished(on.platform, await started);
const start = (sql: string, more: Partial<DatasetRequest> = {}, out = fresh()) =>
  on.platform.datasets.start(
    { target: { view: 'turnover' }, spine: { sql }, mode: 'event-time', out, ...more },
    caller,
  );
const bytesOf = async (started: Promise<DatasetStatus>): Promise<Buffer> => {
  const { state, out, error } = await ended(started);
  expect([state, error]).toEqual(['done', null]);
  return readFileSync(out);
};
const spinesLeft = (): readonly string[] =>
  readdirSync(join(on.directory, 'datasets')).filter((name) => name.includes('spine'));

/** All kinds of values that a statement can have beside the columns of a spine. */
const LABELS = `
  n, -n::HUGEINT AS wide, CASE WHEN n % 3 = 0 THEN NULL ELSE n / 7::DOUBLE END AS ratio,
  'NaN'::FLOAT AS odd, n % 2 = 0 AS even, (n % 100)::DECIMAL(9,3) / 8 AS part, "at"::DATE AS day,
  "at" AS moment, '"' || shop || ', ' AS quoted, [n, NULL] AS list, encode(shop) AS bytes, NULL AS none`;
const ORDERED = `SELECT shop, "at" AS event_timestamp, ${LABELS}
  FROM raw_sales ORDER BY n % 7, log_offset DESC`;

test('rows keep their order, values and types, as those of a file with the same rows', async () => {
  const out = fresh();
  const made = await run('dataset', 'turnover', '--spine-sql', ORDERED, '--out', out);
  expect(made, made.err).toMatchObject({ status: 0 });
  const arrow = join(work.directory, 'statement.arrow');
  expect(await run('sql', ORDERED, '--out', arrow)).toMatchObject({ status: 0 });
  const file = fresh();
  const other = await run('dataset', 'turnover', '--spine', arrow, '--out', file);
  expect(other, other.err).toMatchObject({ status: 0 });
  const shape = (path: string) => work.query(`DESCRIBE SELECT * FROM '${path}'`);
  expect(await shape(out)).toEqual(await shape(file));
  expect(await work.rows(out)).toEqual(await work.rows(file));
  expect(await work.query(`SELECT max(n), min(wide) FROM '${out}'`)).toEqual([
    ['9007199254740991', '-9007199254740991'],
  ]);
  // It has no name, so nothing of it is kept.
  expect(spinesLeft()).toEqual([]);
});

const manifestOf = (name: string): Promise<DatasetManifest> =>
  on.platform.datasets.manifest(name, caller);

test('a named one has the same rows again', async () => {
  const unordered = `SELECT shop, "at" AS event_timestamp, random() AS weight FROM raw_sales`;
  const ordered = `SELECT shop, "at" AS event_timestamp, n AS label FROM raw_sales ORDER BY log_offset`;
  const requests = { unordered, ordered };
  const built = new Map<string, Buffer>();
  for (const [name, sql] of Object.entries(requests))
    built.set(name, await bytesOf(start(sql, { name })));
  const { recipe, content } = await manifestOf('ordered');
  const spine = recipe.spine as SqlSpineRecord;
  expect(spine).toEqual({
    kind: 'sql',
    sql: ordered,
    rows: 90,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    stored: expect.stringMatching(/^spine-.*\.parquet$/),
    known: expect.any(Number),
    tables: [{ name: 'raw_sales', of: 'source/sales', position: 'raw.sales@0:90' }],
  });
  expect(content?.rows).toBe(90);
  expect(recipe.command).toContain(`--spine-sql '${ordered}'`);
  expect(spinesLeft()).toHaveLength(2);

  // As a gateway leaves it that is killed while it builds.
  for (const name of ['spine-left.parquet', '.spine-left.parquet.x.tmp'])
    writeFileSync(join(on.directory, 'datasets', name), '');
  await publish([2, 6]);
  await gateway.close();
  await on.restart();
  gateway = await createHttpGateway({ modules: httpModules(), platform: on.platform, port: 0 });
  expect(spinesLeft()).toHaveLength(2);
  const rerun = (name: string) => on.platform.datasets.rerun(name, { out: fresh() }, caller);
  for (const [name, sql] of Object.entries(requests)) {
    expect((await bytesOf(rerun(name))).equals(built.get(name) as Buffer), name).toBe(true);
    // The same request is the same data set, although there are more events by now.
    expect((await bytesOf(start(sql, { name }))).equals(built.get(name) as Buffer)).toBe(true);
  }
  const other = start(`${ordered} LIMIT 3`, { name: 'ordered' });
  await expect(other).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: expect.stringContaining('the spine has other content'),
  });

  // Without the rows that were kept, the statement gives them again, if it says their order.
  for (const name of spinesLeft()) rmSync(join(on.directory, 'datasets', name));
  expect((await bytesOf(rerun('ordered'))).equals(built.get('ordered') as Buffer)).toBe(true);
  expect(spinesLeft()).toEqual([spine.stored]);
  await expect(rerun('unordered')).rejects.toMatchObject({
    code: 'MR_DATASET_CHANGED',
    message: expect.stringMatching(/now the statement gives others: 90 rows, and 90 before/),
  });
  expect(spinesLeft()).toEqual([spine.stored]);
});

test('it has the events that were known at the requested time', async () => {
  const { known } = await manifestOf('ordered').then(({ recipe }) => recipe);
  const sql = 'SELECT shop, "at" AS event_timestamp, n AS label FROM raw_sales ORDER BY log_offset';
  const { rows } = await ended(start(sql, { known }));
  expect(rows).toBe(90);
  expect((await ended(start(sql))).rows).toBe(150);
});

const ERRORS: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'no key',
    'SELECT "at" AS event_timestamp FROM raw_sales',
    'MR_SPINE_INVALID',
    /no column "shop", an entity key \(string\)/,
  ],
  [
    'no time',
    'SELECT shop, "at" FROM raw_sales',
    'MR_SPINE_INVALID',
    /no column "event_timestamp", the time of each row: it has shop, at; add/,
  ],
  [
    'another case',
    'SELECT shop AS "Shop", "at" AS event_timestamp FROM raw_sales',
    'MR_SPINE_INVALID',
    /it has "Shop"; rename/,
  ],
  [
    'a column twice',
    'SELECT shop, shop, "at" AS event_timestamp FROM raw_sales',
    'MR_SPINE_INVALID',
    /two columns "shop"/,
  ],
  [
    'no rows',
    'SELECT shop, "at" AS event_timestamp FROM raw_sales WHERE n < 0',
    'MR_SPINE_INVALID',
    /the statement has no rows/,
  ],
  [
    'a struct',
    `SELECT shop, "at" AS event_timestamp, {'a': 1} AS both FROM raw_sales`,
    'MR_SPINE_INVALID',
    /column "both" of the statement is a struct/,
  ],
  ['no table', 'SELECT * FROM raw_sale', 'MR_SQL_INVALID', /no table "raw_sale"/],
  ['a file', "SELECT * FROM read_csv('/etc/passwd')", 'MR_SQL_REFUSED', /read_csv/],
];

test.each(ERRORS)('%s', async (_, sql, code, message) => {
  const before = spinesLeft();
  await expect(start(sql)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
  expect(spinesLeft()).toEqual(before);
});

test('a row without a time', async () => {
  const before = spinesLeft();
  const sql =
    'SELECT shop, CASE WHEN n = 3 THEN NULL ELSE "at" END AS event_timestamp FROM raw_sales ORDER BY log_offset';
  const { error } = await ended(start(sql, { name: 'without_time' }));
  expect(error).toMatchObject({
    code: 'MR_SPINE_INVALID',
    message: expect.stringContaining('event_timestamp of row 4 of the spine is null'),
  });
  // It has the name, and another request takes it over.
  expect(spinesLeft()).toHaveLength(before.length + 1);
});

test('an erasure finds the rows that are kept', async () => {
  const { recipe } = await manifestOf('ordered');
  const { stored } = recipe.spine as SqlSpineRecord;
  expect(spinesLeft()).toContain(stored);
  const request = { entity: { shop: 'shop 3' }, reason: 'request 78' };
  const { id } = await on.platform.erasures.request(request, caller);
  const isRunning = async (): Promise<boolean> => {
    try {
      return (await on.platform.erasures.get(id)).state === 'running';
    } catch (error) {
      // The platform is closed for some moments.
      if ((error as { readonly code?: string }).code !== 'MR_MAINTENANCE') throw error;
      return true;
    }
  };
  while (await isRunning()) await sleep(20);
  expect(spinesLeft()).toEqual([]);
  await expect(
    on.platform.datasets.rerun('ordered', { out: fresh() }, caller),
  ).rejects.toMatchObject({
    code: 'MR_DATASET_CHANGED',
    details: { rows: expect.any(Number), expected: 90 },
  });
});

/**
 * `millrace show --sql DIALECT`: what it prints for DuckDB, run by `millrace sql`, has the values
 * of a read; other dialects, what cannot be expressed, and refusals; and `show` of a data set.
 */
import {
  approxPercentile,
  avg,
  col,
  count,
  countDistinct,
  entity,
  featureService,
  featureView,
  first,
  last,
  max,
  onDemandFeature,
  request,
  source,
  stddev,
  sum,
  topK,
  when,
} from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { runInProcess } from '#tests/support/cli.ts';
import {
  caller,
  caughtUp,
  finished,
  plain,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';

const T = Date.UTC(2026, 0, 31, 23, 30);
const HOUR = 3_600_000;

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  // A field that has the name of a column of the table.
  fields: {
    shop: 'string',
    at: 'timestamp',
    amount: 'double?',
    items: 'long?',
    note: 'string?',
    day: 'date?',
    log_offset: 'int?',
  },
  eventTime: 'at',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  where: col('amount').gt(0),
  ttl: '30d',
  features: {
    sales: count(),
    sales_1h: count({ window: '1h', hop: '10m' }),
    amount_1d: sum(col('amount'), { window: '1d' }),
    items: sum(col('items')),
    evening: count({ where: col('at').hour().gte(18) }),
    share: avg(when(col('amount').dividedBy(col('items')).gt(2), 1).otherwise(0)),
    spread: stddev(col('amount')),
    notes: countDistinct(col('note'), { limit: 3 }),
    first_note: first(col('note')),
    last_day: last(col('day')),
    newest: max(col('at')),
    p50: approxPercentile(col('amount'), 0.5),
    best: topK(col('note'), 2),
  },
});
const ratio = onDemandFeature({
  name: 'ratio',
  type: 'double',
  inputs: { amount: turnover.feature('amount_1d'), by: request('by', 'long') },
  value: ({ amount, by }) => amount.dividedBy(by).round(),
});
const scores = featureService({ name: 'scores', features: [turnover, ratio] });
const LEFT_OUT = ['p50', 'best'];

let on: TestPlatform;
let http: HttpGateway;

const millrace = async (...args: readonly string[]) =>
  runInProcess([...args, '--url', http.url], {});
const done = async (...args: readonly string[]): Promise<string> => {
  const { status, out, err } = await millrace(...args);
  if (status !== 0) throw new Error(err);
  return out;
};

beforeAll(async () => {
  on = await testPlatform();
  await on.platform.registry.apply(plain(shop, sales, turnover, ratio, scores), {}, caller);
  http = await createHttpGateway({ platform: on.platform, modules: httpModules(), port: 0 });
  const events = Array.from({ length: 60 }, (_, i) => ({
    shop: i === 59 ? 'old' : `s${i % 3}`,
    at: i === 59 ? T - 1_000 * HOUR : T - (i * 37 * HOUR) / 60,
    amount: i % 7 === 0 ? null : (i % 11) - 1 + 0.25,
    items: i % 5 === 0 ? null : i % 4,
    note: i % 6 === 0 ? null : `n${i % 5}`,
    day: 20_000 + i,
    log_offset: 59 - i,
  }));
  await on.platform.publishing.publish({ source: 'sales', events }, caller);
  await caughtUp(on.platform);
});
afterAll(async () => {
  await http?.close();
  await on?.dispose();
});

test('the query for DuckDB has the values of a read at its moment', async () => {
  const shown = await done('show', 'turnover', '--sql', 'duckdb');
  for (const name of LEFT_OUT) expect(shown).toContain(`Not expressed: ${name}: `);
  const at = T + 5 * 60_000;
  const sql = shown.replace('EPOCH_MS(NOW()) AS __at', `${at} AS __at`);
  expect(sql).not.toBe(shown);
  const found = JSON.parse(await done('sql', sql, '--json')) as {
    readonly rows: readonly unknown[][];
    readonly columns: readonly { readonly name: string }[];
  };
  const names = found.columns.map(({ name }) => name);
  const rows = found.rows
    .map((row) => Object.fromEntries(row.map((value, i) => [names[i] as string, value])))
    .sort((a, b) => String(a.shop).localeCompare(String(b.shop)));
  expect(rows.map((row) => row.shop)).toEqual(['s0', 's1', 's2']);
  const features = Object.keys(turnover.features).filter((name) => !LEFT_OUT.includes(name));
  expect(names.toSorted()).toEqual(['shop', ...features].toSorted());
  const read = await on.platform.serving.read({
    features: features.map((name) => `turnover:${name}`),
    entities: rows.map((row) => ({ shop: String(row.shop) })),
    at,
  });
  features.forEach((name, i) => {
    const values = read.values.map((row) => row[i]);
    for (const [n, value] of values.entries())
      if (typeof value === 'number') expect(rows[n]?.[name]).toBeCloseTo(value, 9);
      else expect(rows[n]?.[name]).toEqual(value);
  });
});

test('the query runs as it is shown', async () => {
  const found = JSON.parse(
    await done('sql', await done('show', 'feature-view/turnover', '--sql', 'duckdb'), '--json'),
  );
  // By now, all values have expired.
  expect(found.rows).toEqual([]);
});

test('other engines', async () => {
  const trino = await done('show', 'turnover', '--sql', 'trino');
  expect(trino).toContain('FROM "raw"."sales" CROSS JOIN bounds');
  expect(trino).toContain('CAST(TO_UNIXTIME("at") * 1E3 AS BIGINT)');
  const doris = await done('show', 'turnover', '--sql', 'doris');
  expect(doris).toContain('Not expressed: last_day: no aggregate there picks a value');
  expect(doris).toContain("SET time_zone = 'UTC'");
  expect(await done('show', 'turnover', '--sql', 'flink')).toBe(
    await done('show', 'turnover', '--sql'),
  );
});

test('an on-demand feature', async () => {
  const clickhouse = await done('show', 'ratio', '--sql', 'clickhouse');
  expect(clickhouse).toMatch(/"inputs" stands for a relation with the columns amount, by/);
  expect(clickhouse).toMatch(/AS `ratio` FROM step_\d+$/m);
  const flink = await done('show', 'ratio', '--sql', 'flink');
  expect(flink).toMatch(/^CREATE TEMPORARY SYSTEM FUNCTION MR_FINITE/m);
  const duckdb = (await done('show', 'ratio', '--sql', 'duckdb')).replace(
    /FROM inputs/,
    'FROM (VALUES (7.0::DOUBLE, 2::BIGINT), (7, 0), (NULL, 1)) AS inputs(amount, "by")',
  );
  const { rows } = JSON.parse(await done('sql', `SELECT ratio FROM (${duckdb})`, '--json'));
  expect(rows).toEqual([[4], [null], [null]]);
});

test('what is not computed by SQL, and dialects that there are not', async () => {
  expect(await millrace('show', 'scores', '--sql', 'trino')).toMatchObject({
    status: 1,
    err: expect.stringContaining('MR_REFUSED'),
  });
  const unknown = await millrace('show', 'turnover', '--sql', 'trinoo');
  expect(unknown.status).toBe(1);
  expect(unknown.err).toMatch(/there is no dialect "trinoo"; did you mean "trino"\?/);
  const answer = await fetch(`${http.url}/v1/registry/feature-view/turnover/versions/1?sql=spark`);
  expect(((await answer.json()) as { sql: string }).sql).toContain('UNIX_MILLIS(`at`)');
});

test('a data set is shown by its name', async () => {
  const started = await on.platform.datasets.start(
    {
      target: { view: 'turnover' },
      name: 'of_january',
      mode: 'event-time',
      spine: { grid: { from: T - HOUR, to: T, every: HOUR } },
    },
    caller,
  );
  await finished(on.platform, started);
  const shown = await done('show', 'of_january');
  expect(shown).toMatch(/data set +of_january@1/);
  expect(await done('show', 'dataset/of_january@1')).toBe(shown);
  expect(await done('show', 'of_january', '--at', '1')).toBe(shown);
  expect(await millrace('show', 'dataset/turnover')).toMatchObject({
    status: 1,
    err: expect.stringContaining('there is no data set "turnover"'),
  });
  const position = await on.platform.registry.position();
  expect(await done('show', 'of_january', '--as-of', position)).toMatch(
    /of +feature-view\/turnover/,
  );
});

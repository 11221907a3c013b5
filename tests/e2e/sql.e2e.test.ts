/** SQL over HTTP and on the command line, on the platform of the embedded profile. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { col, count, entity, featureService, featureView, source, sum } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { runInProcess } from '#tests/support/cli.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const T = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const fields = {
  id: 'long',
  shop: 'string',
  at: 'timestamp',
  amount: 'double?',
  day: 'date?',
  tags: 'array<string>',
  body: 'bytes?',
  log_time: 'int?',
} as const;
const orders = (more: Record<string, string> = {}) =>
  source({
    name: 'orders',
    description: 'Orders of shops',
    fields: { ...fields, ...more } as typeof fields,
    eventTime: 'at',
    eventId: 'id',
  });
const totals = featureView({
  name: 'totals',
  entity: shop,
  source: orders(),
  features: { orders: count() },
});
const scores = featureService({ name: 'scores', features: [totals], logging: { sample: 1 } });

const LARGE = 9_007_199_254_740_991;
const order = (id: number, shopName: string, more: object = {}) => ({
  id,
  shop: shopName,
  at: T + id * HOUR,
  tags: ['a', `t${id}`],
  ...more,
});

let on: TestPlatform;
let http: HttpGateway;
let url: string;

const publish = (...events: readonly object[]) =>
  on.platform.publishing.publish(
    { source: 'orders', events: events as Record<string, unknown>[] },
    caller,
  );

const ask = async (sql: string, accept?: string, more: object = {}) => {
  const response = await fetch(`${url}/v1/sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(accept === undefined ? {} : { accept }) },
    body: JSON.stringify({ sql, ...more }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: Buffer.from(await response.arrayBuffer()),
  };
};
const answer = async (sql: string, more: object = {}) => {
  const { status, body } = await ask(sql, undefined, more);
  return { status, ...(JSON.parse(String(body)) as Record<string, unknown>) } as {
    status: number;
    columns: { name: string; type: string }[];
    rows: unknown[][];
    code?: string;
    message?: string;
    known: number;
    tables: { name: string; position: string; snapshot: string | null }[];
    details?: Record<string, unknown>;
  };
};
const rows = async (sql: string) => {
  const result = await answer(sql);
  if (result.status !== 200) throw new Error(JSON.stringify(result));
  return result.rows;
};

beforeAll(async () => {
  on = await testPlatform();
  await on.platform.registry.apply(plain(shop, orders(), totals, scores), {}, caller);
  http = await createHttpGateway({ platform: on.platform, modules: httpModules(), port: 0 });
  url = http.url;
});
afterAll(async () => {
  await http?.close();
  await on?.dispose();
});

test('a table without rows has its columns', async () => {
  const { columns, rows: none, tables } = await answer('SELECT * FROM raw_orders');
  expect(none).toEqual([]);
  expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'id long',
    'shop string',
    'at timestamp',
    'amount double',
    'day date',
    'tags array<string>',
    'body bytes',
    'log_time int',
    'log_partition int',
    'log_offset long',
    'log_time_2 timestamp',
  ]);
  expect(tables).toEqual([{ name: 'raw_orders', position: 'raw.orders@0:0', snapshot: null }]);
});

test('raw events have the values that were published', async () => {
  await publish(
    order(LARGE, 'n', { at: T + 1, amount: 0.1, day: '2026-01-01', body: 'AAH/' }),
    order(2, 's'),
  );
  const result = await answer('SELECT * FROM raw_orders ORDER BY log_offset');
  expect(result.rows.map((row) => row.slice(0, 10))).toEqual([
    [
      LARGE,
      'n',
      '2026-01-01T00:00:00.001Z',
      0.1,
      '2026-01-01',
      ['a', `t${LARGE}`],
      'AAH/',
      null,
      0,
      0,
    ],
    [2, 's', '2026-01-01T02:00:00.000Z', null, null, ['a', 't2'], null, null, 0, 1],
  ]);
  expect(result.tables).toMatchObject([{ name: 'raw_orders', position: 'raw.orders@0:2' }]);
  // Digits that a double would change are text.
  expect(
    await rows(
      'SELECT 9223372036854775807, 12, sum(id), 0.1::DECIMAL(38,20), 1.5, 1e300::DOUBLE * 1e300 FROM raw_orders',
    ),
  ).toEqual([['9223372036854775807', 12, String(BigInt(LARGE) + 2n), 0.1, 1.5, 'Infinity']]);
});

test('columns of a newer version of the source are null in older rows', async () => {
  const registry = on.platform.registry;
  await registry.apply(plain(orders({ note: 'string?' })), {}, caller);
  expect(await rows('SELECT DISTINCT note FROM raw_orders')).toEqual([[null]]);
  await publish(order(3, 'n', { note: 'new' }));
  expect(await rows('SELECT id, note FROM raw_orders WHERE id < 10 ORDER BY id')).toEqual([
    [2, null],
    [3, 'new'],
  ]);
});

test('logged answers are a table', async () => {
  const { position: after } = await publish(order(4, 'logged'));
  await on.platform.serving.read(
    { service: 'scores', entities: [{ shop: 'logged' }, { shop: 'nobody' }], after },
    { actor: 'model', requestId: 'r1' },
  );
  expect(
    await rows(
      'SELECT request_id, "row", key_shop, feature_orders, status_orders, "at" > log_time - INTERVAL 1 HOUR FROM served_scores ORDER BY 2',
    ),
  ).toEqual([
    ['r1', 0, 'logged', 1, 'present', true],
    ['r1', 1, 'nobody', 0, 'not-found', true],
  ]);
  expect(
    await rows('SELECT count(*) FROM served_scores s JOIN raw_orders o ON o.shop = s.key_shop'),
  ).toEqual([[1]]);
});

test('the list of tables has columns, types and descriptions', async () => {
  const response = await fetch(`${url}/v1/sql/tables`);
  const tables = (await response.json()) as {
    name: string;
    description: string;
    columns: object[];
  }[];
  expect(tables.map(({ name }) => name)).toEqual([
    'raw_orders',
    'served_scores',
    'totals_v1',
    'totals_daily',
    'totals_history',
  ]);
  expect(tables[0]).toMatchObject({ kind: 'source', of: 'orders', description: 'Orders of shops' });
  expect(tables[0]?.columns).toContainEqual({ name: 'id', type: 'long', description: 'event id' });
  expect(tables[1]?.columns).toContainEqual({
    name: 'feature_orders',
    type: 'long',
    description: null,
  });
  expect(tables[3]).toMatchObject({
    kind: 'feature-view',
    of: 'totals',
    description: expect.stringContaining('at the end of each day'),
  });
  expect(tables[3]?.columns).toContainEqual({
    name: 'orders',
    type: 'long',
    description: 'count(*) over all time',
  });
});

test('tables of a view have their columns before its first rollup', async () => {
  expect(await rows('SELECT key_shop, orders, valid_to FROM totals_history')).toEqual([]);
  const { tables } = await answer('SELECT count(*) FROM totals_daily');
  expect(tables).toEqual([
    { name: 'totals_daily', position: 'rollup.totals_v1_day', snapshot: null },
  ]);
});

test('CSV quotes what needs it, and tells an empty text from null', async () => {
  const { headers, body } = await ask(
    `SELECT 'a,"b"' AS "x,y", '' AS e, NULL AS n, [1, 2] AS l, TIMESTAMP '2026-01-01 00:00:00.000001' AS t`,
    'text/csv',
  );
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(headers.get('x-millrace-rows')).toBe('1');
  expect(String(body)).toBe('"x,y",e,n,l,t\n"a,""b""","",,"[1,2]",2026-01-01T00:00:00.000001Z\n');
});

test('an Arrow stream has each type, with nulls', async () => {
  const { headers, body } = await ask(
    `SELECT i::INTEGER i, i * 4611686018427387904 l, i = 1 b, i / 2 d, 'é' || i s, [i, NULL] a,
       {x: i, y: 'z'} st, (i * 1.25)::DECIMAL(10, 2) AS dec, TIMESTAMPTZ '2026-01-01 00:00:00.000001Z' t,
       DATE '1969-12-31' dt, 'ab'::BLOB y, sum(i) OVER () h, MAP {'k': i} m
     FROM (VALUES (-1), (NULL), (1)) v(i)`,
    'application/vnd.apache.arrow.stream',
  );
  expect(headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
  const table = tableFromIPC(body);
  expect(table.schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'i Int32',
    'l Int64',
    'b Bool',
    'd Float64',
    's Utf8',
    'a List<Int32>',
    'st Struct<{x:Int32, y:Utf8}>',
    'dec Decimal[10e+2]',
    't Timestamp<MICROSECOND, UTC>',
    'dt Date32<DAY>',
    'y Binary',
    'h Decimal[38e0]',
    'm List<Struct<{key:Utf8, value:Int32}>>',
  ]);
  const column = (name: string): unknown[] => [...(table.getChild(name) ?? [])];
  expect(column('i')).toEqual([-1, null, 1]);
  expect(column('l')).toEqual([-(2n ** 62n), null, 2n ** 62n]);
  expect(column('b')).toEqual([false, null, true]);
  expect(column('d')).toEqual([-0.5, null, 0.5]);
  expect(column('s')).toEqual(['é-1', null, 'é1']);
  expect(column('a').map((list) => [...(list as Iterable<unknown>)])).toEqual([
    [-1, null],
    [null, null],
    [1, null],
  ]);
  expect(column('dec').map((value) => (value === null ? null : BigInt(String(value))))).toEqual([
    -125n,
    null,
    125n,
  ]);
});

test('a result that is larger than a limit is refused, not cut', async () => {
  const result = await answer('SELECT * FROM range(11)', { limits: { rows: 10 } });
  expect(result).toMatchObject({
    status: 413,
    code: 'MR_SQL_LIMIT',
    details: { limit: 'rows', rows: 10 },
  });
  expect((await answer('SELECT * FROM range(10)', { limits: { rows: 10 } })).status).toBe(200);
  expect(
    await answer('SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b', {
      limits: { seconds: 1 },
    }),
  ).toMatchObject({ status: 413, details: { limit: 'seconds' } });
  expect((await answer('SELECT 1', { limits: { rows: 10_000_000 } })).code).toBe(
    'MR_PARAMETER_INVALID',
  );
  expect((await answer('SELECT 1', { engine: 'oracle' })).code).toBe('MR_PARAMETER_INVALID');
});

test('errors say what is wrong', async () => {
  expect(await answer('SELECT * FROM raw_order')).toMatchObject({
    status: 400,
    code: 'MR_SQL_INVALID',
    message: 'there is no table "raw_order"; did you mean "raw_orders"?',
  });
  expect(await answer('SELECT amout FROM raw_orders')).toMatchObject({
    code: 'MR_SQL_INVALID',
    message: expect.stringContaining('"amout" not found'),
  });
  expect(await answer('SELEC 1')).toMatchObject({
    code: 'MR_SQL_INVALID',
    details: { position: 0 },
  });
  expect(await answer('DELETE FROM raw_orders')).toMatchObject({ code: 'MR_SQL_REFUSED' });
});

test('the command line prints a table, CSV and JSON, and writes files', async () => {
  const sql = (...args: readonly string[]) => runInProcess(['--url', url, 'sql', ...args]);
  const query = 'SELECT shop, count(*) AS n FROM raw_orders GROUP BY shop ORDER BY shop';
  expect((await sql(query)).out).toBe('shop    n\nlogged  1\nn       2\ns       1\n');
  expect((await runInProcess(['--url', url, '--json', 'sql', query])).out).toContain('["n",2]');
  const file = join(on.files, 'orders.arrow');
  expect((await sql(query, '--out', file)).out).toBe(`3 rows written to ${file}\n`);
  expect(tableFromIPC(readFileSync(file)).numRows).toBe(3);
  expect((await sql('tables')).out).toContain('raw_orders: Orders of shops');
  const refused = await sql('FROM raw_orders', '--rows', '1');
  expect([refused.status, refused.err]).toEqual([1, expect.stringContaining('MR_SQL_LIMIT')]);
  expect((await sql('SELECT 1', '--out', 'x.txt')).status).toBe(2);
});

test('a view that its source does not fit any more has no tables; the others have theirs', async () => {
  const own = await testPlatform();
  const soldWith = (more: Record<string, string>) =>
    source({ name: 'sold', fields: { shop: 'string', at: 'timestamp', ...more }, eventTime: 'at' });
  const viewOf = (name: string, feature: ReturnType<typeof count>) =>
    featureView({ name, entity: shop, source: 'sold', features: { value: feature } });
  try {
    const views = [viewOf('visitors', count()), viewOf('revenue', sum(col('amount')))];
    const first = plain(shop, soldWith({ amount: 'double' }), ...views);
    await own.platform.registry.apply(first, {}, caller);
    const forced = { force: true, reason: 'test' };
    await own.platform.registry.apply(plain(soldWith({})), forced, caller);
    const { sql } = await own.restart();
    const names = (await sql.tables()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['raw_sold', 'visitors_v1']));
    expect(names).not.toContain('revenue_v1');
    await expect(sql.query({ sql: 'FROM raw_sol' }, caller)).rejects.toMatchObject({
      code: 'MR_SQL_INVALID',
      message: expect.stringContaining('raw_sold'),
    });
  } finally {
    await own.dispose();
  }
});

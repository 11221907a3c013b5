/** Rollups of the embedded profile, as analysts and operators see them. */
import { col, count, entity, featureView, last, source, sum } from 'millrace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RollupRequest } from '#domain/api/datasets.ts';
import { charge, founder, guarded } from '#tests/access/support/fixture.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { sqlRows } from './expected.ts';

const DAY = 86_400_000;
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

test('an event at the end of a period counts in the next one', async () => {
  await publish([0.5, 'a', 1], [1, 'a', 10], [1.5, 'a', 100], [2, 'a', 1000], [3.5, 'b', 1]);
  expect(await rollup({ from: T })).toMatchObject({
    view: 'totals',
    version: 1,
    generation: 1,
    every: 'day',
    from: T,
    to: T + 3 * DAY,
    features: ['sold_1d', 'amount', 'newest'],
    table: 'rollup.totals_v1_day',
    rows: 3,
  });
  expect(await daily()).toEqual([
    ['a', 1, 1, 1, 1],
    ['a', 2, 2, 111, 100],
    ['a', 3, 1, 1111, 1000],
  ]);
  // A read counts the event of its very millisecond, too.
  const features = ['totals:sold_1d', 'totals:amount'];
  const entities = [{ shop: 'a' }];
  const at = T + 2 * DAY;
  const read = await on.platform.serving.read({ features, entities, at });
  expect(read.values).toEqual([[3, 1111]]);
});

test('each run goes on where the table ends, and a period is written when it is final', async () => {
  await expect(rollup()).rejects.toMatchObject({
    code: 'MR_PARAMETER_INVALID',
    message:
      'no day of "totals" is final yet; a period is final when the view has an event of after it',
  });
  await publish([0.5, 'a', 1], [1.5, 'a', 2]);
  expect(await rollup()).toMatchObject({ from: T, to: T + DAY, rows: 1 });
  expect(await rollup()).toMatchObject({ from: T + DAY, to: T + DAY, rows: 0 });
  await publish([4.5, 'b', 4]);
  expect(await rollup()).toMatchObject({ from: T + DAY, to: T + 4 * DAY, rows: 3 });
  await expect(rollup({ from: T + 4 * DAY })).rejects.toMatchObject({
    code: 'MR_PARAMETER_INVALID',
    message: expect.stringContaining('the last final one ends at 2026-01-05T00:00:00.000Z'),
  });
  // A range that is there is not written again.
  expect(await rollup({ from: T, to: T + 3 * DAY })).toMatchObject({ rows: 0 });
  expect(await daily()).toEqual([
    ['a', 1, 1, 1, 1],
    ['a', 2, 1, 3, 2],
    ['a', 3, 0, 3, 2],
    ['a', 4, 0, 3, 2],
  ]);
  await on.restart();
  expect(await rollup()).toMatchObject({ rows: 0 });
});

test('a view with a lateness waits for it, and leaves late events out', async () => {
  const view = 'patient';
  await on.platform.registry.apply(plain(totals({ name: view, lateness: '12h' })), {}, caller);
  await publish([0.5, 'a', 1], [1.5, 'a', 2]);
  await expect(rollup({ view, from: T })).rejects.toMatchObject({
    message: expect.stringMatching(/final when the view has an event of 12h or more after it/),
  });
  // The first one's tile ends with the day, so it is not late yet; the last one is.
  await publish([0.98, 'a', 10], [1.6, 'a', 3], [0.99, 'a', 100]);
  expect(await rollup({ view, from: T })).toMatchObject({ to: T + DAY, rows: 1 });
  expect(await sqlRows(on.platform, 'SELECT sold_1d, amount, newest FROM patient_daily')).toEqual([
    { sold_1d: 2, amount: 11, newest: 10 },
  ]);
  const read = await on.platform.serving.read({
    features: ['patient:amount'],
    entities: [{ shop: 'a' }],
    at: T + DAY,
  });
  expect(read.values).toEqual([[11]]);
});

test('what came afterwards counts when the period is written again; both are in the history', async () => {
  await publish([0.5, 'a', 1], [0.6, 'b', 5], [3.5, 'a', 2]);
  await rollup({ from: T });
  const before = clock;
  await publish([0.7, 'a', 10], [1.2, 'c', 7]);
  expect(await rollup({ from: T })).toMatchObject({ rows: 0 });
  expect(await rollup({ from: T, to: T + 2 * DAY, again: true })).toMatchObject({ rows: 3 });
  expect(await daily()).toEqual([
    ['a', 1, 2, 11, 10],
    ['b', 1, 1, 5, 5],
    ['a', 2, 0, 11, 10],
    ['b', 2, 0, 5, 5],
    ['c', 2, 1, 7, 7],
    ['a', 3, 0, 1, 1],
    ['b', 3, 0, 5, 5],
  ]);
  const then = (table: string) =>
    sqlRows(on.platform, `SELECT key_shop, amount FROM ${table} ORDER BY ALL`, before);
  expect((await then('totals_daily')).map((row) => Object.values(row))).toEqual([
    ['a', 1],
    ['a', 1],
    ['a', 1],
    ['b', 5],
    ['b', 5],
    ['b', 5],
  ]);
  expect(await then('totals_v1')).toHaveLength(2);
  const history = await sqlRows(
    on.platform,
    `SELECT *, known_from < make_timestamptz(${before * 1000}::BIGINT) AS early FROM totals_history WHERE key_shop = 'a' ORDER BY valid_from, known_from`,
  );
  const days = (time: unknown) => (time === null ? null : ((time as number) - T) / DAY);
  expect(
    history.map((row) => [
      row.amount,
      days(row.valid_from),
      days(row.valid_to),
      row.early,
      row.known_to === null,
    ]),
  ).toEqual([
    [1, 1, 2, true, false],
    [11, 1, 2, false, true],
    [1, 2, 3, true, false],
    [11, 2, 3, false, true],
    [1, 3, null, true, true],
  ]);
  expect(history[0]?.known_to).toBe(history[1]?.known_from);
});

test('a table takes the right to read the view', async () => {
  const at = Date.UTC(2026, 0, 1);
  const guard = await guarded();
  try {
    const events = [0, 1].map((n) => ({ ...charge(`c${n}`), at: at + n * DAY }));
    await guard.platform.publishing.publish({ source: 'charges', events }, founder);
    await guard.platform.datasets.rollup({ view: 'spending', every: 'day' }, founder);
    const { header } = await guard.key(['reader@payments']);
    const ask = (sql: string) => guard.call('POST', '/v1/sql', header, { sql });
    expect(await ask('SELECT spent FROM spending_daily')).toMatchObject({
      status: 200,
      body: { rows: [[2]] },
    });
    for (const table of ['suspicion_daily', 'none_history'])
      expect([table, (await ask(`FROM ${table}`)).status]).toEqual([table, 403]);
    expect((await guard.call('GET', '/v1/sql/tables', header)).body).toMatchObject([
      { name: 'spending_v1' },
      { name: 'spending_daily' },
      { name: 'spending_history' },
    ]);
    const rollup = { view: 'spending', every: 'day' };
    expect((await guard.call('POST', '/v1/rollups', header, rollup)).status).toBe(403);
    const tables = '/iceberg/v1/namespaces/rollup/tables';
    expect((await guard.call('GET', tables, header)).body).toMatchObject({
      identifiers: [{ namespace: ['rollup'], name: 'spending_v1_day' }],
    });
    expect(await guard.call('GET', `${tables}/spending_v1_day`, header)).toMatchObject({
      status: 200,
      body: { metadata: { 'format-version': 2 } },
    });
    expect((await guard.call('GET', `${tables}/suspicion_v1_day`, header)).status).toBe(404);
  } finally {
    await guard.dispose();
  }
});

test('this profile writes all features, and a name of the table’s own is refused', async () => {
  await publish([0.5, 'a', 1], [1.5, 'a', 2]);
  await expect(rollup({ features: ['amount'] })).rejects.toMatchObject({
    code: 'MR_PARAMETER_INVALID',
  });
  await on.platform.registry.apply(
    plain(totals({ name: 'odd', features: { version: count({}) } })),
    {},
    caller,
  );
  await expect(rollup({ view: 'odd' })).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: expect.stringContaining('"version"'),
  });
  await expect(rollup({ view: 'none' })).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
});

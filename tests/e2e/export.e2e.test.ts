/** Exported events that are published to another platform give the same values there. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { col, count, entity, featureView, source, sum } from '#domain/definitions/index.ts';
import type { Row } from '#domain/values/value.ts';
import { plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const caller = { actor: 'test' };
const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: {
    t: 'timestamp',
    shop: 'string',
    amount: 'double?',
    day: 'date?',
    units: 'long',
    rate: 'float?',
    open: 'boolean',
    code: 'bytes?',
    tags: 'array<string>',
  },
  eventTime: 't',
  partitions: 3,
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  features: {
    n: count(),
    total: sum(col('amount')),
    units_7d: sum(col('units'), { window: '7d' }),
  },
});
const SHOPS = Array.from({ length: 20 }, (_, i) => `s${i} "ü\n`);
const start = Date.now() - 86_400_000;
const events = Array.from({ length: 3_000 }, (_, i) => ({
  t: start + i * 1_000,
  shop: SHOPS[i % SHOPS.length],
  amount: i % 7 === 0 ? null : i / 3,
  day: i % 5 === 0 ? null : '2026-11-23',
  units: i % 11 === 0 ? Number.MAX_SAFE_INTEGER : i,
  rate: 0.1 * i,
  open: i % 2 === 0,
  code: Buffer.from(`c${i}`).toString('base64'),
  tags: ['a', String(i)],
}));

let here: TestPlatform;
let there: TestPlatform;

const exported = async ({ platform }: TestPlatform): Promise<Row[]> => {
  const rows: Row[] = [];
  for await (const some of await platform.publishing.exportEvents('sales')) rows.push(...some);
  return rows;
};
const publish = async ({ platform }: TestPlatform, all: readonly unknown[]): Promise<void> => {
  for (let i = 0; i < all.length; i += 1_000) {
    const some = all.slice(i, i + 1_000);
    expect(
      await platform.publishing.publish({ source: 'sales', events: some }, caller),
    ).toMatchObject({
      accepted: some.length,
      rejected: [],
    });
  }
};
const values = async ({ platform }: TestPlatform, at: number) =>
  (
    await platform.serving.read({
      features: ['turnover:n', 'turnover:total', 'turnover:units_7d'],
      entities: SHOPS.map((name) => ({ shop: name })),
      at,
    })
  ).values;
const sorted = (rows: readonly Row[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

beforeAll(async () => {
  [here, there] = await Promise.all([testPlatform(), testPlatform()]);
  for (const { platform } of [here, there])
    await platform.registry.apply(plain(shop, sales, turnover), {}, caller);
  await publish(here, events);
});
afterAll(() => Promise.all([here.dispose(), there.dispose()]));

test('an export has every event once, in a form that can be published', async () => {
  const rows = await exported(here);
  expect(rows).toHaveLength(events.length);
  await publish(there, JSON.parse(JSON.stringify(rows)) as Row[]);
  expect(sorted(await exported(there))).toEqual(sorted(rows));
  for (const at of [start + 1_000_000, Date.now()])
    expect(await values(there, at)).toEqual(await values(here, at));
});

test('events that are published during an export are left to the next one', async () => {
  const running = await here.platform.publishing.exportEvents('sales');
  await publish(here, events.slice(0, 10));
  let seen = 0;
  for await (const some of running) seen += some.length;
  expect(seen).toBe(events.length);
});

test('an export works after a restart, and refuses an unknown source', async () => {
  await here.restart();
  expect(await exported(here)).toHaveLength(events.length + 10);
  await expect(here.platform.publishing.exportEvents('nope')).rejects.toMatchObject({
    code: 'MR_UNKNOWN_SOURCE',
  });
});

/**
 * A replay fills a new generation next to the live one. Readers see the old generation until the
 * new one is promoted, and a promotion can be rolled back.
 */
import { avg, col, count, entity, featureView, source, sum } from 'millrace';
import { afterEach, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { Definition } from '#domain/definitions/model.ts';
import {
  caller,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', amount: 'double' },
  eventTime: 'at',
});
const turnover = (least: number, lateness?: '1h') =>
  featureView({
    name: 'turnover',
    entity: shop,
    source: sales,
    ...(lateness === undefined ? {} : { lateness }),
    features: {
      sales_7d: count({ window: '7d', hop: '1d', where: col('amount').gte(least) }),
      amount_1d: sum(col('amount'), { window: '1d', hop: '1h' }),
      amount_avg: avg(col('amount')),
    },
  });

const sale = (i: number) => ({ shop: `s${i % 5}`, at: START + i * 600_000, amount: i % 10 });
const events = Array.from({ length: 2000 }, (_, i) => sale(i));
const AT = START + 2000 * 600_000;

let running: TestPlatform | null = null;
afterEach(async () => {
  await running?.dispose();
  running = null;
});
const start = async (...definitions: readonly Definition[]): Promise<Platform> => {
  running = await testPlatform();
  await running.platform.registry.apply(plain(...definitions), {}, caller);
  return running.platform;
};
const read = async (platform: Platform, feature: string, at = AT): Promise<unknown> =>
  (
    await platform.serving.read({
      features: [`turnover:${feature}`],
      entities: [{ shop: 's1' }],
      at,
    })
  ).values[0]?.[0];
const inLastWeek = (least: number): number => {
  const from = Math.floor((AT - 7 * DAY) / DAY) * DAY;
  return events.filter((e) => e.shop === 's1' && e.at >= from && e.at <= AT && e.amount >= least)
    .length;
};

test('a replay is started, compared, promoted and rolled back', async () => {
  const platform = await start(shop, sales, turnover(5));
  await platform.publishing.publish({ source: 'sales', events }, caller);
  expect(await read(platform, 'sales_7d')).toBe(inLastWeek(5));

  const plan = await platform.registry.plan(plain(turnover(2)));
  expect(plan.changes).toMatchObject([{ action: 'revise', cost: 'replay' }]);
  await platform.registry.apply(plain(turnover(2)), { reason: 'small sales count too' }, caller);
  expect(await read(platform, 'sales_7d'), 'the live generation is unchanged').toBe(inLastWeek(5));

  const { id } = await platform.replays.start(
    { view: 'turnover', reason: 'small sales count too' },
    caller,
  );
  expect(await replayFilled(platform, id)).toMatchObject({
    state: 'ready',
    progress: 1,
    version: 2,
    generation: 2,
  });
  expect(
    await read(platform, 'sales_7d'),
    'a filled generation is not read before it is promoted',
  ).toBe(inLastWeek(5));

  const comparison = await platform.replays.compare(id);
  expect(comparison).toMatchObject({
    live: { generation: 1, entities: 5 },
    candidate: { generation: 2, entities: 5 },
    onlyLive: [],
    onlyCandidate: [],
  });
  const differing = Object.fromEntries(comparison.features.map((f) => [f.name, f.differing]));
  expect(differing.amount_1d).toBe(0);
  expect(differing.amount_avg).toBe(0);
  expect(differing.sales_7d).toBeGreaterThan(0);

  expect(
    await platform.replays.change(id, 'promote', { reason: 'compared' }, caller),
  ).toMatchObject({
    state: 'promoted',
  });
  expect(await read(platform, 'sales_7d')).toBe(inLastWeek(2));
  await expect(platform.replays.change(id, 'promote', {}, caller)).rejects.toMatchObject({
    code: 'MR_REPLAY_STATE',
  });

  await platform.publishing.publish(
    { source: 'sales', events: [{ shop: 's1', at: AT, amount: 9 }] },
    caller,
  );
  expect(await platform.replays.change(id, 'rollback', {}, caller)).toMatchObject({
    state: 'rolled-back',
  });
  expect(await read(platform, 'sales_7d'), 'the old generation continued to compute').toBe(
    inLastWeek(5) + 1,
  );

  const again = await (running as TestPlatform).restart();
  expect(await read(again, 'sales_7d')).toBe(inLastWeek(5) + 1);
});

test('an event that was too late counts in no read until a replay includes it', async () => {
  const platform = await start(shop, sales, turnover(0, '1h'));
  await platform.publishing.publish({ source: 'sales', events }, caller);
  const before = (await read(platform, 'sales_7d')) as number;
  const lateTime = AT - 5 * DAY;
  await platform.publishing.publish(
    { source: 'sales', events: [{ shop: 's1', at: lateTime, amount: 1 }] },
    caller,
  );
  expect(await read(platform, 'sales_7d')).toBe(before);
  const report = await platform.operations.late('turnover', {});
  expect(report).toMatchObject({
    total: 1,
    records: [{ eventTime: lateTime, entity: { shop: 's1' }, position: 'raw.sales@0:2000' }],
  });
  expect(report.records[0]?.lateBy).toBeGreaterThan(0);

  const { id } = await platform.replays.start(
    { view: 'turnover', from: lateTime, to: lateTime },
    caller,
  );
  expect(await replayFilled(platform, id)).toMatchObject({ state: 'ready' });
  await platform.replays.change(id, 'promote', {}, caller);
  expect(await read(platform, 'sales_7d')).toBe(before + 1);

  const whole = await platform.replays.start({ view: 'turnover' }, caller);
  expect(await replayFilled(platform, whole.id)).toMatchObject({ state: 'ready' });
  const comparison = await platform.replays.compare(whole.id);
  expect(comparison.features.map((f) => f.differing)).toEqual([0, 0, 0]);
});

test('two replays at the same time do not affect each other, and an abandoned one is deleted', async () => {
  const platform = await start(shop, sales, turnover(5));
  await platform.publishing.publish({ source: 'sales', events }, caller);
  const [one, two] = await Promise.all([
    platform.replays.start({ view: 'turnover' }, caller),
    platform.replays.start({ view: 'turnover' }, caller),
  ]);
  expect(new Set([one.id, two.id]).size).toBe(2);
  await Promise.all([replayFilled(platform, one.id), replayFilled(platform, two.id)]);
  for (const { id } of [one, two])
    expect((await platform.replays.compare(id)).features.every((f) => f.differing === 0)).toBe(
      true,
    );
  expect(await platform.replays.change(one.id, 'abandon', {}, caller)).toMatchObject({
    state: 'abandoned',
  });
  await expect(platform.replays.compare(one.id)).rejects.toMatchObject({ code: 'MR_REPLAY_STATE' });
  await platform.replays.change(two.id, 'promote', {}, caller);
  expect(await read(platform, 'sales_7d')).toBe(inLastWeek(5));
});

test('a change of metadata makes a new version of the same generation', async () => {
  const platform = await start(shop, sales, turnover(5));
  await platform.publishing.publish({ source: 'sales', events }, caller);
  await platform.registry.apply(plain({ ...turnover(5), owner: 'shops' }), {}, caller);
  const answer = await platform.serving.read({
    features: ['turnover:sales_7d'],
    entities: [{ shop: 's1' }],
    at: AT,
  });
  expect(answer.views).toMatchObject([{ version: 2, generation: 1 }]);
  expect(answer.values[0]?.[0]).toBe(inLastWeek(5));
});

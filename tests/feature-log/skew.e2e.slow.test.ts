/** Each cause of skew, made on purpose, is found and named, also in the text of the command. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  onDemandFeature,
  request,
  source,
} from 'millrace';
import { afterEach, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { Definition } from '#domain/definitions/model.ts';
import type { SkewReport } from '#domain/feature-log/skew.ts';
import {
  caller,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import { call, startServer } from '#tests/support/server.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 5, 1, 12);
const MAIN = fileURLToPath(new URL('../../gateways/cli/main.ts', import.meta.url));

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp', amount: 'double' },
  eventTime: 'at',
});
const turnover = (least: number) =>
  featureView({
    name: 'turnover',
    entity: shop,
    source: sales,
    lateness: '0ms',
    features: {
      sales_1d: count({ window: '1d', hop: '1h', where: col('amount').gte(least) }),
      amount_avg: avg(col('amount')),
    },
  });
const open = featureView({
  name: 'open',
  entity: shop,
  source: sales,
  features: { last_amount: last(col('amount')) },
});
const scaled = (factor: number) =>
  onDemandFeature({
    name: 'scaled',
    type: 'double',
    inputs: { amount: open.feature('last_amount'), more: request('more', 'double') },
    value: ({ amount, more }) => amount.times(factor).plus(more),
  });
// #region logging
const model = featureService({
  name: 'model',
  features: [turnover(0), scaled(2)],
  logging: { sample: 1 },
});
// #endregion

let running: TestPlatform | null = null;
let clock = NOW;
afterEach(async () => {
  await running?.dispose();
  running = null;
  clock = NOW;
});
const start = async (...definitions: readonly Definition[]): Promise<Platform> => {
  running = await testPlatform({ now: () => clock });
  await running.platform.registry.apply(plain(...definitions), {}, caller);
  return running.platform;
};
const sell = (platform: Platform, at: number, amount: number, who = 's1') =>
  platform.publishing.publish({ source: 'sales', events: [{ shop: who, at, amount }] }, caller);
let asked = 0;
const ask = async (platform: Platform, who = 's1', service = 'model'): Promise<void> => {
  clock += 1_000;
  await platform.serving.read(
    { service, entities: [{ shop: who }], request: [{ more: 1 }] },
    { ...caller, requestId: `r-${asked++}` },
  );
  clock += 1_000;
};
const causesOf = ({ features }: SkewReport) =>
  Object.fromEntries(
    features.map(({ feature, causes }) => [
      feature,
      Object.fromEntries(Object.entries(causes).filter(([, n]) => n > 0)),
    ]),
  );

test('without any change nothing differs', async () => {
  const platform = await start(shop, sales, turnover(0), open, scaled(2), model);
  await sell(platform, NOW - HOUR, 4);
  for (const who of ['s1', 'absent']) await ask(platform, who);
  const report = await platform.serving.skew({ service: 'model' });
  expect(report).toMatchObject({
    logged: { requests: 2, rows: 2 },
    compared: { requests: 2, rows: 2 },
    unexplained: 0,
    gone: [],
  });
  expect(
    report.features.map(({ feature, compared, equal, share, largest }) => [
      feature,
      compared,
      equal,
      share,
      largest,
    ]),
  ).toEqual([
    ['sales_1d', 2, 2, 0, null],
    ['amount_avg', 2, 2, 0, null],
    ['scaled', 2, 2, 0, null],
  ]);
});

test('data that came after the read, and data left out as late, are distinguished', async () => {
  const platform = await start(shop, sales, turnover(0), open, scaled(2), model);
  await sell(platform, NOW - 1_000, 4);
  // Five hours old, so its tile is closed. The view leaves it out, `open` counts it, and it is not
  // the newest event.
  await sell(platform, NOW - 5 * HOUR, 10);
  await ask(platform);
  const report = await platform.serving.skew({ service: 'model' });
  expect(causesOf(report)).toEqual({
    sales_1d: { 'left-out': 1 },
    amount_avg: { 'left-out': 1 },
    scaled: {},
  });
  expect(report.features[0]).toMatchObject({ differing: 1, share: 1, largest: 1, mean: 1 });
  expect(report.features[0]?.examples).toMatchObject([
    {
      entity: { shop: 's1' },
      served: 1,
      eventTime: 2,
      causes: ['left-out'],
      events: [{ cause: 'left-out', position: 'raw.sales@0:1' }],
    },
  ]);
  // After the read, with a time before it: late for all. It is also past the lateness, but the read
  // could not have included it anyway.
  await sell(platform, NOW - 500, 20);
  expect(causesOf(await platform.serving.skew({ service: 'model' }))).toEqual({
    sales_1d: { 'left-out': 1, late: 1 },
    amount_avg: { 'left-out': 1, late: 1 },
    scaled: { late: 1 },
  });
  // Its time is past that of the read, so it does not concern the read.
  await sell(platform, clock, 30);
  expect(causesOf(await platform.serving.skew({ service: 'model' })).scaled).toEqual({ late: 1 });
});

test('a changed computation of a view, and a changed formula, are named as causes', async () => {
  const platform = await start(shop, sales, turnover(0), open, scaled(2), model);
  for (const amount of [1, 9]) await sell(platform, NOW - HOUR, amount);
  await ask(platform);
  await platform.registry.apply(plain(turnover(5), scaled(3)), { reason: 'test' }, caller);
  await ask(platform);
  const before = await platform.serving.skew({ service: 'model' });
  expect(causesOf(before)).toEqual({ sales_1d: {}, amount_avg: {}, scaled: { definition: 1 } });
  const { id } = await platform.replays.start({ view: 'turnover' }, caller);
  await replayFilled(platform, id);
  await platform.replays.change(id, 'promote', {}, caller);
  await ask(platform);
  const after = await platform.serving.skew({ service: 'model' });
  expect(causesOf(after)).toEqual({
    sales_1d: { definition: 2 },
    amount_avg: {},
    scaled: { definition: 1 },
  });
  expect(after.views).toMatchObject([
    { view: 'turnover', version: 2, generation: 2 },
    { view: 'open' },
  ]);
  expect(after.features[0]).toMatchObject({
    compared: 3,
    differing: 2,
    examples: [{ served: 2, eventTime: 1 }],
  });
});

test('a service that pins a version is compared at that version, and so are its on-demand features', async () => {
  const twice = onDemandFeature({
    name: 'twice',
    type: 'long',
    inputs: { n: turnover(0).feature('sales_1d') },
    value: ({ n }) => n.times(2),
  });
  const pinned: Definition = {
    ...model,
    features: [{ from: 'view', view: 'turnover', features: ['sales_1d'], version: 1 }],
  };
  const both: Definition = {
    ...pinned,
    name: 'both',
    features: [...pinned.features, { from: 'on-demand', name: 'twice' }],
  };
  const platform = await start(shop, sales, turnover(0), open, scaled(2), twice, pinned, both);
  for (const amount of [1, 9]) await sell(platform, NOW - HOUR, amount);
  await ask(platform);
  await platform.registry.apply(plain(turnover(5)), { reason: 'test' }, caller);
  const { id } = await platform.replays.start({ view: 'turnover' }, caller);
  await replayFilled(platform, id);
  await platform.replays.change(id, 'promote', {}, caller);
  await ask(platform);
  await ask(platform, 's1', 'both');
  expect(causesOf(await platform.serving.skew({ service: 'model' }))).toEqual({ sales_1d: {} });
  const report = await platform.serving.skew({ service: 'both' });
  expect(causesOf(report)).toEqual({ sales_1d: {}, twice: {} });
});

test('since, until and sample select whole requests; features that the service lost or gained are reported', async () => {
  const platform = await start(shop, sales, turnover(0), open, scaled(2), model);
  for (let i = 0; i < 40; i++) {
    clock += 10_000;
    await platform.serving.read(
      { service: 'model', entities: [{ shop: 's1' }, { shop: 's2' }], request: [{ more: 1 }] },
      { ...caller, requestId: `q-${i}` },
    );
  }
  const from = NOW + 10_000 * 11;
  const within = await platform.serving.skew({
    service: 'model',
    since: from,
    until: from + 10_000 * 9,
  });
  expect(within.compared).toEqual({ requests: 10, rows: 20 });
  const sampled = await platform.serving.skew({ service: 'model', sample: 16 });
  expect(sampled.logged).toEqual({ requests: 40, rows: 80 });
  expect(sampled.compared).toEqual({ requests: 8, rows: 16 });
  const other = featureService({
    name: 'model',
    features: [turnover(0).pick('sales_1d'), open],
    logging: { sample: 1 },
  });
  await platform.registry.apply(plain(other), { force: true, reason: 'test' }, caller);
  const revised = await platform.serving.skew({ service: 'model' });
  expect(revised.gone.toSorted()).toEqual(['amount_avg', 'scaled']);
  expect(revised.features.map(({ feature, compared }) => [feature, compared])).toEqual([
    ['sales_1d', 80],
    ['last_amount', 0],
  ]);
});

test('a service that is not logged is refused, with what to declare; so is an unknown service', async () => {
  const silent = featureService({ name: 'silent', features: [open] });
  const platform = await start(shop, sales, open, silent);
  await expect(platform.serving.skew({ service: 'silent' })).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: /logging: \{ sample/,
  });
  await expect(platform.serving.skew({ service: 'none' })).rejects.toMatchObject({
    code: 'MR_NOT_FOUND',
  });
  await platform.registry.apply(plain({ ...silent, logging: { sample: 1 } }), {}, caller);
  expect(await platform.serving.skew({ service: 'silent' })).toMatchObject({
    compared: { requests: 0, rows: 0 },
    unexplained: 0,
  });
});

const command = (
  url: string,
  ...args: readonly string[]
): Promise<{ readonly status: number | null; readonly out: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, '--url', url, ...args]);
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.on('close', (status) => resolve({ status, out }));
  });

test('the commands print the logged answers of a request, and the report', {
  timeout: 60_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-skew-'));
  const server = await startServer(directory);
  try {
    const definitions = plain(shop, sales, turnover(0), open, scaled(2), model);
    await call(server.url, '/v1/apply', { body: { definitions } });
    const now = Date.now();
    const post = (at: number, amount: number) =>
      call(server.url, '/v1/sources/sales/events', {
        body: { events: [{ shop: 's1', at, amount }] },
      });
    await post(now - 60_000, 4);
    const body = { service: 'model', entities: [{ shop: 's1' }], request: [{ more: 1 }] };
    await call(server.url, '/v1/features', { body, headers: { 'x-request-id': 'skew-1' } });
    await post(now - 30_000, 5);
    const served = await command(server.url, 'served', 'model', '--request-id', 'skew-1');
    expect(served.out).toMatch(/request +skew-1, row 1 of 1/);
    expect(served.out).toMatch(/scaled +9 +present/);
    expect(served.out).toMatch(/turnover version 1, generation 1, events up to raw\.sales@0:1/);
    const report = await command(server.url, 'skew', 'model');
    expect(report.status).toBe(0);
    expect(report.out).toMatch(/^model: 1 of 1 logged rows compared \(1 requests\)/);
    expect(report.out).toMatch(/scaled +1 +1 +100 % +2 +2 +0 +1\n/);
    expect(report.out).toMatch(/late data: raw\.sales@0:1, of /);
    const json = await command(server.url, '--json', 'skew', 'model', '--sample', '5');
    expect(JSON.parse(json.out)).toMatchObject({ service: 'model', unexplained: 0 });
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});

/** What a trimmed log could break, one by one. The law beside it has random combinations. */
import { cpSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { col, count, entity, featureService, featureView, source, sum } from 'millrace';
import { afterEach, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { featureLogTopic, featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { verifyEmbedded } from '#infra/profiles/embedded-verify.ts';
import {
  caller,
  caughtUp,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { id: 'string', shop: 'string', at: 'timestamp', amount: 'double' },
  eventTime: 'at',
  eventId: 'id',
  dedupeWindow: '10d',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  lateness: '1h',
  features: {
    n: count({ window: '30d', hop: '1h' }),
    amount: sum(col('amount'), { window: '30d', hop: '1h' }),
  },
});
const service = featureService({
  name: 'pricing',
  features: [{ from: 'view', view: 'turnover', features: ['n'] }],
  logging: { sample: 1 },
});

const sale = (i: number, at = START + i * 600_000) => ({
  id: `e${i}`,
  shop: `s${i % 3}`,
  at,
  amount: i / 4,
});
const AT = START + 1_000 * 600_000;

let parts: EmbeddedParts;
let running: TestPlatform | null = null;
afterEach(async () => {
  await running?.dispose();
  running = null;
});

const start = async (): Promise<Platform> => {
  running = await testPlatform({
    keepLogMs: 0,
    onParts: (opened) => {
      parts = opened;
    },
  });
  const { platform } = running;
  await platform.registry.apply(plain(shop, sales, turnover), {}, caller);
  await platform.publishing.publish(
    { source: 'sales', events: Array.from({ length: 900 }, (_, i) => sale(i)) },
    caller,
  );
  return platform;
};

/** Saves the states, by a restart, and trims all that can be trimmed. */
const trimAll = async (): Promise<Platform> => {
  const platform = await (running as TestPlatform).restart();
  await sleep(2);
  for (const topic of [rawTopic('sales'), featuresTopic('turnover')])
    await parts.history.sync(topic);
  await parts.retention.trim();
  await parts.retention.trim();
  return platform;
};
const kept = async (platform: Platform): Promise<number | undefined> =>
  (await platform.operations.status()).sources[0]?.kept?.events;

const read = async (platform: Platform): Promise<unknown> => {
  await caughtUp(platform);
  const answer = await platform.serving.read({
    features: ['turnover:n', 'turnover:amount'],
    entities: ['s0', 's1', 's2'].map((name) => ({ shop: name })),
    at: AT,
  });
  expect(answer.degraded).toBeUndefined();
  return answer.values;
};

const losingStates = async (): Promise<Platform> => {
  const { directory } = running as TestPlatform;
  await (running as TestPlatform).platform.close();
  const states = join(directory, 'state');
  for (const name of readdirSync(states)) rmSync(join(states, name));
  return (running as TestPlatform).restart();
};

test('a view whose saved state is lost is computed again, with the same late events', async () => {
  const platform = await start();
  const late = [sale(1_001, START + HOUR), sale(1_002, START + 2 * HOUR)];
  await platform.publishing.publish({ source: 'sales', events: late }, caller);
  const before = await read(platform);
  const report = await platform.operations.late('turnover', {});
  expect(report.total).toBe(2);
  await trimAll();
  const again = await losingStates();
  expect(await read(again)).toEqual(before);
  expect(await again.operations.late('turnover', {})).toEqual(report);
  expect(await kept(again)).toBe(0);

  // A new generation takes in all of the past: no event is late for it.
  const { id } = await again.replays.start({ view: 'turnover' }, caller);
  await replayFilled(again, id);
  await again.replays.change(id, 'promote', {}, caller);
  expect(await read(again)).not.toEqual(before);
});

test('a partial replay is rebuilt from its updates, which stay in the log', async () => {
  const platform = await start();
  const late = [sale(1_001, START + HOUR), sale(1_002, START + 90 * HOUR)];
  await platform.publishing.publish({ source: 'sales', events: late }, caller);
  const range = { from: START, to: START + 2 * HOUR };
  const { id } = await platform.replays.start({ view: 'turnover', ...range }, caller);
  await replayFilled(platform, id);
  await platform.replays.change(id, 'promote', {}, caller);
  const before = await read(platform);
  await trimAll();
  expect(await read(await losingStates())).toEqual(before);
});

test('a retired view is restored, with the events that arrived meanwhile', async () => {
  const platform = await start();
  await platform.publishing.publish({ source: 'sales', events: [sale(1_001, START)] }, caller);
  await trimAll();
  const again = (running as TestPlatform).platform;
  const data = { kind: 'feature-view', name: 'turnover' };
  await again.registry.command({ type: 'Retire', data }, caller);
  await again.publishing.publish(
    { source: 'sales', events: Array.from({ length: 9 }, (_, i) => sale(900 + i)) },
    caller,
  );
  await trimAll();
  const restored = (running as TestPlatform).platform;
  await restored.registry.command({ type: 'Restore', data }, caller);
  expect(((await read(restored)) as number[][]).map(([n]) => n)).toEqual([303, 303, 303]);
});

test('an event id in the dedupe window is found although its event was trimmed', async () => {
  await start();
  await trimAll();
  const again = await (running as TestPlatform).restart();
  expect(await kept(again)).toBe(0);
  const result = await again.publishing.publish(
    { source: 'sales', events: [sale(0), sale(899), sale(950)] },
    caller,
  );
  expect(result).toMatchObject({ accepted: 1, duplicates: 2 });
});

test('logged answers are found after they were trimmed', async () => {
  const platform = await start();
  await platform.registry.apply(plain(service), {}, caller);
  const request = { service: 'pricing', entities: [{ shop: 's1' }] };
  await platform.serving.read(request, { ...caller, requestId: 'r1' });
  const before = await platform.serving.featureLog('pricing', { requestId: 'r1' }, caller);
  expect(JSON.stringify(before)).toContain('r1');
  await parts.history.sync(featureLogTopic('pricing'));
  await sleep(2);
  await parts.retention.trim();
  expect(await parts.retention.trim()).toBeGreaterThan(0);
  expect(await platform.serving.featureLog('pricing', { requestId: 'r1' }, caller)).toEqual(before);
});

test('a trimmed log does not start without its history', async () => {
  await start();
  await trimAll();
  const { directory, platform } = running as TestPlatform;
  await platform.close();
  const history = join(directory, 'history');
  renameSync(history, `${history}.away`);
  await expect((running as TestPlatform).restart()).rejects.toMatchObject({
    code: 'MR_DATA_MIXED',
  });
  rmSync(history, { recursive: true, force: true });
  renameSync(`${history}.away`, history);
  expect(await kept(await (running as TestPlatform).restart())).toBe(0);
});

test('verify names events that are in neither history nor log', async () => {
  await start();
  await trimAll();
  const { directory, platform } = running as TestPlatform;
  await platform.close();
  const verify = async () =>
    (await verifyEmbedded({ dataDirectory: directory, deep: false })).damage;
  expect(await verify()).toEqual([]);
  const table = join(directory, 'history', 'raw', 'sales');
  renameSync(table, `${directory}.sales`);
  const [gap, ...others] = await verify();
  expect(others).toEqual([]);
  expect(gap).toMatchObject({
    part: 'history',
    what: 'the table of raw.sales',
    why: 'it ends at offset 0 of partition 0, and the log begins at 900: offsets 0 to 899 are in neither',
    repair: null,
  });
  renameSync(`${directory}.sales`, table);
  expect(await verify()).toEqual([]);
  await (running as TestPlatform).restart();
});

test('verify names a table that is older than the begin of the log', async () => {
  const platform = await start();
  await parts.history.sync(rawTopic('sales'));
  const { directory } = running as TestPlatform;
  const table = join(directory, 'history', 'raw', 'sales');
  cpSync(table, `${directory}.older`, { recursive: true });
  await platform.publishing.publish({ source: 'sales', events: [sale(900), sale(901)] }, caller);
  await trimAll();
  await (running as TestPlatform).platform.close();
  renameSync(table, `${directory}.newer`);
  renameSync(`${directory}.older`, table);
  const { damage } = await verifyEmbedded({ dataDirectory: directory, deep: true });
  expect(damage).toMatchObject([{ why: expect.stringContaining('offsets 900 to 901') }]);
  rmSync(table, { recursive: true });
  renameSync(`${directory}.newer`, table);
  await (running as TestPlatform).restart();
});

test('the status has the sizes, and what the log still has', async () => {
  const platform = await start();
  const before = await platform.operations.status();
  expect(before.sources[0]).toMatchObject({ historyBytes: null, kept: { events: 900 } });
  expect(before.sources[0]?.kept?.oldest).toBeLessThanOrEqual(Date.now());
  const after = await (await trimAll()).operations.status();
  expect(after.sources[0]).toMatchObject({ events: 900, kept: { events: 0, oldest: null } });
  expect(after.sources[0]?.historyBytes).toBeGreaterThan(1_000);
  expect(after.storage?.historyBytes).toBeGreaterThan(after.sources[0]?.historyBytes as number);
  expect(after.storage?.logBytes).toBeGreaterThan(0);
  expect(after.storage?.logFreeBytes).toBeGreaterThan(0);
});

/**
 * The promise: the receiver gets everything that the registry committed, in order, whatever process
 * dies or is unreachable meanwhile, and nothing else is affected. The expected events are folded
 * from the event store itself.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { count, entity, featureView, source } from 'millrace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Definition } from '#domain/definitions/model.ts';
import { streamTasks } from '#infra/embedded-engine/stream-tasks.ts';
import type { LineageSettings } from '#infra/openlineage/settings.ts';
import { embeddedPlaces } from '#infra/profiles/lineage-locations.ts';
import { hybridClock } from '#infra/shared/clock/hybrid-clock.ts';
import { openDatabase } from '#infra/sqlite/database.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { sqliteLog } from '#infra/sqlite/log.ts';
import { type LineageEvent, producerOf, type RunEvent } from '#projections/lineage/event.ts';
import { registryLineage } from '#projections/lineage/registry-lineage.ts';
import { caller, plain, testPlatform } from '#tests/support/platform.ts';
import { call, type Server, startServer } from '#tests/support/server.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { line, type Receiver, startReceiver } from './receiver.ts';

const KILLS = 6;
const SEED = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp' },
  eventTime: 'at',
});
/** A new view for each number, so that each number is a commit. */
const viewNumber = (n: number): Definition =>
  featureView({ name: `view_${n}`, entity: shop, source: sales, features: { sales: count() } });

let receiver: Receiver;
let directory: string;
beforeEach(async () => {
  receiver = await startReceiver();
  directory = mkdtempSync(join(tmpdir(), 'millrace-lineage-'));
});
afterEach(async () => {
  await receiver.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The lineage events that follow from the registry of a stopped platform. */
const expectedOf = async (
  dataDirectory: string,
  namespace: string,
): Promise<readonly LineageEvent[]> => {
  const database = openDatabase(join(dataDirectory, 'millrace.db'));
  sqliteLog(database, hybridClock(), streamTasks);
  const store = sqliteEventStore(database);
  const fold = registryLineage({
    namespace,
    producer: producerOf(packageJson.version),
    engine: { name: 'millrace', version: packageJson.version },
    places: embeddedPlaces(join(dataDirectory, 'history')),
  });
  const events: LineageEvent[] = [];
  for (;;) {
    const commits = await store.readAll(fold.position(), 500);
    if (commits.length === 0) break;
    for (const commit of commits) events.push(...fold.next(commit));
  }
  database.close();
  return events;
};

/** Each event once, at its first place. */
const once = (events: readonly LineageEvent[]): LineageEvent[] => [
  ...new Map(events.map((event) => [JSON.stringify(event), event])).values(),
];

const settings = (url: string): LineageSettings => ({
  namespace: 'tests',
  target: { kind: 'http', url, apiKey: null, gzip: false },
  everyMs: 3_600_000,
});

test('killed repeatedly between a commit and its delivery, it delivers every commit, in order', async () => {
  const random = (n: number): number => {
    const x = Math.sin(SEED + n * 7919) * 10_000;
    return x - Math.floor(x);
  };
  const env = { OPENLINEAGE_URL: receiver.url, OPENLINEAGE_NAMESPACE: 'tests' };
  let server: Server = await startServer(directory, env);
  const apply = (definitions: readonly Definition[]) =>
    call(server.url, '/v1/apply', { body: { definitions: plain(...definitions) } });
  expect((await apply([shop, sales])).status).toBe(200);
  let n = 0;
  for (let round = 0; round < KILLS; round++) {
    // In a third of the rounds the receiver hangs, so that nothing is delivered before the kill.
    receiver.answer = round % 3 === 1 ? null : 201;
    const killed = new Promise<void>((done) =>
      setTimeout(() => void server.kill().then(done), 20 + random(round) * 200),
    );
    try {
      for (;;) await apply([viewNumber(n++)]);
    } catch {
      // The server is gone. What it acknowledged is committed; what it did not acknowledge may be.
    }
    await killed;
    receiver.answer = 201;
    server = await startServer(directory, env);
  }
  expect((await apply([{ ...shop, description: 'the last' }])).status).toBe(200);
  const events = await receiver.until((all) =>
    all.some((event) => JSON.stringify(event).includes('the last')),
  );
  expect(await server.stop()).toBe(0);
  const expected = await expectedOf(directory, 'tests');
  expect(n).toBeGreaterThan(KILLS);
  expect(once(events).map(line), `seed ${SEED}`).toEqual(expected.map(line));
  expect(once(events), `seed ${SEED}`).toEqual(expected);
});

test('a receiver that is unreachable for a while gets all events, in order; commands are answered meanwhile, and a warning is logged', async () => {
  const { url } = receiver;
  const port = Number(new URL(url).port);
  await receiver.close();
  const said: string[] = [];
  const running = await testPlatform({
    lineage: settings(url),
    warn: (message) => said.push(message),
  });
  await running.platform.registry.apply(
    plain(shop, sales, viewNumber(1), viewNumber(2)),
    {},
    caller,
  );
  const metric = async (name: string): Promise<number> =>
    Number(
      new RegExp(`^${name} (\\S+)$`, 'm').exec(await running.platform.operations.metrics())?.[1],
    );
  // Failed sends are tried again and fail again, and no event is lost.
  while ((await metric('millrace_lineage_failing')) !== 1) await sleep(20);
  expect(await metric('millrace_lineage_lag_events')).toBeGreaterThan(5);
  expect(said.filter((text) => text.includes(`cannot be delivered to ${url}`))).toHaveLength(1);
  receiver = await startReceiver(port);
  const events = await receiver.until(
    (all) => all.filter((event) => line(event) === 'RUNNING compute.view_2').length === 2,
  );
  while ((await metric('millrace_lineage_failing')) !== 0) await sleep(20);
  expect(said.at(-1)).toMatch(/delivered to .* again/);
  await running.platform.close();
  const expected = await expectedOf(running.directory, 'tests');
  expect(once(events)).toEqual(expected);
  await running.dispose();
});

test('lineage that is turned on later includes the earlier commits', async () => {
  const quiet = await startServer(directory);
  expect(
    (
      await call(quiet.url, '/v1/apply', {
        body: { definitions: plain(shop, sales, viewNumber(1)) },
      })
    ).status,
  ).toBe(200);
  expect(await quiet.stop()).toBe(0);
  const expected = await expectedOf(directory, 'tests');
  expect(expected.length).toBeGreaterThan(4);
  const file = join(directory, 'lineage.ndjson');
  const telling = await startServer(directory, { OPENLINEAGE_NAMESPACE: 'tests' }, [
    '--openlineage',
    file,
  ]);
  const text = (): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  while (text().split('\n').length - 1 < expected.length) await sleep(50);
  expect(await telling.stop()).toBe(0);
  const events = text()
    .trim()
    .split('\n')
    .map((json) => JSON.parse(json) as LineageEvent);
  expect(events).toEqual(expected);
});

test('an event that the receiver refuses for good is skipped with a warning; those behind it arrive', async () => {
  receiver.answer = 422;
  const said: string[] = [];
  const running = await testPlatform({
    lineage: settings(receiver.url),
    warn: (message) => said.push(message),
  });
  await running.platform.registry.apply(plain(shop), {}, caller);
  while (said.length === 0) await sleep(10);
  expect(said[0]).toMatch(/lineage@0:0 was refused .* 422 as the test says/);
  receiver.answer = 201;
  await running.platform.registry.apply(plain(sales), {}, caller);
  expect((await receiver.until((all) => all.length > 0)).map(line)).toEqual(['dataset raw.sales']);
  await running.dispose();
});

test('a data set whose process was killed is reported as failed by the next process', async () => {
  const env = { OPENLINEAGE_URL: receiver.url, OPENLINEAGE_NAMESPACE: 'tests' };
  let server = await startServer(directory, env);
  const definitions = plain(shop, sales, viewNumber(1));
  expect((await call(server.url, '/v1/apply', { body: { definitions } })).status).toBe(200);
  const rows = Array.from({ length: 50_000 }, (_, i) => ({
    shop: `s${i}`,
    event_timestamp: Date.now() - i,
  }));
  const started = await call(server.url, '/v1/datasets', {
    body: { view: 'view_1', spine: { rows }, mode: 'event-time' },
  });
  expect(started.status).toBe(202);
  await server.kill();
  server = await startServer(directory, env);
  const events = await receiver.until((all) =>
    all.some((event) => line(event) === 'FAIL dataset.view_1'),
  );
  const runs = events.filter(
    (event): event is RunEvent => 'run' in event && event.job.name === 'dataset.view_1',
  );
  expect(new Set(runs.map(({ run }) => run.runId)).size).toBe(1);
  expect(JSON.stringify(runs.at(-1)?.run.facets)).toContain('the process that made it ended');
  expect(await server.stop()).toBe(0);
  // Reported once: a third process finds nothing to report.
  server = await startServer(directory, env);
  const { body } = await call(server.url, '/v1/lineage/events?limit=1000');
  expect(
    (body as { events: LineageEvent[] }).events.filter((event) => line(event).startsWith('FAIL')),
  ).toHaveLength(1);
  expect(await server.stop()).toBe(0);
});

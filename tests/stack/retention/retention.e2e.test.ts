/**
 * Topics that Kafka no longer has from their first offset on. What is trimmed by the platform, or
 * deleted by Kafka after the history had it, changes no answer; what the history never had is
 * refused.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  approxCountDistinct,
  col,
  count,
  entity,
  featureView,
  first,
  last,
  source,
  sum,
} from '#domain/definitions/index.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { Row } from '#domain/values/value.ts';
import { flinkCluster } from '#infra/flink/cluster.ts';
import { openJobStore } from '#infra/flink/job-store.ts';
import { computeGroup, computeJob } from '#infra/flink/sql/names.ts';
import { type KafkaLog, kafkaLog } from '#infra/kafka/log.ts';
import type { StackParts } from '#infra/profiles/stack-profile-options.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import {
  caller,
  computed,
  jobsRun,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { directoryOf } from '#tests/stack/support/warehouse.ts';
import { plain } from '#tests/support/platform.ts';

const MINUTE = 60_000;
const SHOPS = ['a', 'b', 'c'];
const entities = SHOPS.map((name) => ({ shop: name }));
const shop = entity({ name: uniqueName('shop'), keys: { shop: 'string' } });
const salesOf = (name: string) =>
  source({
    name,
    fields: { t: 'timestamp', shop: 'string', amount: 'double?', item: 'string' },
    eventTime: 't',
    partitions: 2,
  });
const features = {
  n: count({}),
  amount: sum(col('amount'), { window: '1d', hop: '1h' }),
  first: first(col('item')),
  last: last(col('item'), { window: '1d', hop: '1h' }),
  items: approxCountDistinct(col('item')),
};
const NAMES = Object.keys(features);
const viewOf = (name: string, of: string) =>
  featureView({ name, entity: shop, source: of, features });

const sales = salesOf(uniqueName('sales'));
const before = viewOf(uniqueName('before'), sales.name);
const rows: Row[] = [];

let under: StackPlatform;
let parts: StackParts;
let log: KafkaLog;
const directory = mkdtempSync(join(tmpdir(), 'millrace-retention-'));

const open = (): Promise<StackPlatform> =>
  stackPlatform(
    {
      keepLogMs: 0,
      onParts(opened) {
        parts = opened;
      },
    },
    { waits: false },
  );

const apply = async (...definitions: readonly Definition[]): Promise<void> => {
  await under.platform.registry.apply(plain(...definitions), {}, caller);
  await jobsRun(under.platform);
};

const publish = async (to: string, n: number): Promise<void> => {
  const now = Date.now();
  const events = Array.from({ length: n }, (_, i) => ({
    t: now - ((i * 37) % 90) * MINUTE,
    shop: SHOPS[i % 3] as string,
    amount: i % 4 === 0 ? null : i / 4,
    item: `i${rows.length + i}`,
  }));
  const { accepted } = await under.platform.publishing.publish({ source: to, events }, caller);
  expect(accepted).toBe(n);
  if (to === sales.name) rows.push(...events);
};

const read = async (view: string, times: object = {}): Promise<unknown> => {
  const { values, status } = await under.platform.serving.read({
    features: NAMES.map((name) => `${view}:${name}`),
    entities,
    ...times,
  });
  return { values, status };
};

/** How many events each shop has. */
const counts = async (view: string): Promise<string> =>
  ((await read(view)) as { values: unknown[][] }).values.map(([n]) => n).join();
const countsOf = (of: readonly Row[]): string =>
  SHOPS.map((name) => of.filter((row) => row.shop === name).length).join();

/** What the platform answers of the past. */
const past = async (view: string, known: number, at: number): Promise<unknown> => {
  const { platform } = under;
  const { updates: _, ...why } = (await platform.serving.explain({
    view,
    feature: 'n',
    entity: { shop: 'a' },
    known,
    at: known,
  })) as unknown as Record<string, unknown>;
  const sets: string[] = [];
  for (const mode of ['event-time', 'as-served'] as const) {
    const out = join(directory, `${mode}-${sets.length}-${Date.now()}.csv`);
    const spine = { rows: entities.map((key) => ({ event_timestamp: known, ...key })) };
    const { id } = await platform.datasets.start({ target: { view }, spine, out, mode }, caller);
    await until('the data set is built', async () => {
      const { state, error } = await platform.datasets.get(id);
      expect(error ?? null).toBe(null);
      return state === 'done';
    });
    sets.push(readFileSync(out, 'utf8'));
  }
  const exported: Row[] = [];
  for await (const batch of await platform.publishing.exportEvents(sales.name))
    exported.push(...batch);
  return {
    reads: [await read(view, { at: known, known }), await read(view, { at })],
    why,
    sets,
    exported: exported.map((row) => JSON.stringify(row)).sort(),
  };
};

const trimmed = (topic: string): Promise<void> =>
  until(
    `${topic} is trimmed`,
    async () => {
      await parts.retention.trim();
      const begin = await log.begin(topic);
      const left = await Promise.all(begin.map((_, p) => log.read(topic, p, 0, 1)));
      return begin.every((offset) => offset > 0) && left.flat().length === 0;
    },
    120_000,
  );

beforeAll(async () => {
  log = await kafkaLog({ brokers: [addresses().kafka], clientId: uniqueName('retention') });
  under = await open();
  await apply(shop, sales, before);
});
afterAll(async () => {
  await under?.dispose();
  await log?.close();
  rmSync(directory, { recursive: true, force: true });
});

test('a trimmed topic: the past answers as before, and a new view has the values of the old one', async () => {
  await publish(sales.name, 60);
  await sleep(5);
  const known = Date.now();
  await sleep(5);
  await publish(sales.name, 30);
  await computed(before.name, () => under.platform.operations.status());
  const at = Date.now() - 30 * MINUTE;
  const expected = await past(before.name, known, at);
  await trimmed(rawTopic(sales.name));
  expect(await past(before.name, known, at)).toEqual(expected);

  const after = viewOf(uniqueName('after'), sales.name);
  const punctual = featureView({
    name: uniqueName('punctual'),
    entity: shop,
    source: sales,
    lateness: '5m',
    features: { n: count({ window: '1d', hop: '1h' }) },
  });
  await apply(after, punctual);
  for (const view of [after, punctual])
    await computed(view.name, () => under.platform.operations.status());
  const store = openJobStore(
    directoryOf(join(addresses().directory, 'flink', 'jobs')),
    directoryOf(addresses().checkpoints),
  );
  const stored = await store.find(computeJob(punctual.name, 1));
  const newest = Math.max(...rows.map(({ t }) => t as number));
  expect(Math.max(...(stored?.historyMarks ?? []).map((time) => time ?? 0))).toBe(newest);

  await publish(sales.name, 30);
  for (const view of [before, after])
    await until(`${view.name} has them`, async () => (await counts(view.name)) === countsOf(rows));
  const values = await read(before.name);
  expect(await read(after.name)).toEqual(values);
  await trimmed(rawTopic(sales.name));
  expect(await read(after.name)).toEqual(values);
});

test('a job that has not read what Kafka deleted does not go on; a replay has all events', async () => {
  const shops = salesOf(uniqueName('sales'));
  const view = viewOf(uniqueName('behind'), shops.name);
  await apply(shops, view);
  await publish(shops.name, 30);
  await computed(view.name, () => under.platform.operations.status());
  const values = await read(view.name);
  const topic = rawTopic(shops.name);
  const source = async () =>
    (await under.platform.operations.status()).sources.find((one) => one.source === shops.name);
  await until('the history has all', async () => (await source())?.historyRows === 30, 120_000);
  await under.dispose();
  const cluster = flinkCluster(addresses().flink);
  const name = computeJob(view.name, 1);
  const job = (await cluster.jobs()).find((one) => one.name === name && one.state === 'RUNNING');
  await cluster.cancel(job?.id as string);
  await until('the job has ended', async () =>
    (await cluster.jobs()).every((one) => one.id !== job?.id || one.state === 'CANCELED'),
  );
  // Behind the last records are markers, which would have to be seen before they are deleted.
  const ends = await Promise.all(
    (await log.end(topic)).map(
      async (_, p) => ((await log.read(topic, p, 0, 1 << 20)).at(-1)?.offset ?? -1) + 1,
    ),
  );
  await log.append({
    records: [],
    positions: ends.map((_, partition) => ({
      consumer: computeGroup(view.name, 1),
      topic,
      partition,
      offset: 0,
    })),
  });
  await log.trim(topic, ends);

  under = await open();
  const ofView = async () =>
    (await under.platform.operations.status()).views.find((one) => one.view === view.name);
  await until('it is refused', async () => (await ofView())?.error != null, 120_000);
  await until(
    'with the reason',
    async () => (await ofView())?.error?.includes('the history has the') === true,
  );
  expect(under.warnings.join()).toContain('the log begins at');
  expect(await read(view.name)).toEqual(values);
  const { id } = await under.platform.replays.start({ view: view.name, reason: 'gap' }, caller);
  await until(
    'the replay is filled',
    async () => (await under.platform.replays.get(id)).state === 'ready',
    240_000,
  );
  await under.platform.replays.change(id, 'promote', {}, caller);
  await until('it answers', async () => (await ofView())?.generation === 2);
  await publish(shops.name, 3);
  await until(
    'new events are counted',
    async () => (await counts(view.name)) === '11,11,11',
    120_000,
  );
});

test('events that Kafka deleted before the history had them are refused by name', async () => {
  const lost = salesOf(uniqueName('lost'));
  const view = viewOf(uniqueName('partial'), lost.name);
  const topic = rawTopic(lost.name);
  await log.createTopic(topic, { partitions: 2 });
  const record = { topic, partition: 1, key: null, schemaId: 1, value: new Uint8Array(1) };
  await log.append({ records: Array.from({ length: 5 }, () => record) });
  await log.trim(topic, [0, 5]);
  await under.platform.registry.apply(plain(lost, view), {}, caller);
  const status = () => under.platform.operations.status();
  const why = 'lacks offsets 0 to 4 of partition 1';
  await until(
    'the view says why',
    async () =>
      (await status()).views.find((one) => one.view === view.name)?.error?.includes(why) === true,
    120_000,
  );
  await publish(lost.name, 3);
  await expect(read(view.name)).rejects.toMatchObject({
    code: 'MR_EVENTS_LOST',
    details: { topic, partition: 1, from: 0, below: 5 },
  });
  const found = (await status()).sources.find((one) => one.source === lost.name);
  expect(found?.historyError).toContain(why);
  // What does not need it goes on.
  await publish(sales.name, 3);
  await computed(before.name, status);
  await until('the history goes on', async () => {
    const other = (await status()).sources.find((one) => one.source === sales.name);
    return other?.historyRows === rows.length;
  });
});

/**
 * The stack's platform as its users see it: two gateways, a replay that is compared and promoted, a
 * view that gains a feature, an emptied cache tier.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { ReplayStatus } from '#domain/api/replays.ts';
import { avg, col, count, entity, featureView, last, source } from '#domain/definitions/index.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { DATABASE, paimonTable } from '#infra/flink/sql/names.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import {
  caller,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { icebergTables, spillDirectory } from '#tests/stack/support/warehouse.ts';
import { plain } from '#tests/support/platform.ts';

const airport = entity({ name: uniqueName('airport'), keys: { origin: 'string' } });
const FIELDS = {
  date: 'timestamp',
  origin: 'string',
  destination: 'string',
  delay: 'double?',
} as const;
const asSource = { name: uniqueName('flights'), eventTime: 'date', partitions: 2 } as const;
const flights = source({ ...asSource, fields: { ...FIELDS, seats: 'int?' } });
const widened = source({ ...asSource, fields: { ...FIELDS, seats: 'long?', note: 'string?' } });
const delays = {
  name: uniqueName('delays'),
  entity: airport,
  source: flights,
  features: {
    departures_1h: count({ window: '1h' }),
    delay_avg_1d: avg(col('delay'), { window: '1d', hop: '1h' }),
    last_destination: last(col('destination')),
  },
};
const first = featureView(delays);
const second = featureView({ ...delays, features: { ...delays.features, departures: count({}) } });

const AIRPORTS = ['ATL', 'JFK', 'SFO'];
const entities = AIRPORTS.map((origin) => ({ origin }));
const rows: Row[] = [];
let one: StackPlatform;
let two: StackPlatform;
let position = '';

const draw = (n: number): Row[] => {
  const now = Date.now();
  return Array.from({ length: n }, (_, i) => ({
    date: now - ((i * 37) % 5_400) * 1000,
    origin: AIRPORTS[i % 3] as string,
    destination: `D${i}`,
    delay: i % 4 === 0 ? null : i % 60,
  }));
};

const publish = async (platform: Platform, n: number): Promise<void> => {
  const fresh = draw(n);
  const result = await platform.publishing.publish({ source: flights.name, events: fresh }, caller);
  expect(result).toMatchObject({ accepted: n, rejected: [] });
  rows.push(...fresh);
  position = result.position;
};

/** Computed directly: how many flights an airport ever had, and their delays of one day. */
const expected = (origin: string): { departures: number; delay: number } => {
  const mine = rows.filter((row) => row.origin === origin);
  const delayed = mine
    .map((row) => row.delay as number | null)
    .filter((d): d is number => d !== null);
  return { departures: mine.length, delay: delayed.reduce((a, b) => a + b, 0) / delayed.length };
};

const read = async (
  platform: Platform,
  names: readonly string[],
): Promise<readonly (readonly Value[])[]> => {
  let values: readonly (readonly Value[])[] = [];
  await until(`position ${position} is visible`, async () => {
    try {
      values = (
        await platform.serving.read({
          features: names.map((name) => `${delays.name}:${name}`),
          entities,
          after: position,
        })
      ).values;
      return true;
    } catch (error) {
      if (
        (error as { code?: string }).code === 'MR_POSITION_NOT_REACHED' ||
        (error as { code?: string }).code === 'MR_VIEW_NOT_READY'
      )
        return false;
      throw error;
    }
  });
  return values;
};

/** The raw events of the history. */
const archived = async (): Promise<readonly Row[]> => {
  const reader = historyReader(
    icebergTables(),
    await openDuckDb({
      memoryLimit: '256MB',
      threads: 1,
      spillDirectory: spillDirectory(),
    }),
  );
  try {
    return (await reader.events({ source: flights.name })).map(({ row }) => row);
  } finally {
    reader.close();
  }
};

const expectDelays = (values: readonly (readonly Value[])[], column: number): void => {
  AIRPORTS.forEach((origin, i) => {
    expect(values[i]?.[column] as number).toBeCloseTo(expected(origin).delay, 9);
  });
};

beforeAll(async () => {
  one = await stackPlatform({ garbageCollectionMs: 1_000 });
  await one.platform.registry.apply(plain(airport, flights, first), {}, caller);
  two = await stackPlatform({ garbageCollectionMs: 1_000 });
});

afterAll(async () => {
  await one?.dispose();
  await two?.dispose();
});

test('an event that one gateway published is read through the other by position', async () => {
  await publish(one.platform, 60);
  expectDelays(await read(two.platform, ['delay_avg_1d']), 0);
  await publish(two.platform, 45);
  expectDelays(await read(one.platform, ['delay_avg_1d']), 0);
  expect(await one.platform.audit.verify()).toMatchObject({ ok: true });
  expect((await two.platform.audit.log({})).records.length).toBe(
    (await one.platform.audit.log({})).records.length,
  );
});

test('an emptied cache tier makes no answer wrong, and is filled again', async () => {
  const redis = new Redis({ ...addresses().redis });
  await redis.flushall();
  for (let i = 0; i < 30; i++) {
    const { values } = await one.platform.serving.read({
      features: [`${delays.name}:delay_avg_1d`],
      entities,
    });
    expectDelays(values, 0);
  }
  await until(
    'the cache tier is full again',
    async () => (await redis.keys(`mr:*:{${delays.name}#1}:ready`)).length === 1,
  );
  expectDelays(await read(one.platform, ['delay_avg_1d']), 0);
  redis.disconnect();
});

const replayed = async (platform: Platform, id: string): Promise<ReplayStatus> => {
  let status = await platform.replays.get(id);
  await until(
    `replay ${id} is filled`,
    async () => {
      status = await platform.replays.get(id);
      return status.state !== 'filling';
    },
    180_000,
  );
  return status;
};

let rolledBack = '';

test('a replay fills a generation next to the live one, and is compared, promoted and rolled back', async () => {
  const started = await one.platform.replays.start({ view: delays.name, reason: 'to see' }, caller);
  rolledBack = started.id;
  await publish(one.platform, 30);
  expectDelays(await read(one.platform, ['delay_avg_1d']), 0);
  expect((await replayed(one.platform, started.id)).state).toBe('ready');
  await until('the comparison finds no difference', async () => {
    const comparison = await one.platform.replays.compare(started.id);
    expect(comparison.features.map((f) => f.name)).toEqual(Object.keys(delays.features));
    return (
      comparison.features.every((f) => f.compared === 3 && f.differing === 0) &&
      comparison.onlyLive.length === 0
    );
  });
  await one.platform.replays.change(started.id, 'promote', { reason: 'same' }, caller);
  expectDelays(await read(one.platform, ['delay_avg_1d']), 0);
  await until('the other gateway reads the new generation', async () => {
    const { views } = await two.platform.serving.read({
      features: [`${delays.name}:delay_avg_1d`],
      entities,
    });
    return views[0]?.generation === started.generation;
  });
  await publish(two.platform, 30);
  expectDelays(await read(two.platform, ['delay_avg_1d']), 0);
  await one.platform.replays.change(started.id, 'rollback', { reason: 'after all' }, caller);
  expectDelays(await read(one.platform, ['delay_avg_1d']), 0);
});

test('a view gains a feature: the new feature includes past events, the old ones stay, the tables evolve', async () => {
  await one.platform.registry.apply(plain(second), {}, caller);
  const started = await one.platform.replays.start(
    { view: delays.name, reason: 'a new feature' },
    caller,
  );
  expect((await replayed(one.platform, started.id)).state).toBe('ready');
  await one.platform.replays.change(started.id, 'promote', { reason: 'filled' }, caller);
  const values = await read(one.platform, ['departures', 'delay_avg_1d']);
  expect(values.map(([departures]) => departures)).toEqual(
    AIRPORTS.map((origin) => expected(origin).departures),
  );
  expectDelays(values, 1);
  await publish(one.platform, 15);
  const after = await read(one.platform, ['departures', 'delay_avg_1d']);
  expect(after.map(([departures]) => departures)).toEqual(
    AIRPORTS.map((origin) => expected(origin).departures),
  );
});

test('a retired generation leaves no table and no keys; those that a rollback may need keep theirs', async () => {
  const redis = new Redis({ ...addresses().redis });
  const table = (generation: number): string =>
    join(addresses().warehouse.paimon, `${DATABASE}.db`, paimonTable(delays.name, generation));
  const cache = async (generation: number): Promise<number> =>
    (await redis.keys(`mr:*:{${delays.name}#${generation}}:progress`)).length;
  expect([1, 2, 3].map((generation) => existsSync(table(generation)))).toEqual([true, true, true]);
  await until(
    'the cached copies are there',
    async () => (await cache(1)) + (await cache(2)) + (await cache(3)) === 3,
  );
  await one.platform.replays.change(rolledBack, 'retire', { reason: 'not wanted' }, caller);
  await until('the table is dropped', () => !existsSync(table(2)));
  await until(
    'the cached copy is dropped',
    async () => (await redis.keys(`mr:*:{${delays.name}#2}:*`)).length === 0,
  );
  expect([1, 3].map((generation) => existsSync(table(generation)))).toEqual([true, true]);
  expect(await cache(1)).toBe(1);
  expectDelays(await read(two.platform, ['delay_avg_1d']), 0);
  redis.disconnect();
});

test('a producer writes straight to Kafka: valid events count, invalid ones are rejected with the reason', async () => {
  const producer = new Kafka({
    brokers: [addresses().kafka],
    logLevel: logLevel.NOTHING,
  }).producer();
  await producer.connect();
  const good = draw(6);
  await producer.send({
    topic: `ingest.${flights.name}`,
    messages: [
      ...good.map((row) => ({ key: row.origin as string, value: JSON.stringify(row) })),
      { key: 'ATL', value: JSON.stringify({ ...good[0], origin: 7 }) },
      { key: 'ATL', value: 'nonsense' },
    ],
  });
  await producer.disconnect();
  rows.push(...good);
  await until('all six are counted', async () => {
    const { values } = await one.platform.serving.read({
      features: [`${delays.name}:departures`],
      entities,
    });
    return values.every(
      ([departures], i) => departures === expected(AIRPORTS[i] as string).departures,
    );
  });
  await until(
    'both are rejected',
    async () => (await one.platform.publishing.rejected(flights.name, {})).records.length === 2,
  );
  const { records } = await one.platform.publishing.rejected(flights.name, {});
  expect(records.map(({ code, field }) => [code, field])).toContainEqual([
    'MR_FIELD_TYPE',
    'origin',
  ]);
});

test('a source gains a field and a wider type: views that use neither continue undisturbed, the history takes both', async () => {
  const { views: before } = await one.platform.operations.status();
  await one.platform.registry.apply(plain(widened), {}, caller);
  const fresh = draw(6).map((row) => ({ ...row, seats: 2 ** 40, note: 'wide' }));
  const { accepted, position: at } = await one.platform.publishing.publish(
    { source: flights.name, events: fresh },
    caller,
  );
  expect(accepted).toBe(6);
  rows.push(...fresh);
  position = at;
  const values = await read(two.platform, ['departures', 'delay_avg_1d']);
  expect(values.map(([departures]) => departures)).toEqual(
    AIRPORTS.map((origin) => expected(origin).departures),
  );
  const restarts = (views: typeof before): unknown =>
    views.map(({ view, job }) => [view, job?.restarts]);
  await until('the history has all', async () => {
    const all = await archived();
    return (
      all.length === rows.length &&
      all.filter((row) => row.seats === 2 ** 40 && row.note === 'wide').length === 6
    );
  });
  expect(restarts((await one.platform.operations.status()).views)).toEqual(restarts(before));
});

test('the catalog says where the view is stored, up to which position, and by which job', async () => {
  const entry = await one.platform.registry.show('feature-view', delays.name);
  expect(entry.materializations?.map(({ store }) => store).sort()).toEqual([
    'iceberg',
    'paimon',
    'redis',
  ]);
  for (const kept of entry.materializations ?? []) expect(kept.job).toMatch(/./);
});

/** A generation whose source deletes events, or has deleted some. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import { fail } from '#domain/errors.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { Value } from '#domain/values/value.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { type OpenLog, openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { type EmbeddedGeneration, openGeneration } from './generation.ts';
import { openSnapshots } from './snapshots.ts';

const HOUR = 3_600_000;
const T = Date.parse('2026-01-31T12:00:00Z');
const QUOTA = 4;
const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const hourly = { n: count({ window: '1h', hop: '5m' }) };
const ever = { n: count({}) };

let directory: ReturnType<typeof temporaryDirectory>;
let open: OpenLog;
let generation: EmbeddedGeneration | null;

beforeEach(() => {
  directory = temporaryDirectory();
  open = openLog(directory.path, () => T);
  generation = null;
});
afterEach(async () => {
  await generation?.stop();
  await open.close();
  directory.remove();
});

interface Given {
  readonly features?: typeof hourly;
  readonly keepHistory?: '30d';
  readonly isPartial?: boolean;
  readonly quota?: number;
}

const start = async ({
  features = hourly,
  keepHistory,
  isPartial = false,
  quota = QUOTA,
}: Given = {}) => {
  await generation?.stop();
  const from = source({
    name: 'sales',
    fields: { t: 'timestamp', shop: 'string' },
    eventTime: 't',
    ...(keepHistory === undefined ? {} : { keepHistory }),
  });
  const view = featureView({ name: 'totals', entity: shop, source: from, features });
  const plan = planView(JSON.parse(JSON.stringify(view)) as typeof view, from, shop);
  generation = await openGeneration(
    { view: 'totals', version: 1, generation: 1, plan, source: from },
    {
      log: open.log,
      schemas: sqliteSchemaRegistry(open.database),
      now: () => T,
      quotaOf: () => quota,
      snapshots: openSnapshots({
        directory: `${directory.path}/state`,
        platform: '5e0b6b0e-6e8c-4b52-9a2e-3d1f0c7a9b11',
        warn: (message) => expect.unreachable(message),
      }),
      decoders: {
        learn: async () => {},
        decode: (_, [hoursAgo, name]) => ({
          t: T - (hoursAgo as number) * HOUR,
          shop: `s${name as number}`,
        }),
        eventTime: () => T,
        knownTime: () => null,
      },
    },
    { isPartial },
  );
  await generation.caughtUp();
  return generation;
};

const appendAll = (names: readonly number[]) =>
  open.log.append({
    records: names.map((name) => ({
      topic: 'raw.sales',
      partition: 0,
      key: null,
      value: Uint8Array.of(0, name),
      schemaId: 1,
    })),
  });
const append = (hoursAgo: number, name: number) =>
  open.log.append({
    records: [
      {
        topic: 'raw.sales',
        partition: 0,
        key: null,
        value: Uint8Array.of(hoursAgo, name),
        schemaId: 1,
      },
    ],
  });
/** Deletes the events below an offset; they are of `hoursAgo` or earlier. */
const deleteEvents = async (below: number, hoursAgo: number): Promise<void> => {
  open.log.attachArchive({
    read: async () => fail('MR_HISTORY_TRIMMED', 'deleted', {}),
    offsetAt: async () => null,
  });
  await open.log.trim('raw.sales', 0, below);
  open.log.setHorizon('raw.sales', { begin: [below], time: T - hoursAgo * HOUR + 1 });
};
const read = ({ served }: EmbeddedGeneration, name: number): unknown => {
  const values: Value[] = [];
  const status: FeatureStatus[] = [];
  const outcome = served.read(`s${name}`, T, values, status);
  return outcome === 'ok' ? [...values, ...status] : outcome;
};

test('where events that it had not read were deleted, it goes on from those that are left', async () => {
  const before = await start();
  await append(9, 1);
  await before.stop();
  await append(8, 1);
  await append(7, 1);
  await append(0, 1);
  await deleteEvents(3, 7);
  const after = await start();
  expect(after.error()).toBeNull();
  expect(read(after, 1)).toEqual([1, 'present']);
  await append(0, 1);
  expect(read(await start(), 1)).toEqual([2, 'present']);
});

test('its updates are needed while they are the only copy, whatever keepHistory is now', async () => {
  const saved = async (given: Given): Promise<number> => {
    const started = await start({ features: ever, ...given });
    await started.save(1);
    return started.updatesNeededFrom();
  };
  await start({ features: ever });
  for (const hoursAgo of [9, 8, 0]) await append(hoursAgo, 1);
  expect(await saved({})).toBe(3);
  expect(await saved({ keepHistory: '30d' })).toBe(0);
  await deleteEvents(2, 8);
  expect(await saved({})).toBe(0);
});

test.each([
  ['its source deletes events', { keepHistory: '30d' }],
  ['it began as a partial replay', { isPartial: true }],
  ['its source has deleted events', {}],
] as const)('no entity is dropped where %s: at twice the quota it stops', async (_, given) => {
  await start();
  await append(200, 0);
  if (Object.keys(given).length === 0) await deleteEvents(1, 200);
  const started = await start(given);
  for (let i = 1; i < 2 * QUOTA; i++) await append(100 - 10 * i, i);
  expect(started.error()).toBeNull();
  expect(read(started, 1)).toEqual([0, 'present']);
  await append(0, 2 * QUOTA);
  expect(started.error()).toMatchObject({ code: 'MR_ENTITY_QUOTA' });
});

test('entities beyond the quota stay in the saved state, and come back when they are used', async () => {
  const few = { features: ever, quota: 100 };
  let started = await start(few);
  const users = Array.from({ length: 250 }, (_, user) => user);
  /** One event of each, and a save after each twenty. */
  const countAll = async (): Promise<void> => {
    for (let from = 0; from < users.length; from += 20) {
      await appendAll(users.slice(from, from + 20));
      await started.save(1);
    }
  };
  await countAll();
  await expect(started.tiles()).rejects.toMatchObject({ code: 'MR_ENTITY_QUOTA' });
  for (let round = 1; round < 4; round++) {
    expect(started.error()).toBeNull();
    if (round < 3) expect(started.size().entities).toBe(users.length);
    for (const user of users)
      expect([user, read(started, user)]).toEqual([user, [round, 'present']]);
    if (round === 2) started = await start(few);
    await started.save(1);
    await countAll();
  }
  expect(read(started, users.length)).toEqual([0, 'not-found']);
});

test('entities that left the memory come back when its source begins to delete events', async () => {
  const before = await start();
  for (let i = 0; i < QUOTA; i++) await append(100 - 10 * i, i);
  expect(read(before, 0)).toBe('needs-history');
  await before.save(1);
  const after = await start({ keepHistory: '30d' });
  expect(after.error()).toBeNull();
  expect(read(after, 0)).toEqual([0, 'present']);
});

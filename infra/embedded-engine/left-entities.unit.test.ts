/** Entities that have left the memory, because they are dead or because there are too many. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { Value } from '#domain/values/value.ts';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { evictEntities } from './evict-entities.ts';
import { openSnapshots, type Snapshots } from './snapshots.ts';

const PLATFORM = '5e0b6b0e-6e8c-4b52-9a2e-3d1f0c7a9b11';
const HOUR = 3_600_000;
const T = Date.parse('2026-01-31T12:00:00Z');

const plan = planView(
  {
    kind: 'feature-view',
    name: 'v',
    entity: 'user',
    source: 's',
    ttl: '7d',
    features: { n: { aggregation: 'count', input: null, window: '1h', hop: '5m' } },
  },
  { kind: 'source', name: 's', fields: { user: 'string', at: 'timestamp' }, eventTime: 'at' },
  { kind: 'entity', name: 'user', keys: { user: 'string' } },
);

let directory: ReturnType<typeof temporaryDirectory>;
let snapshots: Snapshots;
let offset = 0;

const open = (): Snapshots =>
  openSnapshots({
    directory: `${directory.path}/state`,
    platform: PLATFORM,
    warn: (message) => expect.unreachable(message),
  });

beforeEach(() => {
  directory = temporaryDirectory();
  snapshots = open();
});
afterEach(() => directory.remove());

const newStore = (quota: number): TileStore => createTileStore(plan, { quota, mayEvict: true });

const count = (store: TileStore, user: string, at: number): void => {
  store.process({ user, at }, at, 0, offset++, at);
  for (const group of store.groups) group.clearChanged();
};
const save = (store: TileStore): Promise<boolean> =>
  snapshots.save('v', 1, { store, nextOffset: offset, isCurrent: () => true });

const restart = async (quota: number): Promise<TileStore> => {
  snapshots = open();
  const store = newStore(quota);
  const saved = await snapshots.load('v', 1, offset);
  const nothing = () => ({ updates: [], applied: () => {} });
  expect(saved?.restore(store, nothing)).toBe(true);
  return store;
};

const read = (store: TileStore, user: string, at: number): unknown => {
  const [values, status]: [Value[], FeatureStatus[]] = [[], []];
  const outcome = store.read(user, at, values, status);
  return outcome === 'ok' ? [values[0], status[0]] : outcome;
};

const LATER = T + 100 * HOUR;

test('what was saved of an entity that is dropped later is not used, because it is older', async () => {
  const store = newStore(100);
  count(store, 'x', T);
  count(store, 'y', T);
  await save(store);
  count(store, 'x', T + HOUR);
  count(store, 'y', LATER);
  store.dropDead();
  expect(read(store, 'x', LATER)).toBe('needs-history');
  await save(store);
  for (const quota of [1, 100]) {
    const again = await restart(quota);
    expect(read(again, 'x', LATER)).toBe('needs-history');
    expect(read(again, 'y', LATER)).toEqual([1, 'present']);
  }
});

test('nor where its part is partly in memory', async () => {
  let store = newStore(100);
  for (const user of ['x', 'y', 'z']) count(store, user, T);
  await save(store);
  // Each entity is loaded alone.
  store = await restart(2);
  count(store, 'x', T + HOUR);
  count(store, 'y', LATER);
  expect(store.entities).toBe(2);
  store.dropDead();
  expect([store.entities, store.parts.missing]).toEqual([1, 1]);
  expect(read(store, 'x', LATER)).toBe('needs-history');
  // The last one of the part, and with it all that is missing.
  store.parts.load(0);
  expect(read(store, 'x', LATER)).toBe('needs-history');
  expect(read(store, 'z', LATER)).toEqual([0, 'present']);

  store = await restart(2);
  count(store, 'x', T + HOUR);
  count(store, 'y', LATER);
  store.dropDead();
  await save(store);
  for (const quota of [1, 100]) {
    const again = await restart(quota);
    for (const user of ['x', 'z', 'y'])
      expect([user, read(again, user, LATER)]).toEqual([
        user,
        user === 'x' ? 'needs-history' : [user === 'y' ? 1 : 0, 'present'],
      ]);
  }
});

test('an entity that is dropped while it is saved, and comes back, counts its new events only', async () => {
  let store = newStore(100);
  for (const user of ['x', 'y', 'z']) count(store, user, T);
  await save(store);
  store = await restart(2);
  count(store, 'x', T);
  let turn = 0;
  const isCurrent = (): boolean => {
    if (turn++ === 0) {
      count(store, 'y', LATER);
      store.dropDead();
      count(store, 'x', LATER);
    }
    return true;
  };
  await snapshots.save('v', 1, { store, nextOffset: offset, isCurrent });
  expect(read(store, 'x', LATER)).toEqual([1, 'present']);
  await save(store);
  await evictEntities(store, () => true, 0);
  expect(store.entities).toBe(0);
  for (const one of [store, await restart(100)]) {
    expect(read(one, 'x', LATER)).toEqual([1, 'present']);
    // It was loaded with no other, so it was never dropped; or it was, and raw events answer.
    expect([[0, 'present'], 'needs-history']).toContainEqual(read(one, 'z', LATER));
  }
});

test('what is in memory is newer than the saved state, also when its part is loaded', async () => {
  let store = newStore(100);
  for (const user of ['x', 'y', 'z']) count(store, user, T);
  await save(store);
  store = await restart(2);
  count(store, 'x', T);
  expect(store.entities).toBe(1);
  store.parts.load(0);
  expect([store.entities, store.parts.missing]).toEqual([3, 0]);
  expect(read(store, 'x', T)).toEqual([2, 'present']);
});

test('parts are divided while their entities are in the saved state only', async () => {
  const users = Array.from({ length: 60 }, (_, i) => `u${i}`);
  let store = newStore(1_000);
  for (const user of users) count(store, user, T);
  await save(store);
  store = await restart(50);
  for (let i = 60; i < 140; i++) {
    users.push(`u${i}`);
    count(store, `u${i}`, T);
  }
  expect([store.parts.count, store.parts.missing]).toEqual([1, 1]);
  await save(store);
  expect([store.parts.count, store.parts.missing]).toEqual([4, 4]);
  // Before entities leave the memory again, which would mark their parts as missing.
  for (const one of [store, await restart(50), await restart(1_000)])
    for (const user of users) expect([user, read(one, user, T)]).toEqual([user, [1, 'present']]);
});

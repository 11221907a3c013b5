/**
 * The cache tier in Redis: the online stores' contract, and its further promises: a position that
 * fences, and repairs that lose nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import type { CacheStore, TilesTarget } from '#domain/ports/online-store.ts';
import { redisCacheStore, redisKeysOf } from '#infra/redis/cache-store.ts';
import {
  AT,
  entityOf,
  onlineStoreContract,
  update,
} from '#tests/contracts/online-store.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { countedTarget } from '#tests/stack/support/counted-view.ts';

const redis = new Redis({ ...addresses().redis });
afterAll(() => redis.disconnect());
const PLATFORM = '5f1c2a3b-0000-4000-8000-000000000000';
const open = (ttlMs: number | null = null): CacheStore =>
  redisCacheStore({ ...addresses().redis, platform: PLATFORM, ttlOf: () => ttlMs });
const ready = { ready: true, newestEventTime: AT, now: AT, partitions: 1 };

/** The connection is made in the background. */
const connected = async (store: CacheStore, target: TilesTarget): Promise<void> => {
  while (
    !(await store.progress(target).then(
      () => true,
      () => false,
    ))
  )
    await sleep(20);
};

onlineStoreContract('redis', async () => {
  const target = countedTarget();
  const store = open();
  await connected(store, target);
  return {
    store,
    target,
    fill: async (entities) => {
      const entries = entities.map(({ key, updates }) => ({
        key,
        entity: entityOf(target.plan, updates),
      }));
      expect(await store.store(target, 0, null, 10, entries, ready)).toBe(true);
    },
    empty: async () => {
      for (const key of await redis.keys(`mr:*:{${target.plan.view}#*`)) await redis.del(key);
    },
    close: () => store.close(),
  };
});

test('only a writer with the right position writes, and a refused write changes nothing', async () => {
  const target = countedTarget();
  const store = open();
  await connected(store, target);
  const one = entityOf(target.plan, [update(target.plan, 1, 1, 0)]);
  const two = entityOf(target.plan, [update(target.plan, 1, 2, 1)]);
  expect(await store.position(target, 0)).toMatchObject({ offset: null });
  expect(await store.store(target, 0, null, 5, [{ key: 'a', entity: one }], ready)).toBe(true);
  expect(await store.store(target, 0, null, 9, [{ key: 'a', entity: two }], ready)).toBe(false);
  expect(await store.store(target, 0, 4, 9, [{ key: 'a', entity: two }], ready)).toBe(false);
  expect(await store.position(target, 0)).toMatchObject({ offset: 5, begun: AT });
  expect((await store.load(target, ['a', 'b'])).map((e) => e?.hops[0]?.nums[0] ?? null)).toEqual([
    1,
    null,
  ]);
  expect(await store.store(target, 0, 5, 9, [{ key: 'a', entity: two }], ready)).toBe(true);
  expect((await store.load(target, ['a']))[0]?.hops[0]?.nums[0]).toBe(2);
  await store.drop(target.plan.view, target.generation);
  expect(await redis.keys(`mr:*:{${target.plan.view}#*`)).toEqual([]);
  await store.close();
});

test('it is ready when every partition has reached its end', async () => {
  const target = countedTarget();
  const store = open();
  await connected(store, target);
  const two = { ...ready, partitions: 2 };
  await store.store(target, 0, null, 3, [], two);
  expect(await store.progress(target)).toMatchObject({ offsets: [3, null], ready: false });
  await store.store(target, 1, null, 4, [], { ...two, ready: false });
  expect((await store.progress(target)).ready).toBe(false);
  await store.store(target, 1, 4, 6, [], two);
  expect(await store.progress(target)).toEqual({
    offsets: [3, 6],
    ready: true,
    newestEventTime: AT,
  });
  await store.close();
});

test('a repair takes effect on the block that was read, and on no later one', async () => {
  const target = countedTarget();
  const { plan } = target;
  const store = open();
  await connected(store, target);
  const { partition, offset, since, newest, keptFrom, hops } = entityOf(plan, [
    update(plan, 1, 3, 4),
  ]);
  const part = { partition, offset, since, newest, keptFrom, hops, whole: false };
  const whole = entityOf(plan, [update(plan, 5, 1, 0), update(plan, 1, 3, 4)]);
  await store.store(target, 0, null, 5, [{ key: 'a', entity: part }], ready);
  expect((await store.read(target, ['a'], AT))[0]).toMatchObject({
    found: 'unknown',
    part: { whole: false },
  });
  await store.repair(target, 'a', { ...part, offset: 99 }, whole);
  expect((await store.read(target, ['a'], AT))[0]?.found).toBe('unknown');
  await store.repair(target, 'a', part, whole);
  expect((await store.read(target, ['a'], AT))[0]?.found).toBe('tiles');
  await store.close();
});

test('where keys may expire, an absent key proves nothing', async () => {
  const target = countedTarget();
  const store = open(60_000);
  await connected(store, target);
  await store.store(
    target,
    0,
    null,
    5,
    [{ key: 'a', entity: entityOf(target.plan, [update(target.plan, 1, 1, 0)]) }],
    ready,
  );
  expect((await store.read(target, ['a', 'b'], AT)).map(({ found }) => found)).toEqual([
    'tiles',
    'unknown',
  ]);
  expect(await redis.pttl(`${redisKeysOf(PLATFORM, target.plan.view, 1)}:e:a`)).toBeGreaterThan(0);
  await store.close();
});

test('blocks of an earlier format are not read as empty, and the copy is filled again', async () => {
  const target = countedTarget();
  const { plan } = target;
  const store = open();
  await connected(store, target);
  await store.store(
    target,
    0,
    null,
    3,
    [{ key: 'a', entity: entityOf(plan, [update(plan, 1, 3, 1)]) }],
    ready,
  );
  await redis.set(`${redisKeysOf(PLATFORM, plan.view, 1)}:e:a`, Buffer.alloc(200));
  expect(await store.read(target, ['a', 'b'], AT)).toEqual([
    { found: 'unknown', part: null, expired: false },
    { found: 'nothing' },
  ]);
  expect(await store.load(target, ['a'])).toEqual([null]);
  expect(await store.position(target, 0)).toMatchObject({ offset: null });
  expect(await store.store(target, 0, 3, 4, [], ready)).toBe(false);
  await store.close();
});

/**
 * Redis at its memory limit: it accepts no more, answers what it has, and loses nothing that it
 * reported as stored.
 */
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { STORE } from '#infra/redis/scripts.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import { uniqueName } from '#tests/stack/support/platform.ts';

const redis = new Redis({ ...addresses().redis });
let limit = '0';
afterAll(async () => {
  await redis.config('SET', 'maxmemory', limit);
  redis.disconnect();
});

const setting = async (name: string): Promise<string> =>
  ((await redis.config('GET', name)) as string[])[1] ?? '';

test('it has a limit, and a policy that never evicts', async () => {
  expect(Number(await setting('maxmemory'))).toBeGreaterThan(0);
  expect(await setting('maxmemory-policy')).toBe('noeviction');
});

test('a batch that does not fit is refused whole: blocks, position and readiness stay as they were', async () => {
  limit = await setting('maxmemory');
  const name = `mr:{${uniqueName('full')}#1}`;
  const [progress, ready, block] = [`${name}:progress`, `${name}:ready`, `${name}:e:a`];
  const store = (from: string, to: string, value: string): Promise<unknown> =>
    redis.eval(STORE, 3, progress, ready, block, '0', from, to, '1', '5', '7', '0', '1', value);
  expect(await store('', '3', 'first')).toBe(1);
  await redis.config('SET', 'maxmemory', '1');
  await expect(store('3', '9', 'second'.repeat(1_000))).rejects.toThrow(/OOM/);
  expect(await redis.mget(ready, block)).toEqual(['1', 'first']);
  expect(await redis.hget(progress, 'o:0')).toBe('3');
  await redis.config('SET', 'maxmemory', limit);
  expect(await store('3', '9', 'second')).toBe(1);
  expect(await redis.mget(ready, block)).toEqual(['1', 'second']);
  await redis.del(progress, ready, block);
});

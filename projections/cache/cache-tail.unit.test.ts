/** A partition whose last records were erased: no batch comes that would complete it. */
import { expect, test } from 'vitest';
import type { CacheStore, TilesTarget } from '#domain/ports/online-store.ts';
import { cachePartition } from './cache-tiles.ts';

const world = (position: number | null) => {
  const stored: { offset: number | null; ready: boolean; asked: string[] } = {
    offset: position,
    ready: false,
    asked: [],
  };
  const store = {
    position: async () => ({ offset: stored.offset, begun: 0 }),
    async store(_target, _partition, from, to, _entries, { ready }) {
      if (from !== stored.offset) return false;
      Object.assign(stored, { offset: to, ready });
      return true;
    },
  } as Partial<CacheStore> as CacheStore;
  const partition = cachePartition({
    store,
    target: { plan: {}, generation: 1 } as unknown as TilesTarget,
    partition: 0,
    partitions: 1,
    ttlMs: null,
    now: () => 0,
  });
  const check = (end: number, empty: boolean) =>
    partition.check(end, async (from, to) => {
      stored.asked.push(`${from}-${to}`);
      return empty;
    });
  return { stored, partition, check };
};

for (const begin of [null, 7])
  test(`it is complete where nothing follows the position ${begin}`, async () => {
    const { stored, partition, check } = world(begin);
    await partition.start();
    expect(await check(20, true)).toBe('kept');
    expect(stored, 'a batch may come').toEqual({ offset: begin, ready: false, asked: [] });
    expect(await check(20, true)).toBe('kept');
    expect(stored).toEqual({ offset: 20, ready: true, asked: [`${begin ?? 0}-20`] });
    expect(await check(20, true)).toBe('kept');
    expect(stored.asked).toHaveLength(1);
  });

test('it is not complete where a record follows', async () => {
  const { stored, partition, check } = world(7);
  await partition.start();
  for (let i = 0; i < 3; i++) expect(await check(20, false)).toBe('kept');
  expect(stored).toMatchObject({ offset: 7, ready: false });
});

test('an empty partition is complete at once', async () => {
  const { stored, partition, check } = world(null);
  await partition.start();
  await check(0, false);
  expect(stored).toEqual({ offset: 0, ready: true, asked: [] });
});

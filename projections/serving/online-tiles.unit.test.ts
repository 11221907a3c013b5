/**
 * What two stores say together: who is asked when, what is said of it, and that an answer never
 * steps back when the one comes in for the other.
 */
import { expect, test } from 'vitest';
import type { PackedEntity } from '#domain/encoding/packed-entity.ts';
import { degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import {
  type CacheStore,
  type OnlineStore,
  type TilesAnswer,
  type TilesTarget,
  UNKNOWN,
} from '#domain/ports/online-store.ts';
import { onlineTiles } from './online-tiles.ts';

const target = { plan: { view: 'v' }, generation: 1 } as unknown as TilesTarget;
/** An entity's state, by how many updates are in it. */
const state = (updates: number): TilesAnswer => ({
  found: 'tiles',
  entity: { offset: updates } as PackedEntity,
});
const updatesOf = (answer: TilesAnswer | undefined): number | null =>
  answer?.found === 'tiles' ? answer.entity.offset : null;

type Says = () => TilesAnswer;
const down: Says = () => {
  throw new Error('down');
};

const under = (start: {
  cache: Says;
  durable: Says;
  cacheHas?: boolean;
  durableHas?: (time: number) => boolean;
}) => {
  const now = { cacheHas: true, durableHas: () => true, ...start };
  const store = (says: () => Says): OnlineStore => ({
    name: 's',
    read: async (_target, keys) => keys.map(() => says()()),
    close: async () => {},
  });
  const tiles = onlineTiles({
    cache: store(() => now.cache) as CacheStore,
    durable: store(() => now.durable),
    cacheHas: () => now.cacheHas,
    durableHas: { expired: () => true, until: (_target, time) => now.durableHas(time) },
    readsByStore: { cache: 0, durable: 0, history: 0 },
    cacheTimeout: { timeoutMs: 1_000, failures: 1_000 },
    durableTimeout: { timeoutMs: 1_000, failures: 1_000 },
  });
  const read = async () => {
    const { answers, degraded: modes } = await tiles.read(target, ['k'], 0);
    return { updates: updatesOf(answers[0]), modes };
  };
  return { now, read };
};

test('the cache tier answers, and nothing is said', async () => {
  const { read } = under({ cache: () => state(5), durable: down });
  expect(await read()).toEqual({ updates: 5, modes: NOT_DEGRADED });
});

test('an entity that the cache tier let go is the durable’s, and nothing is said: that is how it is meant', async () => {
  const expired: TilesAnswer = { found: 'unknown', part: null, expired: true };
  const { read } = under({ cache: () => expired, durable: () => state(3) });
  expect(await read()).toEqual({ updates: 3, modes: NOT_DEGRADED });
});

test('the cache tier is down: the durable’s, once it has what the cache tier had answered by then', async () => {
  const { read, now } = under({
    cache: () => state(5),
    durable: () => state(4),
    durableHas: () => false,
  });
  await read();
  now.cache = down;
  expect(await read()).toEqual({ updates: null, modes: degraded('cache-unavailable') });
  const lost = Date.now();
  now.durable = () => state(5);
  now.durableHas = (time) => time > 0 && time <= lost;
  expect(await read()).toEqual({ updates: 5, modes: degraded('cache-unavailable') });
});

test('the cache tier is emptied: it fills; filled, it is believed once it has what the durable had answered meanwhile', async () => {
  const { read, now } = under({ cache: () => state(5), durable: () => state(9) });
  await read();
  now.cache = () => UNKNOWN;
  expect(await read()).toEqual({ updates: 9, modes: degraded('cache-filling') });
  now.cache = () => state(7);
  now.cacheHas = false;
  expect(await read()).toEqual({ updates: 9, modes: degraded('cache-filling') });
  now.cache = () => state(9);
  now.cacheHas = true;
  expect(await read()).toEqual({ updates: 9, modes: NOT_DEGRADED });
});

test('both are down: nothing is known, and both are named', async () => {
  const { read } = under({ cache: down, durable: down });
  expect(await read()).toEqual({
    updates: null,
    modes: degraded('cache-unavailable') | degraded('durable-unavailable'),
  });
});

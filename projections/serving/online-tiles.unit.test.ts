/**
 * What two stores say together: who is asked when, what is said of it, and that an answer never
 * steps back when the one comes in for the other.
 */
import { expect, test } from 'vitest';
import type { PackedEntity } from '#domain/encoding/packed-entity.ts';
import { degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import {
  type HotStore,
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
  hot: Says;
  primary: Says;
  hotHas?: boolean;
  primaryHas?: (time: number) => boolean;
}) => {
  const now = { hotHas: true, primaryHas: () => true, ...start };
  const store = (says: () => Says): OnlineStore => ({
    name: 's',
    read: async (_target, keys) => keys.map(() => says()()),
    close: async () => {},
  });
  const tiles = onlineTiles({
    hot: store(() => now.hot) as HotStore,
    primary: store(() => now.primary),
    hotHas: () => now.hotHas,
    primaryHas: { letGo: () => true, until: (_target, time) => now.primaryHas(time) },
    served: { hot: 0, primary: 0, history: 0 },
    hotBudget: { budgetMs: 1_000, failures: 1_000 },
    primaryBudget: { budgetMs: 1_000, failures: 1_000 },
  });
  const read = async () => {
    const { answers, degraded: modes } = await tiles.read(target, ['k'], 0);
    return { updates: updatesOf(answers[0]), modes };
  };
  return { now, read };
};

test('the hot store answers, and nothing is said', async () => {
  const { read } = under({ hot: () => state(5), primary: down });
  expect(await read()).toEqual({ updates: 5, modes: NOT_DEGRADED });
});

test('an entity that the hot store let go is the primary’s, and nothing is said: that is how it is meant', async () => {
  const letGo: TilesAnswer = { found: 'unknown', part: null, letGo: true };
  const { read } = under({ hot: () => letGo, primary: () => state(3) });
  expect(await read()).toEqual({ updates: 3, modes: NOT_DEGRADED });
});

test('the hot store is down: the primary’s, once it has what the hot store had answered by then', async () => {
  const { read, now } = under({
    hot: () => state(5),
    primary: () => state(4),
    primaryHas: () => false,
  });
  await read();
  now.hot = down;
  expect(await read()).toEqual({ updates: null, modes: degraded('hot-unavailable') });
  const lost = Date.now();
  now.primary = () => state(5);
  now.primaryHas = (time) => time > 0 && time <= lost;
  expect(await read()).toEqual({ updates: 5, modes: degraded('hot-unavailable') });
});

test('the hot store is emptied: it fills; filled, it is believed once it has what the primary had answered meanwhile', async () => {
  const { read, now } = under({ hot: () => state(5), primary: () => state(9) });
  await read();
  now.hot = () => UNKNOWN;
  expect(await read()).toEqual({ updates: 9, modes: degraded('hot-filling') });
  now.hot = () => state(7);
  now.hotHas = false;
  expect(await read()).toEqual({ updates: 9, modes: degraded('hot-filling') });
  now.hot = () => state(9);
  now.hotHas = true;
  expect(await read()).toEqual({ updates: 9, modes: NOT_DEGRADED });
});

test('both are down: nothing is known, and both are named', async () => {
  const { read } = under({ hot: down, primary: down });
  expect(await read()).toEqual({
    updates: null,
    modes: degraded('hot-unavailable') | degraded('primary-unavailable'),
  });
});

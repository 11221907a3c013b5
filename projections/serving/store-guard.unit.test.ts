/**
 * A store that hangs costs its budget a few times, then nothing; once it answers again, it is asked
 * again. No time passes here but ours.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { OnlineStore, TilesAnswer, TilesTarget } from '#domain/ports/online-store.ts';
import { guardStore } from './store-guard.ts';

const target = {} as TilesTarget;
const NOTHING: TilesAnswer = { found: 'nothing' };

let asked: {
  readonly keys: readonly string[];
  readonly answer: () => void;
  readonly fail: () => void;
}[] = [];
const store: OnlineStore = {
  name: 'store',
  read: (_target, keys) =>
    new Promise((resolve, reject) => {
      asked.push({
        keys,
        answer: () => resolve(keys.map(() => NOTHING)),
        fail: () => reject(new Error('down')),
      });
    }),
  close: async () => {},
};

beforeEach(() => {
  asked = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const guarded = () => guardStore(store, { timeoutMs: 100, failures: 3, restMs: 500 }, Date.now);
const passed = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('what comes within the budget is the answer; what does not is slow, and an error is down', async () => {
  const { read, state } = guarded();
  const first = read(target, ['a'], 0);
  await passed(99);
  asked[0]?.answer();
  expect(await first).toEqual([NOTHING]);
  const second = read(target, ['a'], 0);
  await passed(101);
  expect(await second).toBe('slow');
  const third = read(target, ['a'], 0);
  asked[2]?.fail();
  expect(await third).toBe('down');
  expect(state()).toBe(null);
});

test('many entities have more time: as much again for each 500', async () => {
  const { read } = guarded();
  const many = read(target, new Array(1000).fill('k'), 0);
  await passed(290);
  asked[0]?.answer();
  expect(await many).toHaveLength(1000);
});

test('three failures, one after the other, and it is left alone: who reads waits for nothing', async () => {
  const { read, state } = guarded();
  for (let i = 0; i < 3; i++) {
    const hanging = read(target, ['a'], 0);
    await passed(101);
    expect(await hanging).toBe('slow');
  }
  expect(state()).toBe('slow');
  for (let i = 0; i < 10; i++) expect(read(target, ['a'], 0)).toBe('slow');
  expect(asked).toHaveLength(3);
});

test('reads that hang together are one failure', async () => {
  const { read, state } = guarded();
  const together = Array.from({ length: 20 }, () => read(target, ['a'], 0));
  await passed(101);
  expect(await Promise.all(together)).toEqual(together.map(() => 'slow'));
  expect(state()).toBe(null);
});

test('left alone, it is asked beside every half second, one read at a time; answered in time, it is asked by all again', async () => {
  const { read, state } = guarded();
  for (let i = 0; i < 3; i++) {
    const failing = read(target, ['a'], 0);
    asked.at(-1)?.fail();
    expect(await failing).toBe('down');
    await passed(1);
  }
  await passed(500);
  expect(read(target, ['a'], 0)).toBe('down');
  expect(read(target, ['a'], 0)).toBe('down');
  expect(asked).toHaveLength(4);
  await passed(101);
  expect(read(target, ['a'], 0)).toBe('slow');
  expect(asked).toHaveLength(4);
  await passed(500);
  expect(read(target, ['b'], 0)).toBe('slow');
  asked[4]?.answer();
  await passed(0);
  expect(state()).toBe(null);
  const usual = read(target, ['c'], 0);
  asked[5]?.answer();
  expect(await usual).toEqual([NOTHING]);
});

/** How often and how much: never more than the limit, and never less than it where one waits. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Principal } from '#domain/authorization/principal.ts';
import type { UsageCounter } from '#domain/ports/usage-counter.ts';
import { createRates } from './rates.ts';
import { tokenBuckets } from './token-buckets.ts';

const DAY_MS = 86_400_000;
const principal = (limits: Principal['limits'], id = 'access-key/a'): Principal => ({
  id,
  actor: 'ann',
  grants: [],
  limits,
});

const counter = (): UsageCounter & { readonly totals: Map<string, number> } => {
  const totals = new Map<string, number>();
  return {
    totals,
    async add(id, day, count) {
      const total = (totals.get(`${id} ${day}`) ?? 0) + count;
      totals.set(`${id} ${day}`, total);
      return total;
    },
  };
};
const ratesAt = (clock: { time: number }, shared = counter()) => ({
  ...createRates({ now: () => clock.time, counter: shared, warn: () => {}, settleMs: 1e9 }),
  shared,
});

test('in no stretch of time are more let through than run in and fit in, and who waits as long as told is let through', () => {
  const gap = fc.integer({ min: 0, max: 3_000 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(gap, { maxLength: 300 }),
      (rate, burst, gaps) => {
        const { take } = tokenBuckets();
        let time = 1e12;
        const taken: number[] = [];
        for (const ms of gaps) {
          time += ms;
          const wait = take('k', rate, burst, time);
          if (wait === 0) taken.push(time);
          else if (ms % 2 === 0) {
            time += wait;
            expect(take('k', rate, burst, time)).toBe(0);
            taken.push(time);
          }
        }
        for (let from = 0; from < taken.length; from++) {
          const seconds = ((taken.at(-1) as number) - (taken[from] as number)) / 1000;
          expect(taken.length - from).toBeLessThanOrEqual(burst + rate * seconds + 1e-6);
        }
      },
    ),
  );
});

test('buckets are bounded, and a clock that goes back gives nothing', () => {
  const { take } = tokenBuckets(2);
  expect(take('a', 1, 1, 10_000)).toBe(0);
  expect(take('a', 1, 1, 5_000)).toBeGreaterThan(0);
  take('b', 1, 1, 10_000);
  take('c', 1, 1, 10_000);
  expect(take('a', 1, 1, 10_000), 'it was let go, full').toBe(0);
});

test('without limits nothing is counted', async () => {
  const rates = ratesAt({ time: 0 });
  for (let i = 0; i < 1_000; i++) {
    rates.request(principal({}));
    rates.rows(principal({}), 1e6);
  }
  await rates.settle();
  expect(rates.shared.totals.size).toBe(0);
});

test('a quota is of a UTC day: up to it all, over it none, and at midnight anew', () => {
  const clock = { time: 10 * DAY_MS + 1_000 };
  const rates = ratesAt(clock);
  const ann = principal({ rowsPerDay: 100, eventsPerDay: 5 });
  rates.rows(ann, 60);
  expect(() => rates.rows(ann, 41)).toThrow(
    expect.objectContaining({
      code: 'MR_QUOTA_EXCEEDED',
      details: expect.objectContaining({ used: 60, asked: 41, limit: 100 }),
    }),
  );
  rates.rows(ann, 40);
  expect(() => rates.rows(ann, 1)).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ retryAfterMs: DAY_MS - 1_000 }) }),
  );
  rates.events(ann, 5);
  rates.rows(principal({ rowsPerDay: 100 }, 'access-key/b'), 100);
  clock.time += DAY_MS;
  rates.rows(ann, 100);
});

test('what was given out before it could be counted is counted, and the next is refused', () => {
  const rates = ratesAt({ time: 0 });
  const ann = principal({ rowsPerDay: 100 });
  rates.rows(ann, 1);
  rates.rowsGiven(ann, 5_000);
  expect(() => rates.rows(ann, 1)).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ used: 5_001 }) }),
  );
});

test('gateways count together: what all have used is refused by each once they have settled', async () => {
  const clock = { time: 5 * DAY_MS };
  const shared = counter();
  const [one, two] = [ratesAt(clock, shared), ratesAt(clock, shared)];
  const ann = principal({ eventsPerDay: 100 });
  one.events(ann, 70);
  two.events(ann, 20);
  await one.settle();
  await two.settle();
  expect(() => two.events(ann, 11)).toThrow(expect.objectContaining({ code: 'MR_QUOTA_EXCEEDED' }));
  two.events(ann, 10);
  await two.settle();
  one.events(ann, 10);
  await one.settle();
  expect(shared.totals.get('access-key/a/events 5')).toBe(110);
  expect(
    () => one.events(ann, 1),
    'overrun by what was taken between two settlements, and no more',
  ).toThrow();
});

test('a process that begins anew goes on from what was used', async () => {
  const clock = { time: 5 * DAY_MS };
  const shared = counter();
  const before = ratesAt(clock, shared);
  before.rows(principal({ rowsPerDay: 100 }), 95);
  await before.close();
  const after = ratesAt(clock, shared);
  after.rows(principal({ rowsPerDay: 100 }), 1);
  await after.settle();
  expect(() => after.rows(principal({ rowsPerDay: 100 }), 5)).toThrow();
  after.rows(principal({ rowsPerDay: 100 }), 4);
});

test('a counter that fails is told, and what was counted is sent the next time', async () => {
  const shared = counter();
  let down = true;
  const warned: string[] = [];
  const rates = createRates({
    now: () => 0,
    counter: { add: (...args) => (down ? Promise.reject(new Error('down')) : shared.add(...args)) },
    warn: (message) => warned.push(message),
    settleMs: 1e9,
  });
  rates.rows(principal({ rowsPerDay: 100 }), 7);
  await rates.settle();
  expect(warned.length).toBe(1);
  down = false;
  await rates.settle();
  expect([...shared.totals.values()]).toEqual([7]);
});

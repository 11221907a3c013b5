/** Sets of periods are compared with sets of their ends, and finality with the lateness rule. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { closingTime } from '#domain/tiles/lateness.ts';
import { finalUpTo, inParts, missingPeriods, type PeriodRange, withPeriods } from './periods.ts';
import { parseRollupTopic, rollupTopic } from './rollup-name.ts';

const STEP = 10;
const endsOf = (ranges: readonly PeriodRange[]): number[] =>
  ranges.flatMap(({ from, to }) =>
    Array.from({ length: (to - from) / STEP }, (_, i) => from + (i + 1) * STEP),
  );

const range = fc
  .record({ from: fc.integer({ min: -6, max: 20 }), periods: fc.integer({ min: 1, max: 6 }) })
  .map(({ from, periods }) => ({ from: from * STEP, to: (from + periods) * STEP }));
const ranges = fc.array(range, { maxLength: 6 });

test('ranges are merged, and what is missing is what none of them has', () => {
  fc.assert(
    fc.property(ranges, range, fc.integer({ min: 1, max: 4 }), (drawn, wanted, atOnce) => {
      const merged = drawn.reduce<readonly PeriodRange[]>(withPeriods, []);
      const present = new Set(endsOf(drawn));
      expect(endsOf(merged)).toEqual([...present].sort((a, b) => a - b));
      // Neighbors are one range.
      merged.slice(1).forEach(({ from }, i) => {
        expect(from).toBeGreaterThan((merged[i] as PeriodRange).to);
      });
      const missing = missingPeriods(wanted, merged);
      expect(endsOf(missing)).toEqual(endsOf([wanted]).filter((end) => !present.has(end)));
      const parts = missing.flatMap((one) => inParts(one, STEP, atOnce));
      expect(endsOf(parts)).toEqual(endsOf(missing));
      for (const part of parts) expect(endsOf([part]).length).toBeLessThanOrEqual(atOnce);
    }),
  );
});

const planWith = (hops: readonly number[], latenessMs: number | null): ViewPlan =>
  ({ hops: hops.map((hopMs) => ({ hopMs })), latenessMs }) as unknown as ViewPlan;

test('a period is final when every event of it would be late', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(1, 3, 10, 25, 100), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: -300, max: 300 }),
      (hops, lateness, watermark) => {
        const final = finalUpTo(planWith([...hops, 0], lateness), watermark, STEP);
        const isFinal = (end: number): boolean =>
          closingTime(end - 1, Math.max(...hops), lateness) < watermark;
        expect([final % STEP === 0, isFinal(final), isFinal(final + STEP)]).toEqual([
          true,
          true,
          false,
        ]);
      },
    ),
  );
});

test('without a lateness, or windows, a period is final when the watermark has passed its end', () => {
  for (const plan of [planWith([10, 100], null), planWith([0], 5)]) {
    expect(finalUpTo(plan, 39, STEP)).toBe(30);
    expect(finalUpTo(plan, 40, STEP)).toBe(40);
    expect(finalUpTo(plan, Number.NEGATIVE_INFINITY, STEP)).toBe(Number.NEGATIVE_INFINITY);
  }
});

test('a name says what its table is of', () => {
  const of = { view: 'a_v1_day', version: 12, every: 'hour' } as const;
  expect(rollupTopic(of)).toBe('rollup.a_v1_day_v12_hour');
  expect(parseRollupTopic('rollup.a_v1_day_v12_hour')).toEqual(of);
  for (const other of ['rollup.a_day', 'rollup.a_v0_day', 'rollup._v1_day', 'raw.a_v1_day', 'x'])
    expect([other, parseRollupTopic(other)]).toEqual([other, null]);
});

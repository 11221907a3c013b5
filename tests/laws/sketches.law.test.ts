/**
 * The stated errors of the sketches, on real values and on difficult ones, for events split into
 * tiles. Inputs and hashes are fixed, so every run gives the same result.
 */
import { readFileSync } from 'node:fs';
import { DDSketch } from '@datadog/sketches-js';
import { describe, expect, test } from 'vitest';
import type { BoundAggregation, Partial } from '#domain/aggregations/aggregation.ts';
import { newSlots } from '#domain/aggregations/slots.ts';
import { aggregationNamed } from '#domain/aggregations/table.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { ScalarType, Value } from '#domain/values/value.ts';

const TILES = 7;

/** Distributes events over tiles, folds each tile, and merges the tiles. */
const over = (bound: BoundAggregation, values: readonly Value[]): Value => {
  const slots = bound.partials.map((partial: Partial) => {
    const tiles = Array.from({ length: TILES }, () => {
      const s = newSlots(partial.nums.length, partial.refs.length);
      partial.identity(s);
      return s;
    });
    values.forEach((value, i) => {
      partial.add(tiles[(i * 31) % TILES] as (typeof tiles)[0], value, {
        eventTime: i,
        partition: i % 3,
        offset: Math.floor(i / 3),
      });
    });
    const whole = newSlots(partial.nums.length, partial.refs.length);
    partial.identity(whole);
    for (const tile of tiles) partial.merge(whole, tile);
    return whole;
  });
  return bound.finalize(slots) as Value;
};

const aggregated = (
  name: string,
  base: ScalarType,
  values: readonly Value[],
  params: Record<string, Value> = {},
): Value => over(aggregationNamed(name).bind(fieldType(base), params), values);

const flights = JSON.parse(
  readFileSync(
    new URL('../../node_modules/vega-datasets/data/flights-20k.json', import.meta.url),
    'utf8',
  ),
) as readonly {
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}[];

/** The mulberry32 generator, so that drawn values never change. */
const random = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};
const drawn = (n: number, draw: (next: () => number, i: number) => number): readonly number[] => {
  const next = random(n);
  return Array.from({ length: n }, (_, i) => draw(next, i));
};

const NUMBERS: Readonly<Record<string, readonly number[]>> = {
  'delays of flights': flights.map(({ delay }) => delay),
  'distances of flights': flights.map(({ distance }) => distance),
  'a heavy tail': drawn(20_000, (next) => 1 / (1 - next()) ** 3),
  'thirty orders of magnitude': drawn(20_000, (next) => 10 ** (next() * 30 - 14)),
  'both signs and zeros': drawn(20_000, (next, i) =>
    i % 3 === 0 ? 0 : (next() - 0.5) * 10 ** (i % 9),
  ),
  'all equal': drawn(5000, () => 42),
  ascending: drawn(20_000, (_, i) => i),
  'two far apart': drawn(1001, (_, i) => (i === 500 ? 1e15 : 1e-9)),
};

describe.each(Object.entries(NUMBERS))('approxPercentile of %s', (_, values) => {
  const ascending = [...values].sort((a, b) => a - b);

  test.each([0.05, 0.01, 0.001])('is within a relative %d of the exact value', (accuracy) => {
    for (const q of [0, 0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1]) {
      const exact = ascending[Math.floor(q * (ascending.length - 1))] as number;
      const approximate = aggregated('approxPercentile', 'double', values, {
        q,
        accuracy,
      }) as number;
      expect({
        q,
        near: Math.abs(approximate - exact) <= accuracy * Math.abs(exact) * (1 + 1e-9) + 1e-15,
        approximate,
        exact,
      }).toEqual({
        q,
        near: true,
        approximate,
        exact,
      });
    }
  });

  test('is as accurate as the reference DDSketch', () => {
    const theirs = new DDSketch({ relativeAccuracy: 0.01 });
    for (const value of values) theirs.accept(value);
    for (const q of [0.25, 0.5, 0.95, 0.99]) {
      const ours = aggregated('approxPercentile', 'double', values, { q }) as number;
      // Buckets of equal width may begin at different values, so both results are within 1 % of the
      // exact one.
      expect(Math.abs(ours - theirs.getValueAtQuantile(q))).toBeLessThanOrEqual(
        0.0203 * Math.abs(ours) + 1e-9,
      );
    }
  });
});

const DISTINCT: Readonly<Record<string, (n: number) => readonly Value[]>> = {
  'numbers in a row': (n) => Array.from({ length: n }, (_, i) => i),
  'powers of two apart': (n) => Array.from({ length: n }, (_, i) => i * 65_536),
  'times a minute apart': (n) =>
    Array.from({ length: n }, (_, i) => 1_700_000_000_000 + i * 60_000),
  fractions: (n) => Array.from({ length: n }, (_, i) => i / 1024),
};
const TEXTS: Readonly<Record<string, (n: number) => readonly Value[]>> = {
  'names that end in a number': (n) => Array.from({ length: n }, (_, i) => `customer-${i}`),
  'names that begin with one': (n) =>
    Array.from({ length: n }, (_, i) => `${i}-of-a-long-and-equal-rest`),
  'runs of one letter': (n) => Array.from({ length: Math.min(n, 3000) }, (_, i) => 'a'.repeat(i)),
};

describe('approxCountDistinct', () => {
  const SIZES = [1, 10, 100, 1000, 10_000, 100_000];
  const within = (base: ScalarType, values: readonly Value[], precision: number): void => {
    const exact = new Set(values).size;
    const estimate = aggregated('approxCountDistinct', base, values, { precision }) as number;
    // Four standard errors: exceeded by chance once in 16,000.
    const slack = Math.max(1, (4 * 1.04 * exact) / Math.sqrt(2 ** precision));
    expect({ exact, estimate, near: Math.abs(estimate - exact) <= slack }).toEqual({
      exact,
      estimate,
      near: true,
    });
  };

  test.each(Object.entries(DISTINCT))('%s, of every size and precision', (_, make) => {
    for (const n of SIZES)
      for (const precision of [8, 12, 16]) within('double', make(n), precision);
  });

  test.each(Object.entries(TEXTS))('%s', (_, make) => {
    for (const n of SIZES) within('string', make(n), 12);
  });

  test('of real values: the airports and the distances of flights', () => {
    for (const precision of [8, 12, 16]) {
      within(
        'string',
        flights.map(({ origin }) => origin),
        precision,
      );
      within(
        'double',
        flights.map(({ distance }) => distance),
        precision,
      );
    }
  });

  test('repeated values count once', () => {
    const once = DISTINCT['numbers in a row']?.(5000) as readonly Value[];
    const often = once.flatMap((value) => [value, value, value]);
    expect(aggregated('approxCountDistinct', 'long', often)).toBe(
      aggregated('approxCountDistinct', 'long', once),
    );
  });
});

describe('approxTopK', () => {
  const sharesOf = (values: readonly Value[]): ReadonlyMap<Value, number> => {
    const counts = new Map<Value, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1 / values.length);
    return counts;
  };

  /**
   * What is left out is at most twice Hoeffding's ε more frequent than the least of what is in: ε
   * is passed once in 1e6.
   */
  const noBetterLeftOut = (
    base: ScalarType,
    values: readonly Value[],
    k: number,
    capacity: number,
  ): void => {
    const shares = sharesOf(values);
    const top = aggregated('approxTopK', base, values, { k, capacity }) as readonly Value[];
    expect(new Set(top).size).toBe(Math.min(k, top.length));
    const slack = 2 * Math.sqrt(Math.log(2e6) / (2 * capacity));
    const least = Math.min(...top.map((value) => shares.get(value) as number));
    const missed = [...shares].filter(([value]) => !top.includes(value)).map(([, share]) => share);
    expect(Math.max(0, ...missed)).toBeLessThanOrEqual(least + slack);
  };

  test('is exact up to `capacity` events', () => {
    const some = flights.slice(0, 1024).map(({ origin }) => origin);
    expect(aggregated('approxTopK', 'string', some, { k: 10 })).toEqual(
      aggregated('topK', 'string', some, { k: 10 }),
    );
  });

  test('real values: the busiest airports', () => {
    const origins = flights.map(({ origin }) => origin);
    for (const capacity of [256, 1024, 4096]) noBetterLeftOut('string', origins, 10, capacity);
    const [busiest] = aggregated('topK', 'string', origins, { k: 1 }) as [string];
    expect(aggregated('approxTopK', 'string', origins, { k: 3 })).toContain(busiest);
  });

  test.each<[string, readonly number[]]>([
    // inputs on which evicted counters fail: only new values until the end, or new values between
    // any two frequent ones
    ['the frequent ones last', drawn(50_000, (_, i) => (i < 40_000 ? i : 1e6 + (i % 4)))],
    ['the frequent ones first', drawn(50_000, (_, i) => (i < 10_000 ? 1e6 + (i % 4) : i))],
    ['the frequent ones between', drawn(50_000, (_, i) => (i % 5 === 0 ? 1e6 + ((i / 5) % 4) : i))],
    ['none is frequent', drawn(50_000, (_, i) => i)],
    ['Zipf’s law', drawn(50_000, (next) => Math.floor(1 / (next() + 1e-4)))],
  ])('%s', (_, values) => {
    for (const capacity of [256, 1024]) noBetterLeftOut('double', values, 4, capacity);
    if (values.some((x) => x >= 1e6))
      expect(
        [...(aggregated('approxTopK', 'double', values, { k: 4 }) as number[])].sort(
          (a, b) => a - b,
        ),
      ).toEqual([1e6, 1e6 + 1, 1e6 + 2, 1e6 + 3]);
  });
});

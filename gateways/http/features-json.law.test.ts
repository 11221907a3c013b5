/**
 * An answer written by hand is the engine's own JSON of it: each number to the last digit, each
 * text, whatever rows came before.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ReadResult } from '#domain/api/serving.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { NUMBER_BYTES, putNumber } from '#domain/values/number-bytes.ts';
import type { Value } from '#domain/values/value.ts';
import { createFeaturesSerializer } from './features-json.ts';

const bytes = Buffer.alloc(NUMBER_BYTES + 16, 'x');

const written = (x: number): string => {
  bytes.fill('x');
  const to = putNumber(bytes, 8, x);
  expect(to - 8).toBeLessThanOrEqual(NUMBER_BYTES);
  // Nothing before it, and nothing past its room.
  expect(bytes.toString('latin1', 0, 8) + bytes.toString('latin1', 8 + NUMBER_BYTES)).toBe(
    'x'.repeat(16),
  );
  return bytes.toString('latin1', 8, to);
};

/** A double of these 53 bits, with its point anywhere. */
const anyDouble = fc
  .tuple(fc.maxSafeNat(), fc.integer({ min: -90, max: 30 }), fc.boolean())
  .map(([bits, power, negative]) => (negative ? -1 : 1) * bits * 2 ** power);
/** So many digits, with their point anywhere. */
const decimal = fc
  .tuple(fc.maxSafeNat(), fc.integer({ min: 1, max: 17 }), fc.integer({ min: -24, max: 24 }))
  .map(([digits, count, power]) =>
    Number(`${String(digits).padEnd(17, '7').slice(0, count)}e${power}`),
  );
const powersOfTwo = fc
  .tuple(fc.integer({ min: -1074, max: 1023 }), fc.integer({ min: -1, max: 1 }))
  .map(([power, ulps]) => 2 ** power * (1 + ulps * Number.EPSILON));
const aFraction = fc.double({ min: 0, max: 1, noNaN: true });
const numbers = fc.oneof(
  anyDouble,
  decimal,
  powersOfTwo,
  aFraction,
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }),
);

test('a number is written as JSON writes it', () => {
  fc.assert(
    fc.property(
      numbers.filter(Number.isFinite),
      (x) => written(x) === JSON.stringify(x) || expect(written(x)).toBe(JSON.stringify(x)),
    ),
    { numRuns: 20_000 },
  );
});

test.each([
  0,
  -0,
  1,
  -1,
  9,
  10,
  99,
  100,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 53 - 1,
  2 ** 53,
  2 ** 53 + 2,
  1e15,
  1e16,
  1e20,
  1e21,
  1e-6,
  1e-7,
  0.1,
  0.1 + 0.2,
  1 / 3,
  2 / 3,
  4.35,
  0.999_999_999_999_999_9,
  9.999_999_999_999_998,
  999_999_999_999_999.9,
  99_999_999_999_999.98,
  5e-324,
  Number.MAX_VALUE,
  -Math.PI,
  123_456.5,
  1.5e-6,
  0.000_001_234,
])('%d', (x) => expect(written(x)).toBe(JSON.stringify(x)));

const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: fc.double() },
  { weight: 3, arbitrary: fc.integer() },
  fc.constant(null),
  fc.boolean(),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.oneof(fc.double(), fc.integer()), { maxLength: 4 }),
);
const status = fc.oneof(
  { weight: 9, arbitrary: fc.constant<FeatureStatus>('present') },
  fc.constantFrom<FeatureStatus>('null', 'not-found', 'expired', 'overflow'),
);
const names = fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 60,
});
const entity = fc.oneof(
  fc.record({ driver_id: fc.integer() }),
  fc.record({ 'ключ "k"': fc.string({ unit: 'grapheme' }), second: fc.boolean() }),
  fc.constant({}),
);

const results = names.chain((features) =>
  fc
    .array(
      fc.tuple(
        entity,
        fc.array(value, { minLength: features.length, maxLength: features.length }),
        fc.array(status, { minLength: features.length, maxLength: features.length }),
      ),
      { maxLength: 12 },
    )
    .chain((rows) => fc.boolean().map((cacheGone) => [rows, cacheGone] as const))
    .map(
      ([rows, cacheGone]): ReadResult => ({
        ...(cacheGone ? { degraded: ['cache-unavailable'] } : {}),
        features,
        entities: rows.map(([key]) => key),
        values: rows.map(([, values]) => values),
        status: rows.map(([, , statuses]) => statuses),
        views: [
          {
            view: 'v',
            version: 1,
            generation: 2,
            eventTime: null,
            position: 'raw.é/0@7',
            completeThrough: 1_700_000_000_000,
          },
        ],
        at: 1_700_000_000_000,
        known: 1_700_000_000_001,
      }),
    ),
);

/**
 * The same by the engine: the keys first, then the features, one that has the name of another as
 * often as it comes.
 */
const plainText = ({
  features,
  entities,
  values,
  status,
  views,
  at,
  known,
  degraded,
}: ReadResult): string => {
  const rows = values.map((row, i) => {
    const keys = Object.entries(entities[i] as object).map(
      ([key, one]) => `${JSON.stringify(key)}:${JSON.stringify(one)}`,
    );
    return `{${[...keys, ...features.map((name, f) => `${JSON.stringify(name)}:${JSON.stringify(row[f])}`)].join(',')}}`;
  });
  return `{"rows":[${rows.join(',')}],${JSON.stringify({ status, features, views, at, known, degraded }).slice(1)}`;
};

test('an answer is the JSON of its parts, and one answer leaves nothing in the next', () => {
  const serialize = createFeaturesSerializer();
  fc.assert(
    fc.property(results, (result) => {
      expect(serialize(result).toString()).toBe(plainText(result));
    }),
    { numRuns: 400 },
  );
});

test('an answer larger than its first buffer', () => {
  const features = Array.from({ length: 50 }, (_, i) => `f${i}`);
  const values = Array.from({ length: 3_000 }, (_, r) =>
    features.map((_, i) => Math.sin(r * 50 + i)),
  );
  const result: ReadResult = {
    features,
    entities: values.map((_, id) => ({ id })),
    values,
    status: values.map(() => features.map(() => 'present')),
    views: [],
    at: 1,
    known: 2,
  };
  expect(createFeaturesSerializer()(result).toString()).toBe(plainText(result));
});

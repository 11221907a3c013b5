/**
 * Calls of the scalar functions of the Java module, with the results of the expressions'
 * JavaScript.
 */
import type { Partial } from '#domain/aggregations/aggregation.ts';
import { bucketOf, lnGammaOf } from '#domain/aggregations/dd-sketch.ts';
import { placeHash } from '#domain/aggregations/hash-value.ts';
import { approxCountDistinct } from '#domain/aggregations/hyper-log-log.ts';
import { newSlots } from '#domain/aggregations/slots.ts';
import { finite, type Implementation, whole } from '#domain/expressions/function-row.ts';
import { FUNCTIONS } from '#domain/expressions/functions.ts';
import { MAX_TEXT } from '#domain/expressions/functions-text.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { Scalar, ScalarType, Value } from '#domain/values/value.ts';

const hll = approxCountDistinct.bind(fieldType('long'), {});
const registersOver = (n: number): string => {
  const [partial] = hll.partials as [Partial];
  const slots = newSlots(0, 1);
  partial.identity(slots);
  for (let i = 0; i < n; i++) partial.add(slots, i, { eventTime: 0, partition: 0, offset: i });
  return partial.refs[0]?.encode(slots.refs[0]) as string;
};
const distinctOf = (registers: string, precision: number): Value => {
  const bound = approxCountDistinct.bind(fieldType('long'), { precision });
  const slots = newSlots(0, 1);
  slots.refs[0] = bound.partials[0]?.refs[0]?.decode(registers);
  return bound.finalize([slots]) as Value;
};

type Call = (...args: Scalar[]) => Value;

/** A function of the table, bound to its argument types; `literals` are its last arguments. */
const row = (name: string, types: readonly ScalarType[], ...literals: Scalar[]): Call => {
  const args = [
    ...types.map((base) => ({ type: fieldType(base), literal: undefined })),
    ...literals.map((literal) => ({ type: fieldType('string'), literal })),
  ];
  const js = (FUNCTIONS.get(name) as { readonly js: (args: unknown) => Implementation }).js(
    args,
  ) as unknown as Call;
  return (...values) => js(...values, ...literals);
};

const cast = (from: ScalarType, to: ScalarType): Call => row('cast', [from], to);

const DOUBLES = [
  -0,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  0.49999999999999994,
  1e21,
  1e20,
  123456789012345680000,
  1e-6,
  1e-7,
  1.5e-7,
  0.1,
  1 / 3,
  -1e300,
  5e-324,
  1.7976931348623157e308,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  2 ** 31,
  2 ** 31 - 1,
  -(2 ** 31) - 0.5,
  -(2 ** 31) - 1,
  3.4028235677973366e38,
  3.4e38,
  1e-46,
  2e23,
  2 ** 53 + 2,
  4.35,
  0.000001234,
  100,
  253402300799999,
  253402300800000,
  -62167219200001,
  2932896.9,
  2932897,
  2 ** -44,
  1.2e-5,
];
const TEXTS = ['', 'a', 'ab', 'Zürich', '\u{1f600}b', '\uffee', 'a\u{1f600}a', '\ud7ff', 'aXa'];
const NUMERALS = [
  '1',
  '-1.5',
  '+.5',
  '1.',
  '1e3',
  '1E-7',
  '.',
  'e',
  ' 1',
  '1 ',
  '0x10',
  '1e999',
  'NaN',
  'Infinity',
  '1d',
  '1f',
  '٣',
  '-0',
];
const TIMES = [
  0, -1, 1_700_000_000_123, -62_167_219_200_000, 253_402_300_799_999, 951_782_400_000, -86_400_001,
  253_402_300_800_000,
];
const TIME_TEXTS = [
  '2026-01-31T12:00:00Z',
  '2026-01-31T12:00:00.5Z',
  '2026-01-31t12:00z',
  '2026-01-31 12:00:00,123456789+02:30',
  '2026-02-29T00:00:00Z',
  '2024-02-29T23:59:59.999-0100',
  '2026-01-31T24:00:00Z',
  '2026-01-31T12:00:00',
  '2026-01-31',
  '0000-01-01T00:00:00+01',
  '9999-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '2026-01-31T12:60:00Z',
  '2026-01-31T12:00:00+24:00',
  '2026-00-10T00:00:00Z',
  '2026-01-00T00:00:00Z',
];
const DATE_TEXTS = [
  '2026-01-31',
  '2024-02-29',
  '2023-02-29',
  '0000-01-01',
  '9999-12-31',
  '2026-1-1',
  '2026-13-01',
  '2026-01-00',
  '',
];
const DAYS = [0, -1, 19_000, -719_528, 2_932_896];
const UNITS = ['second', 'minute', 'hour', 'day', 'week', 'month', 'year'];

/** Values at a bucket's edge and just past it, where one bit of a logarithm decides. */
const EDGES = [
  ...DOUBLES,
  ...Array.from({ length: 400 }, (_, i) => Math.exp(lnGammaOf(0.01) * (i - 200))).flatMap((x) => [
    x,
    x * (1 + 2 ** -52),
    -x,
  ]),
];

const one = (values: readonly Scalar[]): Scalar[][] => values.map((v) => [v]);
const pairs = (values: readonly Scalar[]): Scalar[][] =>
  values.flatMap((a) => values.map((b) => [a, b]));

const CALLS: readonly (readonly [name: string, js: Call, args: readonly Scalar[][]])[] = [
  ...[0.01, 0.001].map(
    (accuracy) =>
      [
        'MR_DD_BUCKET',
        (x: Scalar, lnGamma: Scalar) => bucketOf(x as number, lnGamma as number),
        EDGES.map((x) => [x, lnGammaOf(accuracy)]),
      ] as const,
  ),
  [
    'MR_PLACE_HASH',
    (partition, offset) => placeHash(partition as number, offset as number),
    [0, 1, 63].flatMap((p) =>
      [0, 1, 4_294_967_295, 4_294_967_296, 9_007_199_254_740_991].map((o) => [p, o]),
    ),
  ],
  [
    'MR_HLL_COUNT',
    (registers, p) => distinctOf(registers as string, p as number),
    [1, 3, 40, 3000, 100_000].map((n) => [registersOver(n), 12]),
  ],
  ['MR_FINITE', (x) => finite(x as number), one(DOUBLES)],
  ['MR_WHOLE', (x) => whole(x as number), one(DOUBLES.filter((x) => Number.isInteger(x)))],
  ['MR_MOD', (a, b) => finite((a as number) % (b as number)), pairs([-7.5, 7, 2, -2, 0.1, 1e17])],
  ['MR_ROUND', row('round', ['double']), one(DOUBLES)],
  ['MR_TO_INT', cast('double', 'int'), one(DOUBLES)],
  ['MR_TO_LONG', cast('double', 'long'), one(DOUBLES)],
  ['MR_TO_FLOAT', cast('double', 'float'), one(DOUBLES)],
  ['MR_TO_TIME', cast('long', 'timestamp'), one(DOUBLES)],
  ['MR_TO_DATE', cast('long', 'date'), one(DOUBLES)],
  ['MR_NUMBER_TEXT', cast('double', 'string'), one(DOUBLES)],
  ['MR_PARSE_NUMBER', cast('string', 'double'), one(NUMERALS)],
  ['MR_PARSE_TIME', cast('string', 'timestamp'), one(TIME_TEXTS)],
  ['MR_PARSE_DATE', cast('string', 'date'), one(DATE_TEXTS)],
  ['MR_FORMAT_TIME', cast('timestamp', 'string'), one(TIMES)],
  ['MR_FORMAT_DATE', cast('date', 'string'), one(DAYS)],
  ['MR_COMPARE', (a, b) => (a < b ? -1 : a > b ? 1 : 0), pairs(TEXTS)],
  ['MR_STARTS_WITH', row('startsWith', ['string', 'string']), pairs(TEXTS)],
  ['MR_ENDS_WITH', row('endsWith', ['string', 'string']), pairs(TEXTS)],
  ['MR_CONTAINS', row('contains', ['string', 'string']), pairs(TEXTS)],
  [
    'MR_REPLACE',
    row('replace', ['string', 'string', 'string']),
    [
      ...pairs(TEXTS).map(([a, b]) => [a as string, b as string, '$&']),
      // Texts of the largest size, and of one that is just too large.
      ['x'.repeat(MAX_TEXT / 2), 'x', 'yz'],
      ['x'.repeat(MAX_TEXT / 2 + 1), 'x', 'yz'],
      ['x'.repeat(MAX_TEXT / 4), 'x', '\u{1f600}\u{1f600}'],
      ['x'.repeat(MAX_TEXT / 4 + 1), 'x', '\u{1f600}\u{1f600}'],
      ['x'.repeat(MAX_TEXT + 2), 'xx', 'y'],
      ['x'.repeat(MAX_TEXT + 1), '', 'y'],
    ],
  ],
  [
    'MR_CONCAT',
    row('concat', ['string', 'string']),
    [
      ...pairs(TEXTS),
      ...one(TEXTS),
      ['a', 'b', 'c', 'd'],
      ['x'.repeat(MAX_TEXT), ''],
      ['x'.repeat(MAX_TEXT), 'y'],
      ['\u{1f600}'.repeat(MAX_TEXT / 4), 'ü'.repeat(MAX_TEXT / 2)],
      ['\u{1f600}'.repeat(MAX_TEXT / 4), 'ü'.repeat(MAX_TEXT / 2 + 1)],
    ],
  ],
  [
    'MR_SUBSTRING',
    row('substring', ['string', 'long', 'long']),
    TEXTS.flatMap((t) => [
      [t, 0],
      [t, 1],
      [t, 1, 1],
      [t, 0, 2],
      [t, 9],
      [t, -1],
      [t, 0, -1],
      [t, 0, 0],
    ]),
  ],
  ['MR_HOUR', row('hour', ['timestamp']), one(TIMES)],
  ['MR_MINUTE', row('minute', ['timestamp']), one(TIMES)],
  ['MR_DAY_OF_WEEK', row('dayOfWeek', ['timestamp']), one(TIMES)],
  ['MR_DAY_OF_MONTH', row('dayOfMonth', ['timestamp']), one(TIMES)],
  ['MR_MONTH', row('month', ['timestamp']), one(TIMES)],
  ['MR_YEAR', row('year', ['timestamp']), one(TIMES)],
  ...UNITS.map(
    (unit) =>
      [
        'MR_TRUNCATE',
        (ms: Scalar) => row('truncate', ['timestamp'], unit)(ms),
        TIMES.map((t) => [t, unit]),
      ] as const,
  ),
];

const LONG = 1_000;

/** As Java's `String.hashCode`. */
const hashCode = (s: string): number => {
  let hash = 0;
  for (let i = 0; i < s.length; i++) hash = (Math.imul(hash, 31) + s.charCodeAt(i)) | 0;
  return hash;
};

/** A long text that repeats one character, as `repeat` and `times`; any other is itself. */
const shortened = (s: string): unknown => {
  if (s.length <= LONG) return s;
  const repeat = String.fromCodePoint(s.codePointAt(0) as number);
  const times = Math.floor(s.length / repeat.length);
  return s === repeat.repeat(times) ? { repeat, times } : s;
};

/** JSON has no −0, so numbers are text. */
const text = (value: Value): unknown =>
  typeof value === 'number'
    ? Object.is(value, -0)
      ? '-0'
      : String(value)
    : typeof value === 'string'
      ? shortened(value)
      : value;

/** A long result that does not repeat one character is given by its hash. */
const resultOf = (value: Value): unknown => {
  const shown = text(value);
  return typeof shown === 'string' && shown.length > LONG
    ? { length: shown.length, hash: hashCode(shown) }
    : shown;
};

export const scalarVectors = (): object[] =>
  CALLS.flatMap(([name, js, args]) =>
    args.map((values) => ({
      function: name,
      args: values.map(text),
      result: resultOf(js(...values)),
    })),
  );

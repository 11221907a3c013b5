/**
 * What a cell of a file means, by the type of its column and by the type of the field: the value,
 * or a refusal. `publish` and spines mean the same; a text means the same in CSV and in Parquet.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MillraceError } from '#domain/errors.ts';
import { accepts } from '#domain/sql/duckdb/field-values.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import type { ScalarType, Value } from '#domain/values/value.ts';
import { accepted, type FilePlaces, filePlaces, publishedEvents, spineInputs } from './places.ts';

/** The cell is refused, and the other rows of the file are not. */
const NO = Symbol('refused');

type Meaning = Value | typeof NO;

/** Cells in SQL, by the type of their column. */
const CELLS = {
  tinyint: '5::TINYINT',
  negative: '-5::INTEGER',
  bigint: '9007199254740993::BIGINT',
  bigintSafe: '9007199254740991::BIGINT',
  ubigint: '18446744073709551615::UBIGINT',
  milliseconds: '1709208000000::BIGINT',
  seconds: '1709208000::BIGINT',
  microseconds: '1709208000000000::BIGINT',
  beforeEpoch: '-1::BIGINT',
  decimal: '12.30::DECIMAL(10,2)',
  decimalWhole: '12.00::DECIMAL(10,2)',
  decimalLong: '1.0000000000000000000001::DECIMAL(38,22)',
  double: '1.5::DOUBLE',
  doubleWhole: '12::DOUBLE',
  doubleSeconds: '1709208000::DOUBLE',
  doubleMilliseconds: '1709208000000::DOUBLE',
  doubleBig: '1e300::DOUBLE',
  doubleNan: "'nan'::DOUBLE",
  doubleInfinite: "'-inf'::DOUBLE",
  float: '0.1::FLOAT',
  boolean: 'true',
  text: "'x'",
  uuid: "'6f1c7a0e-1b2c-4d3e-8f90-123456789abc'::UUID",
  date: "DATE '2024-02-29'",
  dateFirst: "DATE '0001-01-01'",
  midnight: "TIMESTAMP '2024-02-29 00:00:00'",
  midnightZoned: "TIMESTAMPTZ '2024-02-29 00:00:00+00'",
  noon: "TIMESTAMP '2024-02-29 12:00:00'",
  nanoseconds: 'make_timestamp_ns(1709208000000000001)',
  zoned: "TIMESTAMPTZ '2024-02-29 14:00:00.000999+02'",
  nearEpoch: 'make_timestamp(1500000000000)',
  justBefore: 'make_timestamp(-1)',
  infinite: "'infinity'::TIMESTAMP",
  blob: "'\\xFF\\x00'::BLOB",
  struct: '{a: 1}',
  ints: '[1, 2]::INTEGER[]',
  texts: "['a', '']",
  hole: '[1, NULL]::INTEGER[]',
  doubles: '[1.5, 2]::DOUBLE[]',
  times: "[TIMESTAMP '2024-02-29 12:00:00.5', make_timestamp(-1)]",
  days: "[DATE '2024-02-29']",
  none: '[]::INTEGER[]',
} as const;
type CellName = keyof typeof CELLS;

const DAY = 19_782;
const NOON = 1_709_208_000_000;

/** The cells that a field can have. In the columns of all others, a cell refuses the file. */
const MEANINGS: Readonly<Record<string, Readonly<Partial<Record<CellName, Meaning>>>>> = {
  string: {
    tinyint: '5',
    negative: '-5',
    bigint: '9007199254740993',
    bigintSafe: '9007199254740991',
    ubigint: '18446744073709551615',
    milliseconds: '1709208000000',
    seconds: '1709208000',
    microseconds: '1709208000000000',
    beforeEpoch: '-1',
    decimal: '12.30',
    decimalWhole: '12.00',
    decimalLong: '1.0000000000000000000001',
    double: NO,
    doubleWhole: '12',
    doubleSeconds: '1709208000',
    doubleMilliseconds: '1709208000000',
    doubleBig: NO,
    doubleNan: NO,
    doubleInfinite: NO,
    float: NO,
    text: 'x',
    uuid: '6f1c7a0e-1b2c-4d3e-8f90-123456789abc',
  },
  int: {
    tinyint: 5,
    negative: -5,
    bigint: NO,
    bigintSafe: NO,
    ubigint: NO,
    milliseconds: NO,
    seconds: 1709208000,
    microseconds: NO,
    beforeEpoch: -1,
    decimal: NO,
    decimalWhole: 12,
    decimalLong: NO,
    double: NO,
    doubleWhole: 12,
    doubleSeconds: 1709208000,
    doubleMilliseconds: NO,
    doubleBig: NO,
    doubleNan: NO,
    doubleInfinite: NO,
    float: NO,
    text: NO,
    uuid: NO,
  },
  long: {
    tinyint: 5,
    negative: -5,
    bigint: NO,
    bigintSafe: 9007199254740991,
    ubigint: NO,
    milliseconds: 1709208000000,
    seconds: 1709208000,
    microseconds: 1709208000000000,
    beforeEpoch: -1,
    decimal: NO,
    decimalWhole: 12,
    decimalLong: NO,
    double: NO,
    doubleWhole: 12,
    doubleSeconds: 1709208000,
    doubleMilliseconds: 1709208000000,
    doubleBig: NO,
    doubleNan: NO,
    doubleInfinite: NO,
    float: NO,
    text: NO,
    uuid: NO,
  },
  float: {
    tinyint: 5,
    negative: -5,
    bigint: Math.fround(9007199254740992),
    bigintSafe: Math.fround(9007199254740991),
    ubigint: 2 ** 64,
    milliseconds: Math.fround(1709208000000),
    seconds: Math.fround(1709208000),
    microseconds: Math.fround(1709208000000000),
    beforeEpoch: -1,
    decimal: Math.fround(12.3),
    decimalWhole: 12,
    decimalLong: 1,
    double: 1.5,
    doubleWhole: 12,
    doubleSeconds: Math.fround(1709208000),
    doubleMilliseconds: Math.fround(1709208000000),
    doubleBig: NO,
    doubleNan: NO,
    doubleInfinite: NO,
    float: Math.fround(0.1),
    text: NO,
    uuid: NO,
  },
  double: {
    tinyint: 5,
    negative: -5,
    bigint: 9007199254740992,
    bigintSafe: 9007199254740991,
    ubigint: 2 ** 64,
    milliseconds: 1709208000000,
    seconds: 1709208000,
    microseconds: 1709208000000000,
    beforeEpoch: -1,
    decimal: 12.3,
    decimalWhole: 12,
    decimalLong: 1,
    double: 1.5,
    doubleWhole: 12,
    doubleSeconds: 1709208000,
    doubleMilliseconds: 1709208000000,
    doubleBig: 1e300,
    doubleNan: NO,
    doubleInfinite: NO,
    float: Math.fround(0.1),
    text: NO,
    uuid: NO,
  },
  boolean: { boolean: true, text: NO, uuid: NO },
  timestamp: {
    tinyint: 5,
    negative: -5,
    bigint: NO,
    bigintSafe: NO,
    ubigint: NO,
    milliseconds: NOON,
    seconds: NO,
    microseconds: NO,
    beforeEpoch: -1,
    decimal: NO,
    decimalWhole: 12,
    decimalLong: NO,
    double: NO,
    doubleWhole: 12,
    doubleSeconds: NO,
    doubleMilliseconds: NOON,
    doubleBig: NO,
    doubleNan: NO,
    doubleInfinite: NO,
    float: NO,
    text: NO,
    uuid: NO,
    midnight: NOON - 43_200_000,
    midnightZoned: NOON - 43_200_000,
    noon: NOON,
    nanoseconds: NOON,
    zoned: NOON,
    nearEpoch: 1_500_000_000,
    justBefore: -1,
    infinite: NO,
  },
  date: {
    text: NO,
    uuid: NO,
    date: DAY,
    dateFirst: -719_162,
    midnight: DAY,
    midnightZoned: DAY,
    noon: NO,
    nanoseconds: NO,
    zoned: NO,
    nearEpoch: NO,
    justBefore: NO,
    infinite: NO,
  },
  bytes: { text: NO, uuid: NO, blob: '/wA=' },
  'array<int>': { text: NO, uuid: NO, ints: [1, 2], hole: NO, doubles: NO, none: [], texts: NO },
  'array<double>': {
    text: NO,
    uuid: NO,
    ints: [1, 2],
    hole: NO,
    doubles: [1.5, 2],
    none: [],
    texts: NO,
  },
  'array<string>': {
    text: NO,
    uuid: NO,
    ints: ['1', '2'],
    hole: NO,
    doubles: NO,
    none: [],
    texts: ['a', ''],
  },
  'array<timestamp>': {
    text: NO,
    uuid: NO,
    ints: [1, 2],
    hole: NO,
    doubles: NO,
    none: [],
    texts: NO,
    times: [NOON + 500, -1],
  },
  'array<date>': { text: NO, uuid: NO, texts: NO, times: NO, days: [DAY] },
};

/** Texts, which mean the same as cells of a CSV file and of a text column of a Parquet file. */
const TEXTS: Readonly<Record<string, Readonly<Record<string, Meaning>>>> = {
  string: {
    x: 'x',
    '': '',
    ' 5 ': ' 5 ',
    '007': '007',
    '1E5': '1E5',
    NULL: 'NULL',
    '\uFEFFa': '\uFEFFa',
  },
  int: {
    '5': 5,
    ' 5 ': 5,
    '5.0': 5,
    '1.50e1': 15,
    '-0': 0,
    '1.5': NO,
    '1.0000000000000000000001': NO,
    '1e-400': NO,
    '05': NO,
    '+5': NO,
    '2147483648': NO,
    '': NO,
    x: NO,
    '0x1F': NO,
    '1,000': NO,
  },
  long: {
    '9007199254740991': 9007199254740991,
    '9007199254740993': NO,
    '18446744073709551615': NO,
    '0.5': NO,
  },
  float: { '0.1': Math.fround(0.1), '1e39': NO, '1,5': NO },
  double: {
    '0.1': 0.1,
    '1E5': 100_000,
    ' 1.5\t': 1.5,
    '9007199254740993': 9007199254740992,
    '.5': NO,
    '5.': NO,
    NaN: NO,
    inf: NO,
    '1e999': NO,
  },
  boolean: { true: true, FALSE: false, ' True ': true, '1': NO, yes: NO, '': NO },
  timestamp: {
    '\uFEFF2026-01-01T00:00:00Z': NO,
    '2024-02-29T12:00:00Z': NOON,
    '2024-02-29 14:00:00.000999999+02': NOON,
    '1969-12-31T23:59:59.999999Z': -1,
    '0001-01-01T00:00:00Z': -62_135_596_800_000,
    '9999-12-31T23:59:59.999Z': 253_402_300_799_999,
    '1709208000000': NOON,
    '1709208000': NO,
    '1709208000000000': NO,
    '1970-01-18T08:40:00Z': 1_500_000_000,
    '2024-02-29T12:00:00': NO,
    '2024-02-29': NO,
    '2024': NO,
    '': NO,
  },
  date: {
    '\uFEFF2026-01-01': NO,
    '2024-02-29': DAY,
    '2024-02-29 00:00:00': DAY,
    '2024-02-29T00:00:00Z': DAY,
    '2024-02-29T12:00:00Z': NO,
    '2024-02-29T00:00:00+02:00': NO,
    '2023-02-29': NO,
    '19782': NO,
    '29.02.2024': NO,
  },
  bytes: { 'aGk=': 'aGk=', '': '', aGk: NO },
  'array<int>': { '[1, 2]': [1, 2], '[]': [], '[1.5]': NO, '["1"]': NO, '1': NO, '[1': NO, '': NO },
  'array<string>': { '["a", ""]': ['a', ''], '[1]': NO, '[null]': NO },
  'array<timestamp>': { '["2024-02-29T12:00:00Z", -1]': [NOON, -1], '[1709208000]': NO },
};

const TS = `TIMESTAMPTZ '2026-01-01 00:00:00Z' AS ts, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS event_timestamp`;
let places: FilePlaces;
beforeAll(async () => {
  places = await filePlaces();
});
afterAll(() => places.close());

const refusedAs = async (code: string, work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    (result) => new Error(`taken: ${JSON.stringify(result)}`),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(MillraceError);
  expect(error).toMatchObject({ code });
  return (error as Error).message;
};

/** Each column `v0`, `v1`, … of the file's only row has the meaning, in events and as input. */
const checkRow = async (
  file: string,
  type: string,
  meanings: readonly Meaning[],
): Promise<void> => {
  const fields = Object.fromEntries(meanings.map((_, i) => [`v${i}`, `${type}?`]));
  const [event] = await publishedEvents(file, { ts: 'timestamp', ...fields });
  const read = meanings.map((_, i) => accepted(`${type}?`, event?.[`v${i}`]) ?? NO);
  expect(read).toEqual(meanings);
  const good = Object.entries(fields).filter((_, i) => meanings[i] !== NO);
  const { rows } = await spineInputs(places, file, Object.fromEntries(good));
  expect(rows).toEqual([
    Object.fromEntries(good.map(([name]) => [name, meanings[Number(name.slice(1))]])),
  ]);
  for (const [i, meaning] of meanings.entries()) {
    if (meaning !== NO) continue;
    const message = await refusedAs(
      'MR_SPINE_INVALID',
      spineInputs(places, file, { [`v${i}`]: type }),
    );
    expect(message).toMatch(`column "v${i}" of row 1 of the spine`);
  }
};

describe('a cell of a Parquet file as', () => {
  test.each(Object.entries(MEANINGS))('%s', async (type, meanings) => {
    const names = Object.keys(CELLS) as CellName[];
    const known = names.filter((name) => name in meanings);
    const file = await places.writeParquet(
      'cells.parquet',
      `SELECT ${TS}, ${known.map((name, i) => `${CELLS[name]} AS v${i}`).join(', ')}`,
    );
    await checkRow(
      file,
      type,
      known.map((name) => meanings[name] as Meaning),
    );
  });

  test('a type that fits no value of the field refuses the file, unless all cells are null', async () => {
    const names = Object.keys(CELLS) as CellName[];
    const cells = names.map(
      (name) =>
        `${CELLS[name]} AS ${name}, CASE WHEN false THEN ${CELLS[name]} END AS ${name}_null`,
    );
    const file = await places.writeParquet('types.parquet', `SELECT ${TS}, ${cells.join(', ')}`);
    const described = await places.query(`DESCRIBE SELECT * FROM '${file}'`);
    const typeOf = new Map(described.map(([name, type]) => [String(name), String(type)]));
    for (const [type, meanings] of Object.entries(MEANINGS)) {
      const fits = (name: string): boolean =>
        accepts(typeOf.get(name) as string, parseFieldType(type));
      const never = names.filter((name) => !(name in meanings));
      expect(names.filter((name) => !fits(name))).toEqual(never);
      const nulls = Object.fromEntries(never.map((name) => [`${name}_null`, null]));
      const fields = Object.fromEntries(Object.keys(nulls).map((name) => [name, `${type}?`]));
      const [event] = await publishedEvents(file, { ts: 'timestamp', ...fields });
      expect(event).toMatchObject(nulls);
      expect((await spineInputs(places, file, fields)).rows).toEqual([nulls]);
      const [first] = never as [CellName];
      const sent = publishedEvents(file, { ts: 'timestamp', [first]: `${type}?` });
      expect(await refusedAs('MR_FILE_INVALID', sent)).toMatch(
        `column "${first}" is ${typeOf.get(first)}`,
      );
      const read = spineInputs(places, file, { [first]: type });
      expect(await refusedAs('MR_SPINE_INVALID', read)).toMatch(`column "${first}" of row 1`);
    }
  });

  test('a fraction, a large number and a wrong unit keep their own digits', async () => {
    const file = await places.writeParquet(
      'digits.parquet',
      `SELECT ${TS}, ${CELLS.ubigint} AS u, ${CELLS.bigint} AS b, ${CELLS.double} AS d, ${CELLS.seconds} AS s`,
    );
    const fields = { ts: 'timestamp', u: 'long', b: 'long', d: 'int', s: 'timestamp' };
    const [event] = await publishedEvents(file, fields);
    expect(JSON.stringify(event)).toBe(
      '{"ts":1767225600000,"u":18446744073709551615,"b":9007199254740993,"d":1.5,"s":1709208000}',
    );
    const message = (input: string, type: string) =>
      refusedAs('MR_SPINE_INVALID', spineInputs(places, file, { [input]: type }));
    expect(await message('u', 'long')).toMatch('18446744073709551615');
    expect(await message('b', 'long')).toMatch('9007199254740993');
    expect(await message('s', 'timestamp')).toMatch('1709208000');
    expect(await message('s', 'timestamp')).toMatch('looks like epoch seconds');
  });
});

describe('a text as', () => {
  test.each(Object.entries(TEXTS))('%s', async (type, meanings) => {
    const texts = Object.keys(meanings);
    const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const stamp = '2026-01-01T00:00:00Z';
    const csv = places.write(
      'texts.csv',
      `ts,event_timestamp,${texts.map((_, i) => `v${i}`).join(',')}\n${stamp},${stamp},${texts.map(quote).join(',')}\n`,
    );
    const literals = texts.map((text, i) => `'${text.replaceAll("'", "''")}' AS v${i}`);
    const parquet = await places.writeParquet(
      'texts.parquet',
      `SELECT ${TS}, ${literals.join(', ')}`,
    );
    const values = texts.map((text) => meanings[text] as Meaning);
    await checkRow(csv, type, values);
    await checkRow(parquet, type, values);
  });

  test('an empty cell is null, and an empty text where a text may not be null', async () => {
    const file = places.write('empty.csv', 'ts,s,t,n\n2026-01-01T00:00:00Z,,,\n');
    const fields = { ts: 'timestamp', s: 'string', t: 'string?', n: 'int?' };
    expect(await publishedEvents(file, fields)).toEqual([
      { ts: '2026-01-01T00:00:00Z', s: '', t: null, n: null },
    ]);
  });
});

test('the matrix has every base type', () => {
  const types: readonly ScalarType[] = [
    'string',
    'int',
    'long',
    'float',
    'double',
    'boolean',
    'timestamp',
    'date',
    'bytes',
  ];
  for (const type of types) expect([type in MEANINGS, type in TEXTS]).toEqual([true, true]);
});

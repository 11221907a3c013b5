/**
 * An event becomes either a row that the log returns bit for bit, or a refusal with its reason.
 */
import avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { source } from '#domain/definitions/index.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { formatDate, MAX_DATE, MIN_DATE } from '#domain/values/date.ts';
import { formatTime, looksLikeSeconds, MAX_TIME, MIN_TIME } from '#domain/values/time.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { rawCodec } from './raw-codec.ts';
import { EARLIEST } from './refusal.ts';
import { sourceRevision } from './source-revision.ts';
import { rawAvroSchema } from './source-schema.ts';
import { compileValidator } from './validate-event.ts';

const NOW = Date.UTC(2026, 0, 31);
const everything = source({
  name: 'everything',
  fields: {
    at: 'timestamp',
    s: 'string',
    i: 'int',
    l: 'long',
    f: 'float',
    d: 'double',
    b: 'boolean',
    day: 'date',
    raw: 'bytes',
    ns: 'string?',
    nd: 'double?',
    nt: 'timestamp?',
    list: 'array<long>',
    words: 'array<string>?',
    constructor: 'int?',
  },
  eventTime: 'at',
  eventId: 's',
});

const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const double = fc.double({ noDefaultInfinity: true, noNaN: true }).map((n) => n + 0);
const long = fc.maxSafeInteger();
const fields = {
  at: fc.integer({ min: EARLIEST, max: NOW + 86_400_000 }),
  s: text,
  i: fc.integer(),
  l: long,
  f: fc.float({ noDefaultInfinity: true, noNaN: true }).map((n) => n + 0),
  d: double,
  b: fc.boolean(),
  day: fc.integer({ min: MIN_DATE, max: MAX_DATE }),
  raw: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  ns: fc.option(text),
  nd: fc.option(double),
  nt: fc.option(fc.integer({ min: MIN_TIME, max: MAX_TIME })),
  list: fc.array(long, { maxLength: 5 }),
  words: fc.option(fc.array(text, { maxLength: 5 })),
  constructor: fc.option(fc.integer()),
};
/** A number that looks like seconds is only accepted as text. */
const asSent = (time: Value | undefined): unknown =>
  typeof time === 'number' && looksLikeSeconds(time) ? formatTime(time) : time;
const rows = fc.record(fields) as unknown as fc.Arbitrary<Row>;
const validate = compileValidator(everything);
const codec = rawCodec(everything);

describe('a row', () => {
  it('is accepted with times in both forms, and nulls may be left out', () => {
    fc.assert(
      fc.property(rows, fc.boolean(), (row, sparse) => {
        const sent: Record<string, unknown> = {
          ...row,
          at: formatTime(row.at as number),
          day: formatDate(row.day as number),
        };
        if (row.nt !== null) sent.nt = formatTime(row.nt as number);
        if (sparse) for (const key of Object.keys(sent)) if (sent[key] === null) delete sent[key];
        const expected = { ok: true, row, eventTime: row.at, id: row.s };
        expect(validate({ ...row, at: asSent(row.at), nt: asSent(row.nt) }, NOW)).toEqual(expected);
        const result = validate(sent, NOW);
        expect(result).toEqual(expected);
        expect(Object.keys((result as { row: Row }).row)).toEqual(Object.keys(everything.fields));
      }),
    );
  });

  it('is decoded from its bytes, plain and in field order', () => {
    fc.assert(
      fc.property(
        rows,
        (row) => void expect(codec.decode(codec.encode(row))).toStrictEqual({ ...row }),
      ),
    );
  });

  it('has the bytes that avsc writes', () => {
    const type = avsc.Type.forSchema(rawAvroSchema(everything) as avsc.Schema);
    const safe = (n: unknown) => typeof n !== 'number' || Math.abs(n) < 2 ** 52;
    fc.assert(
      fc.property(rows, (row) => {
        fc.pre(safe(row.l) && (row.list as number[]).every(safe));
        expect(
          Buffer.from(codec.encode(row)).equals(
            type.toBuffer({ ...row, raw: Buffer.from(row.raw as string, 'base64') }),
          ),
        ).toBe(true);
      }),
    );
  });

  it('truncated at any byte is refused, not read as another row', () => {
    const bytes = codec.encode(fc.sample(rows, { numRuns: 1, seed: 7 })[0] as Row);
    for (let n = 0; n < bytes.length; n++)
      expect(() => codec.decode(bytes.subarray(0, n))).toThrow(
        expect.objectContaining({ code: 'MR_STORAGE_FAILED' }),
      );
  });
});

it('a float is rounded on publish, so that live and replayed rows are equal', () => {
  const def = source({
    name: 'floats',
    fields: { at: 'timestamp', f: 'float', all: 'array<float>' },
    eventTime: 'at',
  });
  const result = compileValidator(def)({ at: NOW, f: 0.1, all: [0.1, -0] }, NOW);
  expect(result).toEqual({
    ok: true,
    row: { at: NOW, f: Math.fround(0.1), all: [Math.fround(0.1), 0] },
    eventTime: NOW,
    id: null,
  });
  const { row } = result as { row: Row };
  expect(rawCodec(def).decode(rawCodec(def).encode(row))).toStrictEqual(row);
});

describe('a refusal names the source, the field, the value and the fix', () => {
  const good: Row = {
    at: NOW,
    s: 'x',
    i: 1,
    l: 1,
    f: 1,
    d: 1,
    b: true,
    day: 1,
    raw: '',
    ns: null,
    nd: null,
    nt: null,
    list: [],
    words: null,
    constructor: null,
  };
  it.each<[string, unknown, string, RegExp]>([
    [
      's',
      undefined,
      'MR_FIELD_MISSING',
      /everything\.s: the field is missing; send a string.*string\?/,
    ],
    ['s', null, 'MR_FIELD_MISSING', /null, but not nullable/],
    ['s', 5, 'MR_FIELD_TYPE', /got 5/],
    ['s', '\ud800', 'MR_FIELD_TYPE', /well-formed/],
    ['i', '5', 'MR_FIELD_TYPE', /got "5"/],
    ['i', 1.5, 'MR_FIELD_TYPE', /1\.5/],
    ['i', 2 ** 31, 'MR_FIELD_RANGE', /2147483648.*declare the field long/],
    ['l', 2 ** 53, 'MR_FIELD_RANGE', /send ids as a string/],
    ['f', 1e39, 'MR_FIELD_RANGE', /1e\+39/],
    ['d', Number.NaN, 'MR_FIELD_NOT_FINITE', /NaN/],
    ['d', 'Infinity', 'MR_FIELD_NOT_FINITE', /"Infinity"/],
    ['nd', 'NaN', 'MR_FIELD_NOT_FINITE', /or null/],
    ['nd', '5', 'MR_FIELD_TYPE', /got "5"/],
    ['b', 1, 'MR_FIELD_TYPE', /true or false/],
    ['day', '2026-02-30', 'MR_TIME_INVALID', /2026-02-30/],
    ['raw', 'QR==', 'MR_FIELD_TYPE', /base64/],
    ['list', [1, null], 'MR_FIELD_MISSING', /list/],
    ['list', [1, 'x'], 'MR_FIELD_TYPE', /"x"/],
    ['list', 1, 'MR_FIELD_TYPE', /must be a list/],
    ['at', undefined, 'MR_EVENT_TIME_MISSING', /at: the event time is missing/],
    ['at', null, 'MR_EVENT_TIME_MISSING', /is null/],
    ['at', '2026-01-01T00:00:00', 'MR_TIME_INVALID', /no zone/],
    [
      'at',
      EARLIEST - 1,
      'MR_EVENT_TIME_ABSURD',
      /1899-12-31T23:59:59.999Z is before the year 1900/,
    ],
    ['at', NOW + 86_400_001, 'MR_EVENT_TIME_ABSURD', /more than a day past now/],
    ['constructor', 'x', 'MR_FIELD_TYPE', /constructor/],
    ['extra', 1, 'MR_FIELD_UNKNOWN', /everything\.extra: the source has no such field \(value 1\)/],
    ['__proto_', {}, 'MR_FIELD_UNKNOWN', /no such field/],
  ])('%s = %j → %s', (field, value, code, message) => {
    const event = { ...good, [field]: value };
    expect(validate(event, NOW)).toMatchObject({
      ok: false,
      code,
      field,
      message: expect.stringMatching(message),
    });
  });

  it.each([null, 5, 'x', [[]]])('an event that is %j', (event) => {
    expect(validate(event, NOW)).toMatchObject({ ok: false, code: 'MR_FIELD_TYPE', field: null });
  });

  it('treats an undefined field as missing', () =>
    expect(validate({ ...good, ns: undefined, later: undefined }, NOW)).toMatchObject({
      code: 'MR_FIELD_UNKNOWN',
    }));
});

describe('a revision', () => {
  const before = source({
    name: 'a',
    fields: { at: 'timestamp', n: 'int', m: 'long', s: 'string' },
    eventTime: 'at',
  });
  it('that widens, relaxes and adds reads earlier records', () => {
    const after = source({
      name: 'a',
      fields: { at: 'timestamp', extra: 'array<string>?', n: 'double?', m: 'double', s: 'string?' },
      eventTime: 'at',
    });
    expect(sourceRevision(before, after).map((c) => [c.path, c.compatible])).toEqual([
      ['fields.n', true],
      ['fields.m', true],
      ['fields.s', true],
      ['fields.extra', true],
    ]);
    const bytes = rawCodec(before).encode({ at: NOW, n: 3, m: -(2 ** 53 - 1), s: 'é' });
    expect(rawCodec(after, rawAvroSchema(before)).decode(bytes)).toStrictEqual({
      at: NOW,
      extra: null,
      n: 3,
      m: -(2 ** 53 - 1),
      s: 'é',
    });
  });

  it('that drops, narrows, requires or changes the event time is not compatible', () => {
    const after = source({
      name: 'a',
      fields: { at2: 'timestamp', at: 'timestamp', n: 'string', m: 'int' },
      eventTime: 'at2',
    });
    expect(sourceRevision(before, after).map((c) => [c.path, c.compatible])).toEqual([
      ['fields.n', false],
      ['fields.m', false],
      ['fields.s', false],
      ['fields.at2', false],
      ['eventTime', false],
    ]);
  });

  it('may add a known time with its field, and never changes it', () => {
    const fields = { at: 'timestamp', old: 'timestamp?', known: 'timestamp?' } as const;
    const plain = source({
      name: 'a',
      fields: { at: 'timestamp', old: 'timestamp?' },
      eventTime: 'at',
    });
    const of = (knownTime: 'old' | 'known') =>
      source({ name: 'a', fields, eventTime: 'at', knownTime });
    const without = source({ name: 'a', fields, eventTime: 'at' });
    const revised = (from: SourceDefinition, to: SourceDefinition) =>
      sourceRevision(from, to)
        .filter(({ path }) => path === 'knownTime')
        .map(({ compatible }) => compatible);
    expect(revised(plain, of('known'))).toEqual([true]);
    expect(revised(plain, of('old'))).toEqual([false]);
    expect(revised(without, of('known'))).toEqual([false]);
    expect(revised(of('known'), of('old'))).toEqual([false]);
    expect(revised(of('known'), without)).toEqual([false]);
    expect(revised(of('known'), of('known'))).toEqual([]);
  });
});

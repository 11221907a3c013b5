/**
 * Every text form of a value reads back as the same value, and a time without a zone is refused.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDate, MAX_DATE, MIN_DATE, parseDate } from './date.ts';
import { durationText, formatDuration, MAX_DURATION_MS, parseDuration } from './duration.ts';
import { parseExactJson } from './exact-json.ts';
import { formatFieldType, parseFieldType, SCALAR_TYPES } from './field-type.ts';
import { readScalar } from './read-value.ts';
import { jsonOfText, scalarOfText } from './scalar-of-text.ts';
import { formatTime, MAX_TIME, MIN_TIME, parseTime } from './time.ts';

describe('parse inverts format', () => {
  it('for durations', () => {
    fc.assert(
      fc.property(
        fc.nat(MAX_DURATION_MS),
        (ms) => void expect(parseDuration(formatDuration(ms))).toBe(ms),
      ),
    );
    expect([1, 1000, 90_000, 3_600_000, 604_800_000].map(formatDuration)).toEqual([
      '1ms',
      '1s',
      '90s',
      '1h',
      '7d',
    ]);
  });

  it('for times in any zone', () => {
    const time = fc.integer({ min: MIN_TIME, max: MAX_TIME });
    fc.assert(fc.property(time, (ms) => void expect(parseTime(formatTime(ms))).toBe(ms)));
    fc.assert(
      fc.property(
        fc.integer({ min: MIN_TIME + 86_400_000, max: MAX_TIME - 86_400_000 }),
        fc.integer({ min: -1439, max: 1439 }),
        (ms, zone) => {
          const local = formatTime(ms + zone * 60_000).slice(0, -1);
          const offset = `${zone < 0 ? '-' : '+'}${String(Math.trunc(Math.abs(zone) / 60)).padStart(2, '0')}:${String(Math.abs(zone) % 60).padStart(2, '0')}`;
          expect(parseTime(local + offset)).toBe(ms);
        },
      ),
    );
  });

  it('for dates', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: MIN_DATE, max: MAX_DATE }),
        (days) => void expect(parseDate(formatDate(days))).toBe(days),
      ),
    );
  });

  it('for field types', () => {
    for (const base of SCALAR_TYPES)
      for (const array of [false, true])
        for (const nullable of [false, true]) {
          const type = { base, array, nullable };
          expect(parseFieldType(formatFieldType(type))).toEqual(type);
        }
  });
});

describe('times', () => {
  it.each([
    ['2026-01-31T12:00:00Z', Date.UTC(2026, 0, 31, 12)],
    ['2026-01-31T12:00:00.5Z', Date.UTC(2026, 0, 31, 12, 0, 0, 500)],
    ['2026-01-31T12:00:00.123999Z', Date.UTC(2026, 0, 31, 12, 0, 0, 123)],
    ['2026-01-31 12:00+01:30', Date.UTC(2026, 0, 31, 10, 30)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['1700000000000', 1_700_000_000_000],
    ['-123456789', -123_456_789],
    ['0', 0],
    [0, 0],
  ])('%s is read', (text, ms) => expect(parseTime(text)).toBe(ms));

  it.each([
    '2026-01-31T12:00:00',
    '2026-01-31',
    '20260131',
    '2026',
    '12345',
    '-1',
    '1700000000',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:60:00Z',
    '2026-01-31T12:00:00+25:00',
    '2026-01-3xT12:00:00Z',
    'yesterday',
    '',
    1.5,
    Number.NaN,
    8.64e15,
  ])('%s is refused, and named', (text) => {
    expect(() => parseTime(text)).toThrow(
      expect.objectContaining({
        code: 'MR_TIME_INVALID',
        message: expect.stringContaining(
          typeof text === 'string' ? JSON.stringify(text) : String(text),
        ),
      }),
    );
  });

  it('text means the same time in a request, a cell and an argument', () => {
    const digits = fc.stringMatching(/^-?\d{1,20}$/);
    fc.assert(
      fc.property(fc.oneof(digits, fc.constantFrom('0', '-0', '2026', '20260131')), (text) => {
        let time: number | undefined;
        try {
          time = parseTime(text);
        } catch {
          time = undefined;
        }
        expect(scalarOfText('timestamp', text)).toBe(time);
        // A cell is sent as this JSON: it must be JSON, and mean the same.
        for (const type of SCALAR_TYPES)
          expect(readScalar(type, parseExactJson(jsonOfText(type, text)))).toBe(
            scalarOfText(type, text),
          );
      }),
    );
  });

  it('names the missing zone', () =>
    expect(() => parseTime('2026-01-31T12:00:00')).toThrow(/has no zone/));
});

it('a duration for reading has at most three units, and is at most one of the last too short', () => {
  const texts = {
    0: '0ms',
    250: '250ms',
    12340: '12.3s',
    [54 * 60_000 + 3_000]: '54m 3s',
    [3_600_000]: '1h',
    [2 * 86_400_000 + 10 * 3_600_000 + 54 * 60_000 + 1_000]: '2d 10h 54m',
    [86_400_000 + 5_000]: '1d',
  };
  for (const [ms, text] of Object.entries(texts)) expect(durationText(Number(ms))).toBe(text);
  const size = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };
  fc.assert(
    fc.property(fc.integer({ min: 60_000, max: MAX_DURATION_MS }), (ms) => {
      const parts = durationText(ms).split(' ');
      const total = parts
        .map((part) => Number(part.slice(0, -1)) * size[part.slice(-1) as keyof typeof size])
        .reduce((a, b) => a + b);
      const smallest = ms >= size.d ? size.m : size.s;
      expect(parts.length).toBeLessThanOrEqual(3);
      expect(ms - total).toBeGreaterThanOrEqual(0);
      expect(ms - total).toBeLessThan(smallest);
    }),
  );
});

it.each(['', '5', '5 m', '-1s', '1.5h', '1w', '99999999d'])('%j is not a duration', (text) => {
  expect(() => parseDuration(text)).toThrow(
    expect.objectContaining({ code: 'MR_DURATION_INVALID' }),
  );
});

it.each([
  '',
  'text',
  'double??',
  'array<double',
  'double>',
  'array<array<int>>',
  'array<int?>',
  'Double',
])('%j is no field type', (text) => {
  expect(() => parseFieldType(text)).toThrow(
    expect.objectContaining({ code: 'MR_DEFINITION_INVALID' }),
  );
});

it.each(['2026-02-29', '2026-00-10', '2026-1-1', '2026-01-00', '2026-01-32'])(
  '%s is no date',
  (text) => {
    expect(() => parseDate(text)).toThrow(expect.objectContaining({ code: 'MR_TIME_INVALID' }));
  },
);

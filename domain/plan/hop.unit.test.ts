import { expect, test } from 'vitest';
import { parseDuration } from '#domain/values/duration.ts';
import { hopOf } from './hop.ts';

test.each([
  ['30d', 86_400_000],
  ['7d', 3_600_000],
  ['23d', 3_600_000],
  ['1d', 3_600_000],
  ['1h', 120_000],
  ['30m', 60_000],
  ['24s', 1000],
  ['10s', 400],
  ['1s', 40],
  ['25ms', 1],
  ['7ms', 1],
  ['25001s', 1_000_040],
  ['100000007ms', 100_000_007],
])('the default hop of a window of %s', (window, hop) => {
  expect(hopOf('f', window, undefined)).toBe(hop);
});

test('every default hop divides its window into at most the maximum number of tiles', () => {
  for (let n = 1; n < 3000; n++) {
    for (const unit of ['ms', 's', 'm', 'h']) {
      const windowMs = parseDuration(`${n}${unit}`);
      const hop = hopOf('f', `${n}${unit}`, undefined);
      expect(windowMs % hop).toBe(0);
      expect(windowMs / hop).toBeLessThanOrEqual(10_000);
    }
  }
});

test('all time has one tile, and accepts no hop', () => {
  expect(hopOf('f', undefined, undefined)).toBe(0);
  expect(() => hopOf('f', undefined, '1h')).toThrow(
    expect.objectContaining({ code: 'MR_HOP_INVALID' }),
  );
});

test('a hop of the definition must divide the window into at most 10,000 tiles', () => {
  expect(hopOf('f', '1d', '1h')).toBe(3_600_000);
  expect(hopOf('f', '10s', '1ms')).toBe(1);
  for (const [window, hop] of [
    ['1d', '7h'],
    ['1h', '2h'],
    ['1h', '0s'],
    ['11s', '1ms'],
  ] as const) {
    expect(() => hopOf('f', window, hop)).toThrow(
      expect.objectContaining({ code: 'MR_HOP_INVALID' }),
    );
  }
  expect(() => hopOf('f', '0s', undefined)).toThrow(
    expect.objectContaining({ code: 'MR_DEFINITION_INVALID' }),
  );
});

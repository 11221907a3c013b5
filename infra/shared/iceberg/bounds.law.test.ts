/**
 * A bound, truncated or not, is never on the wrong side of a value. Otherwise a file that has the
 * value would be skipped.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeBound, encodeBound } from './bounds.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }).filter((s) => s.isWellFormed()),
);

it('a string lies between its own bounds, in the order of UTF-8 bytes, and bounds are short', () => {
  fc.assert(
    fc.property(text, (value) => {
      const bytes = Buffer.from(value);
      const low = encodeBound('string', value, false) as Buffer;
      const high = encodeBound('string', value, true);
      expect(Buffer.compare(low, bytes)).toBeLessThanOrEqual(0);
      if (high !== null) expect(Buffer.compare(high, bytes)).toBeGreaterThanOrEqual(0);
      expect(Array.from(String(low)).length).toBeLessThanOrEqual(16);
    }),
    { numRuns: 300 },
  );
});

it('gives no upper bound if none is short enough', () => {
  expect(encodeBound('string', '\u{10ffff}'.repeat(20), true)).toBeNull();
  expect(String(encodeBound('string', `${'a'.repeat(15)}\u{10ffff}b`, true))).toBe(
    `${'a'.repeat(14)}b`,
  );
  expect(String(encodeBound('string', `${'a'.repeat(15)}\ud7ffb`, true))).toBe(
    `${'a'.repeat(15)}\ue000`,
  );
});

it.each([
  ['int', '-7', -7],
  ['long', '9007199254740991', 2 ** 53 - 1],
  ['double', '-0.1', -0.1],
  ['float', '0.5', 0.5],
  ['date', '-1', -1],
  ['date', '-719529', -719_529],
  ['timestamptz', '-1', -1],
  ['timestamptz', '-62135683200000001', -62_135_683_200_001],
  ['timestamptz', '253402300799999999', 253_402_300_799_999],
])('reads a bound of %s back', (type, written, value) => {
  expect(decodeBound(type, encodeBound(type, written, false) as Buffer)).toBe(value);
});

it('reads the bounds of files from before a column was widened', () => {
  expect(decodeBound('long', encodeBound('int', '-7', false) as Buffer)).toBe(-7);
  expect(decodeBound('double', encodeBound('float', '0.5', false) as Buffer)).toBe(0.5);
});

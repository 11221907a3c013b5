/** Cells that are written from their bytes are the JSON that `cellJson` makes of their texts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellJson } from '#domain/files/file-cell.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { ScalarType } from '#domain/values/value.ts';
import { cellPutter } from './event-bytes.ts';

const BASES: readonly ScalarType[] = [
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
const part = fc.constantFrom(
  ...['0', '1', '90', '-', '.', '.5', 'e', 'E+7', ' ', 'x', '"', '\\', '\n', '\u007f', 'é', '😀'],
  ...['2026-01-31', 'T12:00:00Z', '1767225600000', 'true', '[1]', '\u2028', '\uFEFF', '\u001f'],
);
const text = fc.oneof(
  fc.array(part, { maxLength: 4 }).map((parts) => parts.join('')),
  fc.double().map(String),
  fc.integer().map(String),
  fc.constantFrom('1767225600000', '-1767225600000', '2026-01-31T12:00:00Z'),
  fc.string({ unit: 'binary', maxLength: 8 }),
);

test('as cellJson, or nothing', () => {
  const written = new Set<ScalarType>();
  fc.assert(
    fc.property(text, fc.constantFrom(...BASES), fc.boolean(), (cell, base, array) => {
      const type = { ...fieldType(base), array };
      const bytes = Buffer.from(`<${cell}>`);
      const out = { bytes: Buffer.alloc(3 + bytes.length), at: 1, ascii: true };
      const put = cellPutter(type)(out, bytes, 1, bytes.length - 1);
      if (put) written.add(base);
      expect(out.bytes.toString('utf8', 1, out.at)).toBe(put ? cellJson(type, cell) : '');
    }),
    { numRuns: 4_000 },
  );
  expect(written).toContain('timestamp');
  expect(written).toContain('double');
  expect(written).toContain('string');
});

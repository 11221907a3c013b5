import { expect, test } from 'vitest';
import type { DataFile, ManifestEntry } from './manifest.ts';
import { withoutBounds } from './without-bounds.ts';

const entry = (low: string | null, high: string | null, nulls = 0): ManifestEntry => {
  const bound = (text: string | null): DataFile['lower_bounds'] =>
    text === null ? null : [{ key: 3, value: Buffer.from(text) }];
  return {
    data_file: {
      lower_bounds: bound(low),
      upper_bounds: bound(high),
      null_value_counts: [{ key: 3, value: nulls }],
      record_count: 5,
    } as unknown as DataFile,
  } as ManifestEntry;
};
const fields = [
  { id: 2, name: 'n', type: 'long', required: false },
  { id: 3, name: 'text', type: 'string', required: false },
] as const;

test.each([
  ['bounds in every file', [entry('a', 'b'), entry('', 'é')], []],
  ['a file of nulls only', [entry('a', 'b'), entry(null, null, 5)], []],
  ['a file without bounds', [entry('a', 'b'), entry(null, null, 2)], ['text']],
  ['no upper bound', [entry('a', null)], ['text']],
  ['a byte order mark', [entry('a', '\uFEFFb'), entry('a', 'b')], ['text']],
  ['a byte order mark in the least value', [entry('\uFEFF', '\u{1F600}')], ['text']],
])('%s', (_, entries, expected) => {
  expect([...withoutBounds(fields, entries)]).toEqual(expected);
});

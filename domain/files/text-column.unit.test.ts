/** A column of texts is typed only if its values say all that its texts say. */
import { expect, test } from 'vitest';
import { csvReader } from './csv-reader.ts';
import { textColumn } from './text-column.ts';
import { utf8Text } from './utf8-text.ts';

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const fail = (_: number, what: string): never => {
  throw new Error(what);
};

test.each([
  [['1', '-20', '0', '123456789012345678'], 'long'],
  [['1', '2.5'], 'double'],
  [['1.0', '2.5', '-0.25'], 'double'],
  [['0.0000001', '123456789012.5'], 'double'],
  [['0.30000000000000004', '1e+21'], 'double'],
  [['-1.7976931348623157e+308', '5e-324'], 'double'],
  [['true', 'false'], 'boolean'],
  [['2024-02-29', '0001-01-01', '9999-12-31'], 'date'],
  [[], 'string'],
  [['1', '1.0'], 'string'],
  [['1.10', '1.9'], 'string'],
  [['.5'], 'string'],
  [['1.'], 'string'],
  [['1E5'], 'string'],
  [['-0'], 'string'],
  [['-0.0'], 'string'],
  [['+1'], 'string'],
  [['007'], 'string'],
  [['0x1F'], 'string'],
  [[' 1'], 'string'],
  [['1 '], 'string'],
  [[''], 'string'],
  [['NaN'], 'string'],
  [['Infinity'], 'string'],
  [['1e999'], 'string'],
  [['1234567890123456789'], 'string'],
  [['1234567890123456', '1.5'], 'string'],
  [['0.123456789012345678'], 'string'],
  [['true', 'TRUE'], 'string'],
  [['1', 'true'], 'string'],
  [['2023-02-29'], 'string'],
  [['0000-01-01'], 'string'],
  [['"1"'], 'string'],
  [['é', '1'], 'string'],
  [['2024-02-29', '2024-02-29T00:00:00Z'], 'string'],
])('%j are %s', (texts, type) => {
  const column = textColumn();
  const cells = texts.map((text) => (text === '' || /[",]/.test(text) ? quoted(text) : text));
  const piece = utf8Text(fail).push(Buffer.from(cells.map((cell) => `${cell}\n`).join('')));
  const block = csvReader(',', fail).push(piece);
  for (let cell = 0; cell < block.rows; cell++) column.add(block, cell);
  expect(column.type()).toBe(type);
});

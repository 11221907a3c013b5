import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stackAddresses } from './addresses.ts';
import { readAddresses } from './read-addresses.ts';

const defaults = stackAddresses('/somewhere');
const read = (content: string) => {
  const file = join(mkdtempSync(join(tmpdir(), 'addresses-')), 'stack.json');
  writeFileSync(file, content);
  return readAddresses(file, defaults);
};

test('given addresses replace the defaults, the others stay', () => {
  expect(read('{}')).toEqual(defaults);
  expect(read('{"kafka": "k1:9092", "mysql": {"host": "db", "password": "x"}}')).toEqual({
    ...defaults,
    kafka: 'k1:9092',
    mysql: { ...defaults.mysql, host: 'db', password: 'x' },
  });
  expect(read(JSON.stringify(defaults))).toEqual(defaults);
});

test.each([
  ['{"kafak": "k1:9092"}', /no address "kafak": there are kafka, /],
  ['{"mysql": {"port": "3306"}}', /mysql.port must be a number, is "3306"/],
  ['{"redis": "r1:6379"}', /redis must be an object, is "r1:6379"/],
  ['{"kafka": ""}', /kafka must be a string, is ""/],
  ['[]', /the file must be an object/],
  ['{', /can't be read as JSON/],
])('%s is refused', (content, message) => expect(() => read(content)).toThrow(message));

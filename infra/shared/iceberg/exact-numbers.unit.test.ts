import { expect, test } from 'vitest';
import { digitsOf, parseExact } from './exact-numbers.ts';

test('whole numbers of 64 bits are written as they were read', () => {
  const text = '{"a":[9007199254740993,-9223372036854775808],"b":1,"c":"9007199254740993","d":0.5}';
  expect(JSON.stringify(parseExact(text))).toBe(text);
});

test('digits of large and small numbers', () => {
  const { id, small } = parseExact('{"id":6917529027641081857,"small":7}') as Record<
    string,
    unknown
  >;
  expect([digitsOf(id), digitsOf(small)]).toEqual(['6917529027641081857', '7']);
});

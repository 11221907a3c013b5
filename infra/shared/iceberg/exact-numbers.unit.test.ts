import { expect, test } from 'vitest';
import { parseExact, stringifyExact } from './exact-numbers.ts';

test('numbers of 64 bits are written as they were read', () => {
  const text =
    '{"snapshot-id":9223372036854775807,"a":[9007199254740993,-9223372036854775808],"b":1,"c":"9007199254740993","d":0.5}';
  expect(stringifyExact(parseExact(text))).toBe(text);
});

test('snapshot ids are bigints, large and small', () => {
  const ids = '{"snapshot-id":6917529027641081857,"current-snapshot-id":-1,"parent-snapshot-id":7}';
  expect(parseExact(ids)).toEqual({
    'snapshot-id': 6_917_529_027_641_081_857n,
    'current-snapshot-id': -1n,
    'parent-snapshot-id': 7n,
  });
  expect(parseExact('{"properties":{"snapshot-id":"7"}}')).toEqual({
    properties: { 'snapshot-id': '7' },
  });
});

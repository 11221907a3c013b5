import { expect, test } from 'vitest';
import { keepLogOf } from './keep-log-option.ts';

test('a duration of at least a minute, or all', () => {
  expect(['1m', '24h', '400d', 'all'].map(keepLogOf)).toEqual([
    60_000,
    86_400_000,
    400 * 86_400_000,
    null,
  ]);
});

test('anything else is refused, with what to write', () => {
  for (const text of ['59s', '0ms']) expect(() => keepLogOf(text)).toThrow('at least 1m');
  for (const text of ['', '0', '24', 'never', '-1h'])
    expect(() => keepLogOf(text)).toThrow('--keep-log: ');
});

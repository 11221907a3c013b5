import { expect, test } from 'vitest';
import { nextSequence } from '#domain/events/producer-sequence.ts';

const batch = (sequence: number, count: number) => ({ id: 'p', topic: 't', sequence, count });

test('a batch that starts at the expected number moves it past its records', () => {
  expect(nextSequence(batch(0, 3), 0)).toBe(3);
  expect(nextSequence(batch(7, 1), 7)).toBe(8);
  expect(nextSequence(batch(7, 0), 7)).toBe(7);
});

test('a batch whose records were all taken before is a duplicate', () => {
  expect(nextSequence(batch(0, 3), 3)).toBe('duplicate');
  expect(nextSequence(batch(0, 3), 9)).toBe('duplicate');
  expect(nextSequence(batch(2, 0), 3)).toBe('duplicate');
});

test('a gap, or a batch that was taken only in part, is refused and names the expected number', () => {
  for (const [sequence, count, expected] of [
    [4, 1, 3],
    [2, 2, 3],
    [0, 9, 3],
  ] as const)
    expect(() => nextSequence(batch(sequence, count), expected)).toThrow(
      expect.objectContaining({
        code: 'MR_PRODUCER_SEQUENCE',
        details: { producer: 'p', topic: 't', expected, sequence },
      }),
    );
});

/** Numbers and texts in fewer bytes are the same numbers and texts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { distinctTexts, smallNumbers } from './compact.ts';
import { LENGTH_BYTES, plainStarts } from './plain.ts';

const MOST = Number.MAX_SAFE_INTEGER;
const number = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: -70_000, max: 70_000 }),
  fc.integer({ min: 0, max: 2 ** 32 }).map((n) => (n - 5) * 1000),
  fc.constantFrom(-MOST, MOST),
);

test('numbers', () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 1 }), fc.boolean(), (numbers, inMicros) => {
      const small = smallNumbers(Float64Array.from(numbers), inMicros);
      const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
      if (small === null) {
        expect(high - low).toBeGreaterThanOrEqual(2 ** 31 - 1);
        return;
      }
      const { values, scale } = small;
      expect(Array.from(values, (n) => scale.base + scale.unit * n)).toEqual(numbers);
    }),
    { numRuns: 500 },
  );
});

test('times of whole milliseconds take four bytes or fewer', () => {
  const day = Float64Array.from(
    { length: 100 },
    (_, i) => (1_700_000_000_000 + i * 860_000) * 1000,
  );
  expect(smallNumbers(day, true)?.scale.unit).toBe(1000);
  expect(smallNumbers(day, true)?.values.BYTES_PER_ELEMENT).toBe(4);
  expect(smallNumbers(day, false)).toBeNull();
});

test('what is not exact, or far apart, is left alone', () => {
  for (const numbers of [[MOST + 1], [0, MOST + 1], [-MOST, MOST]])
    expect(smallNumbers(Float64Array.from(numbers), false)).toBeNull();
});

/** The plain page of these texts, after some other bytes. */
const pageOf = (texts: readonly string[], before: number) => {
  const parts = texts.flatMap((text) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(Buffer.byteLength(text));
    return [length, Buffer.from(text)];
  });
  const body = Buffer.concat([Buffer.alloc(before, 7), ...parts]);
  return { body, starts: plainStarts(body, before, texts.length) };
};

test('texts', () => {
  const runs = fc.array(fc.tuple(fc.constantFrom('', 'a', 'aa', 'ab', 'é'), fc.nat({ max: 6 })));
  fc.assert(
    fc.property(runs, fc.nat({ max: 3 }), (some, before) => {
      const texts = some.flatMap(([text, times]) => Array<string>(times).fill(text));
      const distinct = distinctTexts(pageOf(texts, before));
      const changes = texts.filter((text, i) => text !== texts[i - 1]).length;
      if (distinct === null) {
        expect(changes).toBeGreaterThan(texts.length * 0.75 - 1);
        return;
      }
      const { body, starts, codes } = distinct;
      expect(starts.length - 1).toBe(changes);
      const textOf = (code: number) =>
        body.toString('utf8', starts[code], (starts[code + 1] as number) - LENGTH_BYTES);
      expect(Array.from(codes, textOf)).toEqual(texts);
    }),
    { numRuns: 500 },
  );
});

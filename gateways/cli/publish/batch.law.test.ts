/** Events written as bytes are grouped as events that are texts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { putRaw } from '#gateways/http/json-bytes.ts';
import { type Batch, bodyText, createBatcher, createByteBatcher } from './batch.ts';

const grouped = (
  events: readonly string[],
  add: (event: string) => Batch | null,
  rest: () => Batch | null,
): readonly Batch[] => [...events.map(add), rest()].filter((batch) => batch !== null);

const both = (from: number, events: readonly string[]): readonly (readonly Batch[])[] => {
  const [texts, bytes] = [createBatcher(from), createByteBatcher(from)];
  return [
    grouped(events, texts.add, texts.rest),
    grouped(events, (event) => bytes.add((out) => putRaw(out, event)), bytes.rest),
  ];
};

const plain = (batch: Batch) => ({ ...batch, body: bodyText(batch) });

test('the same events, numbers and counts', () => {
  const event = fc.string({ unit: 'grapheme', maxLength: 9 }).map((text) => JSON.stringify(text));
  fc.assert(
    fc.property(fc.nat(), fc.array(event), fc.constantFrom(1, 700), (from, some, times) => {
      const events = Array.from({ length: times }, () => some).flat();
      const [texts, bytes] = both(from, events) as [readonly Batch[], readonly Batch[]];
      expect(bytes.map(plain)).toEqual(texts.map(plain));
    }),
    { numRuns: 50 },
  );
});

test('a batch has at most 4 MB, unless one event is longer', () => {
  const sizes = [3_000_000, 900_000, 200_000, 5_000_000, 10];
  const events = sizes.map((size) => JSON.stringify('x'.repeat(size)));
  const [texts, bytes] = both(7, events) as [readonly Batch[], readonly Batch[]];
  expect(bytes.map(({ count }) => count)).toEqual([2, 1, 1, 1]);
  expect(bytes.map(({ sequence }) => sequence)).toEqual([7, 9, 10, 11]);
  expect(bytes.map(plain)).toEqual(texts.map(plain));
});

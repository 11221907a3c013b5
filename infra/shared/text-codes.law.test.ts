/** Equal texts have equal codes, and a code's value is its text: as in a Map of strings. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textCodes } from './text-codes.ts';

const utf8 = new TextEncoder();

test('codes are those of a Map, in the order in which texts come', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.constantFrom('', '\uFEFF', '\uFEFFa', 'a', '\0', 'a\0'),
    fc.integer({ min: 0, max: 9_000 }).map((n) => `text ${n}`),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 200 }), fc.boolean(), (texts, collide) => {
      const codes = collide ? textCodes(() => 7) : textCodes();
      const naive = new Map<string, number>();
      for (const one of texts) {
        if (!naive.has(one)) naive.set(one, naive.size);
        const bytes = utf8.encode(`<${one}>`);
        expect(codes.codeOf(bytes, 1, bytes.length - 1)).toBe(naive.get(one));
      }
      expect(codes.values).toEqual([...naive.keys()]);
    }),
  );
});

test('many texts, read twice, keep their codes', () => {
  const codes = textCodes();
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 20_000; i++) {
      const bytes = utf8.encode(`${'é'.repeat(i % 7)}${i}`);
      expect(codes.codeOf(bytes, 0, bytes.length)).toBe(i);
    }
  expect(codes.values[19_999]).toBe(`${'é'.repeat(19_999 % 7)}19999`);
});

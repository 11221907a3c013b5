/** Strings are read wherever they lie in memory, and no byte between runs is. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringVectorReader } from './string-vector.ts';

const utf8 = new TextEncoder();
const text = fc.option(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('', '123456789012', '1234567890123', 'é'.repeat(9)),
  ),
  { freq: 9 },
);
/** Bytes before the string, and whether it lies before all that was laid out so far. */
const place = fc.tuple(fc.constantFrom(0, 0, 0, 4, 7, 8, 9, 5_000), fc.boolean());

interface Memory {
  readonly vector: Uint8Array;
  /** address → byte, of strings only */
  readonly bytes: ReadonlyMap<number, number>;
}

const layOut = (
  rows: readonly (readonly [string | null, readonly [number, boolean]])[],
): Memory => {
  const vector = new Uint8Array(rows.length * 16).fill(0xee);
  const view = new DataView(vector.buffer);
  const bytes = new Map<number, number>();
  // past 2^32, as real addresses are
  let [low, high] = [0x7f01_0000_0000, 0x7f01_0000_0000];
  rows.forEach(([value, [gap, before]], row) => {
    if (value === null) return;
    const encoded = utf8.encode(value);
    view.setUint32(row * 16, encoded.length, true);
    if (encoded.length <= 12) return vector.set(encoded, row * 16 + 4);
    const at = before ? low - gap - encoded.length : high + gap;
    low = Math.min(low, at);
    high = Math.max(high, at + encoded.length);
    view.setBigUint64(row * 16 + 8, BigInt(at), true);
    encoded.forEach((byte, i) => bytes.set(at + i, byte));
  });
  return { vector, bytes };
};

test('each row has its string; runs are read, and at most 7 bytes between strings', () => {
  const reader = stringVectorReader();
  fc.assert(
    fc.property(fc.array(fc.tuple(text, place), { maxLength: 60 }), (rows) => {
      const { vector, bytes } = layOut(rows);
      const view = new DataView(vector.buffer);
      const found = reader.read(
        vector,
        rows.length,
        (row) => rows[row]?.[0] === null,
        (offset, length) => {
          const from = Number(view.getBigUint64(offset, true));
          let unknown = 0;
          return Uint8Array.from({ length }, (_, i) => {
            const byte = bytes.get(from + i);
            unknown = byte === undefined ? unknown + 1 : 0;
            if (unknown > 7 || (byte === undefined && (i === 0 || i === length - 1)))
              throw new Error('bytes outside of strings were read');
            return byte ?? 0;
          });
        },
      );
      const read = rows.map((_, row) => {
        const of = found.bytes[row] ?? null;
        return (
          of &&
          new TextDecoder('utf-8', { ignoreBOM: true }).decode(
            of.subarray(found.starts[row], found.ends[row]),
          )
        );
      });
      expect(read).toEqual(rows.map(([value]) => value));
    }),
    { numRuns: 500 },
  );
});

test('a run has a limit, which a single string may exceed', () => {
  const length = 3_000_000;
  const vector = new Uint8Array(5 * 16);
  const view = new DataView(vector.buffer);
  const sizes = [length, length, length, 9_000_000, 20];
  let at = 1 << 20;
  sizes.forEach((size, row) => {
    view.setUint32(row * 16, size, true);
    view.setBigUint64(row * 16 + 8, BigInt(at), true);
    at += size;
  });
  const lengths: number[] = [];
  const { starts, ends } = stringVectorReader().read(
    vector,
    5,
    () => false,
    (_, size) => {
      lengths.push(size);
      return new Uint8Array(0);
    },
  );
  expect(lengths).toEqual([...sizes]);
  expect(sizes.map((_, row) => (ends[row] as number) - (starts[row] as number))).toEqual(sizes);
});

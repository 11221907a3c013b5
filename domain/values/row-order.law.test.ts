/** Rows in order, against a sort that compares. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sortRows } from './row-order.ts';

const MOST = Number.MAX_SAFE_INTEGER;
/** Numbers that are often equal, close, or as far apart as they can be. */
const number = fc.oneof(
  fc.integer({ min: -2, max: 2 }),
  fc.integer({ min: 1_700_000_000_000_000, max: 1_700_000_000_100_000 }),
  fc.constantFrom(-MOST, 1 - MOST, MOST - 1, MOST),
);
const row = fc.tuple(number, fc.integer({ min: 0, max: 2 }), number);
const sizes = { minLength: 0, maxLength: 300, size: 'max' } as const;

test('rows are in the order of the first column, then of the second, then of the third', () => {
  fc.assert(
    fc.property(fc.array(row, sizes), fc.infiniteStream(fc.boolean()), (all, coins) => {
      const columns = [0, 1, 2].map((c) => Float64Array.from(all, (one) => one[c] as number));
      const some = all.flatMap((_, i) => (coins.next().value === true ? [i] : []));
      const rows = Uint32Array.from(some);
      sortRows(rows, columns);
      const valuesOf = (i: number) => all[i];
      const expected = [...some].sort((a, b) => {
        const [x, y] = [all[a], all[b]] as [(typeof all)[0], (typeof all)[0]];
        // As whole numbers, because a difference of doubles may be rounded to 0.
        const differences = x.map((_, c) => BigInt(x[c] as number) - BigInt(y[c] as number));
        return Number(differences.find((difference) => difference !== 0n) ?? 0n);
      });
      expect([...rows].map(valuesOf)).toEqual(expected.map(valuesOf));
      expect([...rows].sort((a, b) => a - b)).toEqual(some);
    }),
    { numRuns: 300 },
  );
});

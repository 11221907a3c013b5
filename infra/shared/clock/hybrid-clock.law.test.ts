/**
 * Whatever the machine's clock does, a read at `known` T always covers exactly the commits stamped
 * ≤ T.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hybridClock } from '#infra/shared/clock/hybrid-clock.ts';

test('every commit made before a read is stamped at or before the read, every later one after it', () => {
  const step = fc.record({
    act: fc.constantFrom('commit', 'read'),
    now: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let now = 0;
      const clock = hybridClock(() => now);
      const commits: number[] = [];
      const reads: { readonly known: number; readonly commits: number }[] = [];
      for (const { act, now: time } of steps) {
        now = time;
        if (act === 'commit') commits.push(clock.commitTime());
        else reads.push({ known: clock.readTime(), commits: commits.length });
      }
      for (const read of reads)
        expect(commits.filter((time) => time <= read.known)).toHaveLength(read.commits);
      expect(commits).toEqual(commits.toSorted((a, b) => a - b));
    }),
    { numRuns: 300 },
  );
});

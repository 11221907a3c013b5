/** The promises of a usage counter: see domain/ports/usage-counter.ts. */
import { describe, expect, test } from 'vitest';
import type { UsageCounter } from '#domain/ports/usage-counter.ts';

/** @param open opens two counters that share their totals */
export const usageCounterContract = (
  name: string,
  open: () => Promise<readonly [UsageCounter, UsageCounter]>,
): void => {
  describe(`usage counter: ${name}`, () => {
    test("it returns the day's total of an id, over all counters, and each id by itself", async () => {
      const [one, two] = await open();
      expect(await one.add('key/a/rows', 20_000, 5)).toBe(5);
      expect(await two.add('key/a/rows', 20_000, 7)).toBe(12);
      expect(await one.add('key/b/rows', 20_000, 1)).toBe(1);
      expect(await one.add('key/a/events', 20_000, 2)).toBe(2);
    });

    test('a new day starts at zero', async () => {
      const [one, two] = await open();
      await one.add('key/c', 20_000, 5);
      expect(await two.add('key/c', 20_001, 3)).toBe(3);
      expect(await one.add('key/c', 20_001, 4)).toBe(7);
    });

    test('concurrent additions are all counted', async () => {
      const both = await open();
      await Promise.all(
        Array.from({ length: 40 }, (_, i) => (both[i % 2] as UsageCounter).add('key/d', 20_000, i)),
      );
      expect(await both[0].add('key/d', 20_000, 1)).toBe(781);
    });

    test('large numbers stay exact', async () => {
      const [one] = await open();
      await one.add('key/e', 20_000, 3_000_000_000);
      expect(await one.add('key/e', 20_000, 3_000_000_001)).toBe(6_000_000_001);
    });
  });
};

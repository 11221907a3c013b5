/** The promise of the owners of producer ids: see domain/ports/producer-owners.ts. */
import { describe, expect, test } from 'vitest';
import type { ProducerOwners } from '#domain/ports/producer-owners.ts';

/** @param open opens two adapters over the same store */
export const producerOwnersContract = (
  name: string,
  open: () => Promise<readonly [ProducerOwners, ProducerOwners]>,
): void => {
  describe(`producer owners: ${name}`, () => {
    test('the first principal owns an id on a source, also in other processes', async () => {
      const [one, two] = await open();
      expect(await one.owner('s', 'p')).toBe(null);
      expect(await one.claim('s', 'p', 'access-key/a', [])).toBe('access-key/a');
      expect(await two.owner('s', 'p')).toBe('access-key/a');
      expect(await two.claim('s', 'p', 'access-key/b', [])).toBe('access-key/a');
      expect(await two.claim('s', 'p', 'access-key/a', [])).toBe('access-key/a');
      expect(await two.claim('other', 'p', 'access-key/b', [])).toBe('access-key/b');
      expect(await two.claim('s', 'P', 'access-key/b', [])).toBe('access-key/b');
    });

    test('one that replaces the owner takes the id over', async () => {
      const [one, two] = await open();
      await one.claim('s', 'q', 'access-key/a', []);
      expect(await two.claim('s', 'q', 'access-key/b', ['x', 'access-key/a'])).toBe('access-key/b');
      expect(await one.claim('s', 'q', 'access-key/a', [])).toBe('access-key/b');
    });

    test('of many that claim at once, one gets the id', async () => {
      const both = await open();
      const owners = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (both[i % 2] as ProducerOwners).claim('s', 'r', `access-key/${i}`, []),
        ),
      );
      expect(new Set(owners).size).toBe(1);
    });
  });
};

/**
 * Every adapter of the audit store runs this suite: one test for each promise of
 * domain/ports/audit-store.ts.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AuditRecord } from '#domain/api/audit.ts';
import { type AuditStore, GENESIS } from '#domain/ports/audit-store.ts';
import { chainHash } from '#projections/audit/audit.ts';

interface AuditStoreUnderTest {
  readonly store: AuditStore;
  /** a second process on the same chain */
  another(): Promise<AuditStore>;
  reopen(): Promise<AuditStore>;
  close(): Promise<void>;
}

/** Records `from` to `to` of a chain. With another actor the chain forks at its first record. */
const chain = (
  from: number,
  to: number,
  previous = GENESIS,
  actor = 'ann',
): readonly AuditRecord[] => {
  const records: AuditRecord[] = [];
  let before = previous;
  for (let sequence = from; sequence <= to; sequence++) {
    const record = {
      sequence,
      time: sequence * 1_000,
      actor,
      command: 'RegisterEntity',
      subject: `entity/é${sequence}`,
      reason: sequence % 2 === 0 ? 'why "so"' : null,
      outcome: 'accepted' as const,
      refusal: null,
      events: [{ type: 'EntityRegistered', data: { nested: [1, null, 'ü', 0.1] } }],
    };
    const hash = chainHash(before, record);
    records.push({ ...record, previous: before, hash });
    before = hash;
  }
  return records;
};

const headOf = (records: readonly AuditRecord[]) => {
  const last = records.at(-1) as AuditRecord;
  return { sequence: last.sequence, hash: last.hash };
};

export const auditStoreContract = (
  name: string,
  open: () => Promise<AuditStoreUnderTest>,
): void => {
  describe(`audit store contract: ${name}`, () => {
    let under: AuditStoreUnderTest;
    let store: AuditStore;
    const all = chain(1, 8);

    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.close());

    test('an empty chain has no head and no records, also after an append of no records', async () => {
      await store.append([]);
      expect(await store.head()).toBeNull();
      expect(await store.read(0, 10)).toEqual([]);
    });

    test('a chain that was begun stays so, without a head, and goes on as any other', async () => {
      expect(await store.begun()).toBe(false);
      await store.begin();
      const again = await under.reopen();
      expect([await again.begun(), await again.head()]).toEqual([true, null]);
      await again.append(all.slice(0, 2));
      await again.begin();
      expect(await again.head()).toEqual(headOf(all.slice(0, 2)));
    });

    test('records and head are as they were appended, also after a restart', async () => {
      await store.append(all.slice(0, 3));
      await store.append(all.slice(3, 5));
      const again = await under.reopen();
      expect(await again.read(0, 10)).toEqual(all.slice(0, 5));
      expect(await again.head()).toEqual(headOf(all.slice(0, 5)));
    });

    test('records are read in pages, in order', async () => {
      await store.append(all);
      expect((await store.read(0, 3)).map((r) => r.sequence)).toEqual([1, 2, 3]);
      expect((await store.read(6, 10)).map((r) => r.sequence)).toEqual([7, 8]);
      expect(await store.read(8, 10)).toEqual([]);
    });

    test('records that are stored already change nothing; those that follow are added', async () => {
      await store.append(all.slice(0, 4));
      await store.append(all.slice(0, 3));
      expect(await store.head()).toEqual(headOf(all.slice(0, 4)));
      await store.append(all.slice(2, 6));
      expect(await store.read(0, 10)).toEqual(all.slice(0, 6));
      expect(await store.head()).toEqual(headOf(all.slice(0, 6)));
    });

    test.each([
      ['a gap', (): readonly AuditRecord[] => all.slice(4, 5)],
      ['another chain that goes on', () => chain(4, 5, 'f'.repeat(64))],
      ['a fork within the batch', () => [all[3] as AuditRecord, ...chain(5, 5, GENESIS, 'eve')]],
      ['a fork of what is there', () => chain(1, 5, GENESIS, 'eve')],
      ['a gap within the batch', () => [all[3] as AuditRecord, all[5] as AuditRecord]],
    ])('%s is refused, and nothing of its batch is added', async (_, batch) => {
      await store.append(all.slice(0, 3));
      await expect(store.append(batch())).rejects.toMatchObject({
        code: 'MR_STORAGE_FAILED',
        details: { head: 3 },
      });
      expect(await store.read(0, 10)).toEqual(all.slice(0, 3));
      expect(await store.head()).toEqual(headOf(all.slice(0, 3)));
      await store.append(all.slice(3));
      expect(await store.head()).toEqual(headOf(all));
    });

    test('the first record follows the genesis hash', async () => {
      await expect(store.append(chain(1, 1, 'f'.repeat(64)))).rejects.toMatchObject({
        code: 'MR_STORAGE_FAILED',
      });
      await expect(store.append(all.slice(1, 2))).rejects.toMatchObject({
        code: 'MR_STORAGE_FAILED',
      });
      expect(await store.head()).toBeNull();
    });

    test('two processes may append the same chain, and each record is stored once; of two chains that fork one is refused', async () => {
      const other = await under.another();
      await Promise.all([
        store.append(all.slice(0, 4)),
        other.append(all.slice(0, 5)),
        store.append(all.slice(0, 2)),
      ]);
      expect(await other.read(0, 10)).toEqual(all.slice(0, 5));
      const { hash } = all[4] as AuditRecord;
      const outcomes = await Promise.allSettled([
        store.append(chain(6, 6, hash)),
        other.append(chain(6, 7, hash, 'eve')),
      ]);
      const won = outcomes.filter((o) => o.status === 'fulfilled').length;
      // The shorter batch, second, with the stored record in the place of the other: it changes
      // nothing.
      expect(won).toBeGreaterThanOrEqual(1);
      const stored = await store.read(0, 10);
      expect(
        stored.every((record, i) => record.previous === (stored[i - 1]?.hash ?? GENESIS)),
      ).toBe(true);
      expect(await other.head()).toEqual(headOf(stored));
    });
  });
};

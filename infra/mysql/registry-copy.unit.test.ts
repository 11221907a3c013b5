/** What a restored registry removes of a platform that was started there before. */
import { expect, test } from 'vitest';
import type { MysqlDatabase } from './database.ts';
import { loadRegistry } from './registry-copy.ts';

test('the topics and marked directories of the platform before are forgotten with its id', async () => {
  const transactions: string[][] = [];
  const database = {
    rows: async () => [{ position: 0 }],
    transaction: async (work: (on: object) => Promise<unknown>) => {
      const ran: string[] = [];
      await work({ run: async (sql: string) => void ran.push(sql) });
      transactions.push(ran);
    },
  } as unknown as MysqlDatabase;
  await loadRegistry(database, 'millrace', {
    platform: 'd2b0b2d4-5a53-4f3b-9d3e-000000000001',
    commits: [],
    audit: [],
    genesis: '',
    usage: [],
    owners: [],
  });
  expect(transactions).toHaveLength(1);
  expect(transactions[0]).toEqual(
    expect.arrayContaining([
      'DELETE FROM topic_id',
      'DELETE FROM topic_note',
      'DELETE FROM marked_store',
      'UPDATE platform SET id = ?',
    ]),
  );
});

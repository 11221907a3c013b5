/** The owner of each producer id on each source, for all gateways. */
import { createHash } from 'node:crypto';
import type { ProducerOwners } from '#domain/ports/producer-owners.ts';
import type { MysqlDatabase } from './database.ts';

/** Names of producers are longer than MySQL's keys may be. */
const keyOf = (source: string, producer: string): string =>
  createHash('sha256').update(`${source}\n${producer}`).digest('hex');

export const mysqlProducerOwners = (
  database: Pick<MysqlDatabase, 'transaction' | 'rows'>,
): ProducerOwners => ({
  claim: (source, producer, principal, replaced) =>
    database.transaction(async ({ run, rows }) => {
      const id = keyOf(source, producer);
      await run('INSERT IGNORE INTO producer_owner (id, owner) VALUES (?, ?)', [id, principal]);
      const [row] = await rows<{ owner: string }>(
        'SELECT owner FROM producer_owner WHERE id = ? FOR UPDATE',
        [id],
      );
      const owner = row?.owner ?? principal;
      if (!replaced.includes(owner)) return owner;
      await run('UPDATE producer_owner SET owner = ? WHERE id = ?', [principal, id]);
      return principal;
    }),
  async owner(source, producer) {
    const [row] = await database.rows<{ owner: string }>(
      'SELECT owner FROM producer_owner WHERE id = ?',
      [keyOf(source, producer)],
    );
    return row?.owner ?? null;
  },
});

/**
 * The audit chain in MySQL. A record follows from its commit and the hash before it, so every process makes the same chain: an append
 * that another process was quicker with changes nothing.
 */
import type { AuditHead, AuditStore } from '#domain/ports/audit-store.ts';
import type { AuditRecord } from '#domain/ports/platform.ts';
import type { MysqlDatabase } from './database.ts';

export const mysqlAuditStore = (database: MysqlDatabase): AuditStore => ({
  append: (records) =>
    database.transaction(async ({ rows, run }) => {
      const [head] = await rows<AuditHead>('SELECT sequence, hash FROM audit_head WHERE one = 1 FOR UPDATE');
      const fresh = records.filter((record) => record.sequence > Number(head?.sequence ?? 0));
      const last = fresh.at(-1);
      if (last === undefined) return;
      for (const record of fresh)
        await run('INSERT INTO audit (sequence, record) VALUES (?, ?)', [record.sequence, JSON.stringify(record)]);
      await run('UPDATE audit_head SET sequence = ?, hash = ? WHERE one = 1', [last.sequence, last.hash]);
    }),
  read: async (sequence, limit) =>
    (
      await database.rows<{ record: string }>(
        `SELECT record FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ${Math.trunc(limit)}`,
        [sequence],
      )
    ).map(({ record }) => JSON.parse(record) as AuditRecord),
  async head() {
    const [head] = await database.rows<AuditHead>('SELECT sequence, hash FROM audit_head WHERE one = 1');
    return head === undefined || Number(head.sequence) === 0 ? null : { sequence: Number(head.sequence), hash: head.hash };
  },
});

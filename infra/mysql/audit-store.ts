/**
 * The audit log's chain in MySQL. A record follows from its commit and the previous hash, so every
 * process computes the same chain. An append that another process has made already changes nothing.
 */

import type { AuditRecord } from '#domain/api/audit.ts';
import {
  type AuditHead,
  type AuditStore,
  followingRecords,
  GENESIS,
} from '#domain/ports/audit-store.ts';
import type { MysqlDatabase } from './database.ts';

/** The row exists from the beginning; its sequence is 0 until the first record. */
const headOf = (row: AuditHead | undefined): AuditHead | null =>
  row === undefined || Number(row.sequence) === 0
    ? null
    : { sequence: Number(row.sequence), hash: row.hash };

export const mysqlAuditStore = (database: MysqlDatabase): AuditStore => ({
  append: (records) =>
    database.transaction(async ({ rows, run }) => {
      const [head] = await rows<AuditHead>(
        'SELECT sequence, hash FROM audit_head WHERE one = 1 FOR UPDATE',
      );
      const fresh = followingRecords(headOf(head), records);
      const last = fresh.at(-1);
      if (last === undefined) return;
      for (const record of fresh)
        await run('INSERT INTO audit (sequence, record) VALUES (?, ?)', [
          record.sequence,
          JSON.stringify(record),
        ]);
      await run('UPDATE audit_head SET sequence = ?, hash = ? WHERE one = 1', [
        last.sequence,
        last.hash,
      ]);
    }),
  read: async (sequence, limit) =>
    (
      await database.rows<{ record: string }>(
        `SELECT record FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ${Math.trunc(limit)}`,
        [sequence],
      )
    ).map(({ record }) => JSON.parse(record) as AuditRecord),
  async head() {
    const [head] = await database.rows<AuditHead>(
      'SELECT sequence, hash FROM audit_head WHERE one = 1',
    );
    return headOf(head);
  },
  begin: () =>
    database.transaction(async ({ run }) => {
      await run('INSERT IGNORE INTO audit_head (one, sequence, hash) VALUES (1, 0, ?)', [GENESIS]);
      await run("UPDATE audit_head SET hash = ? WHERE one = 1 AND hash = ''", [GENESIS]);
    }),
  async begun() {
    const [head] = await database.rows<AuditHead>(
      'SELECT sequence, hash FROM audit_head WHERE one = 1',
    );
    return head !== undefined && head.hash !== '';
  },
});

/** The audit chain in the embedded database: one row a record, and one row for the head. */
import type { AuditRecord } from '#domain/api/audit.ts';
import {
  type AuditHead,
  type AuditStore,
  followingRecords,
  GENESIS,
} from '#domain/ports/audit-store.ts';
import type { Database } from '#infra/sqlite/database.ts';

const TABLES = `
CREATE TABLE IF NOT EXISTS audit (sequence INTEGER PRIMARY KEY, record TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
`;

export const sqliteAuditStore = (database: Database): AuditStore => {
  const { db } = database;
  db.exec(TABLES);
  const insert = db.prepare('INSERT INTO audit (sequence, record) VALUES (?, ?)');
  const setHead = db.prepare(
    'INSERT INTO audit_head (one, sequence, hash) VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash',
  );
  const page = db.prepare('SELECT record FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?');
  const head = db.prepare('SELECT sequence, hash FROM audit_head');
  const begin = db.prepare(
    'INSERT INTO audit_head (one, sequence, hash) VALUES (1, 0, ?) ON CONFLICT DO NOTHING',
  );
  /** Sequence 0: the chain was begun and has no record yet. */
  const stored = (): AuditHead | null => (head.get() as unknown as AuditHead | undefined) ?? null;
  const currentHead = (): AuditHead | null => {
    const found = stored();
    return found === null || found.sequence === 0 ? null : found;
  };
  return {
    async append(records) {
      database.transaction(() => {
        const fresh = followingRecords(currentHead(), records);
        const last = fresh.at(-1);
        if (last === undefined) return;
        for (const record of fresh) insert.run(record.sequence, JSON.stringify(record));
        setHead.run(last.sequence, last.hash);
      });
    },
    read: async (sequence, limit) =>
      page.all(sequence, limit).map((row) => JSON.parse(row.record as string) as AuditRecord),
    head: async () => currentHead(),
    async begin() {
      begin.run(GENESIS);
    },
    begun: async () => stored() !== null,
  };
};

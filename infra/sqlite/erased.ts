/**
 * What was erased (docs/decisions/0047-erasure.md): for each erasure, a row that says what it found
 * before it removed anything; and the offsets of the records that were removed. Of these, the log
 * has erased records in place of them, or, below its begin, nothing; the history has no rows.
 * Erasures are named by a digest of the entity, so the tables do not say who was here.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ErasedOffsets } from '#domain/ports/erased.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS log_erased (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL, erasure TEXT NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS erasure (
    erasure TEXT PRIMARY KEY, started INTEGER NOT NULL, reason TEXT NOT NULL, found TEXT NOT NULL
  ) WITHOUT ROWID;
`;

export const createErasedTables = (db: DatabaseSync): void => db.exec(TABLES);

/** @param db a database of an earlier release has no such table, and nothing was erased from it */
export const erasedOffsets = (db: DatabaseSync): ErasedOffsets => {
  if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'log_erased'").get() === undefined)
    return () => [];
  const found = db.prepare(
    'SELECT "offset" FROM log_erased WHERE topic = ? AND partition = ? AND "offset" >= ? AND "offset" < ? ORDER BY "offset"',
  );
  return (topic, partition, from, below) =>
    (found.all(topic, partition, from, below) as { offset: number }[]).map(({ offset }) => offset);
};

export interface StoredErasure {
  readonly erasure: string;
  /** epoch ms */
  readonly started: number;
  readonly reason: string;
  /** JSON */
  readonly found: string;
}

export interface ErasureRows {
  readonly stored: (erasure: string) => StoredErasure | null;
  readonly store: (erasure: StoredErasure) => void;
  readonly add: (erasure: string, topic: string, partition: number, offset: number) => void;
  /** How many records of each topic an erasure has removed, over all its runs. */
  readonly counts: (erasure: string) => Readonly<Record<string, number>>;
}

export const erasureRows = (db: DatabaseSync): ErasureRows => {
  const one = db.prepare('SELECT erasure, started, reason, found FROM erasure WHERE erasure = ?');
  const store = db.prepare(
    'INSERT INTO erasure (erasure, started, reason, found) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET reason = excluded.reason, found = excluded.found',
  );
  const add = db.prepare(
    'INSERT INTO log_erased (topic, partition, "offset", erasure) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const counts = db.prepare(
    'SELECT topic, count(*) AS n FROM log_erased WHERE erasure = ? GROUP BY topic ORDER BY topic',
  );
  return {
    stored: (erasure) => (one.get(erasure) as unknown as StoredErasure | undefined) ?? null,
    store: ({ erasure, started, reason, found }) => void store.run(erasure, started, reason, found),
    add: (erasure, topic, partition, offset) => void add.run(topic, partition, offset, erasure),
    counts: (erasure) =>
      Object.fromEntries(
        (counts.all(erasure) as { topic: string; n: number }[]).map(({ topic, n }) => [topic, n]),
      ),
  };
};

/**
 * The platform's id, in its database. States and history carry it too, so that files of another
 * platform are recognized.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { fail } from '#domain/errors.ts';
import type { Database } from '#infra/sqlite/database.ts';

export interface Identity {
  /** a UUID */
  readonly id: string;
  /** true: the database was made now, or nothing was ever written to it */
  readonly isNew: boolean;
}

const hasRows = ({ db }: Database, table: string): boolean =>
  db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table) !==
    undefined && db.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() !== undefined;

/** The id of a database that is only read. @throws MR_STORAGE_FAILED where it has none yet */
export const identityOf = (db: DatabaseSync): string => {
  const made = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'platform'").get();
  const row = made === undefined ? undefined : db.prepare('SELECT id FROM platform').get();
  return row === undefined
    ? fail(
        'MR_STORAGE_FAILED',
        'The database was written by an earlier release, without checksums. Start `millrace serve` on it once.',
      )
    : (row as { id: string }).id;
};

/** Call it before other tables are made. */
export const openIdentity = (database: Database): Identity => {
  const { db } = database;
  const isNew = !['registry_commit', 'log_partition'].some((table) => hasRows(database, table));
  db.exec(
    'CREATE TABLE IF NOT EXISTS platform (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL) STRICT',
  );
  db.prepare('INSERT OR IGNORE INTO platform (one, id) VALUES (1, ?)').run(randomUUID());
  const { id } = db.prepare('SELECT id FROM platform').get() as { id: string };
  return { id, isNew };
};

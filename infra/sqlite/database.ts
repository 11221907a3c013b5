/**
 * The database file of the embedded profile. Log, event store and schema registry share this
 * connection, so that one transaction can write to several of them. WAL with synchronous=FULL: a
 * commit that returned survives a power cut.
 */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hasCode, MillraceError } from '#domain/errors.ts';
import { isCorrupt, storageError } from '#infra/shared/sqlite/storage-error.ts';
import { checkWriteAheadLog } from '#infra/sqlite/write-ahead-log.ts';

/** With so much free space, bytes, a transaction is worth another attempt. */
const SPACE_TO_WRITE = 8 * 1024 * 1024;

export interface Database {
  readonly path: string;
  readonly db: DatabaseSync;
  /**
   * All or nothing; durable when it returns. Throws MR_DISK_FULL, MR_STORAGE_FAILED, or what `body`
   * threw.
   */
  transaction<T>(body: () => T): T;
  /** Whether the last transaction failed because the disk is full, and it still is. */
  isFull(): boolean;
  /** Of the file, without its write-ahead log; `free`: of these, pages that will be reused. */
  size(): { readonly bytes: number; readonly free: number };
  close(): void;
}

/**
 * A checkpoint every 4 MB of WAL: each blocks the event loop for milliseconds, and larger ones
 * gained no throughput when measured.
 */
const SETTINGS = `
  PRAGMA page_size = 8192;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 500;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA foreign_keys = ON;
`;

/** Statements that say which database is damaged where SQLite finds it so. */
const withDamageNamed = (db: DatabaseSync, path: string): DatabaseSync => {
  const prepare = db.prepare.bind(db);
  db.prepare = (sql) => {
    const statement = prepare(sql);
    const named = <F extends (...args: never[]) => unknown>(call: F): F =>
      ((...args) => {
        try {
          return call(...args);
        } catch (error) {
          throw isCorrupt(error) ? storageError(error, path) : error;
        }
      }) as F;
    statement.get = named(statement.get.bind(statement));
    statement.all = named(statement.all.bind(statement));
    statement.run = named(statement.run.bind(statement));
    return statement;
  };
  return db;
};

/** @throws MR_DATA_DAMAGED, MR_STORAGE_FAILED */
export const openDatabase = (path: string): Database => {
  let db: DatabaseSync;
  try {
    checkWriteAheadLog(path);
    db = new DatabaseSync(path, { timeout: 5000 });
    db.exec(SETTINGS);
    withDamageNamed(db, path);
  } catch (error) {
    throw storageError(error, path);
  }
  let failedFull = false;
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const pages = db.prepare(
    'SELECT page_count * page_size AS bytes, freelist_count * page_size AS free FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
  );

  return {
    path,
    db,
    transaction(body) {
      if (db.isTransaction)
        throw new MillraceError('MR_INTERNAL', 'A transaction was started inside another.');
      try {
        begin.run();
        const result = body();
        commit.run();
        failedFull = false;
        return result;
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        const shown =
          error instanceof Error && 'errcode' in error ? storageError(error, path) : error;
        failedFull = hasCode(shown, 'MR_DISK_FULL');
        throw shown;
      }
    },
    isFull() {
      if (!failedFull) return false;
      const { bavail, bsize } = statfsSync(dirname(path));
      failedFull = bavail * bsize < SPACE_TO_WRITE;
      return failedFull;
    },
    size() {
      const { bytes, free } = pages.get() as { bytes: number; free: number };
      return { bytes, free };
    },
    close() {
      if (db.isOpen) db.close();
    },
  };
};

/**
 * A second connection for a worker thread or a tool: sees each commit whole, never blocks the
 * writer.
 */
export const openForReading = (path: string): DatabaseSync =>
  withDamageNamed(new DatabaseSync(path, { readOnly: true, timeout: 5000 }), path);

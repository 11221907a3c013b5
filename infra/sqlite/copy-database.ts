/**
 * A copy of a database that another process may be writing: one moment of it, whole. It is made
 * from a connection that only reads, within one read transaction, so it needs no lock of the data
 * directory, blocks no writer and is not started again by one.
 */
import { backup } from 'node:sqlite';
import { isCorrupt, storageError } from '#infra/shared/sqlite/storage-error.ts';
import { openForReading } from '#infra/sqlite/database.ts';

/** Pages a step: some 16 MB. */
const STEP_PAGES = 2_000;

/**
 * @param to must not exist
 * @throws MR_DATA_DAMAGED, MR_DISK_FULL, MR_STORAGE_FAILED
 */
export const copyDatabase = async (from: string, to: string): Promise<void> => {
  try {
    const db = openForReading(from);
    try {
      db.exec('BEGIN');
      // The first read fixes the moment.
      db.prepare('SELECT count(*) FROM sqlite_master').get();
      await backup(db, to, { rate: STEP_PAGES });
    } finally {
      db.close();
    }
  } catch (error) {
    throw storageError(error, isCorrupt(error) ? from : to);
  }
};

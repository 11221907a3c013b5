/**
 * A directory for one process at a time: SQLite's exclusive lock on `lock.db` in it, which the
 * operating system releases when the process dies, however it dies.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { MillraceError } from '#domain/errors.ts';
import { isBusy, storageError } from './storage-error.ts';

/**
 * @param held the error where another process has the lock
 * @returns what holds the lock until it is closed
 */
export const lockDirectory = (path: string, held: () => MillraceError): DatabaseSync => {
  const guard = new DatabaseSync(join(path, 'lock.db'), { timeout: 0 });
  try {
    guard.exec('BEGIN EXCLUSIVE');
    return guard;
  } catch (error) {
    guard.close();
    throw isBusy(error) ? held() : storageError(error, path);
  }
};

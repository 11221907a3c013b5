import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { isDiskFull } from '#infra/shared/files/durable-file.ts';

/** SQLite's primary result codes, the low byte of `errcode`. */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

export const sqliteCode = (error: unknown): number | null => {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
};

/**
 * Whether SQLite found that a database's file is not one, or that its pages do not fit together.
 */
export const isCorrupt = (error: unknown): boolean => {
  const code = sqliteCode(error);
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
};

export const isBusy = (error: unknown): boolean => sqliteCode(error) === SQLITE_BUSY;

/** A failed statement or commit as an error for users. Millrace's own errors pass unchanged. */
export const storageError = (error: unknown, path: string): MillraceError => {
  if (error instanceof MillraceError) return error;
  const reason = messageOf(error);
  if (isCorrupt(error))
    return new MillraceError('MR_DATA_DAMAGED', `The database ${path} is damaged: ${reason}.`, {
      path,
      reason,
    });
  if (sqliteCode(error) === SQLITE_FULL || isDiskFull(error)) {
    return new MillraceError(
      'MR_DISK_FULL',
      `The disk that holds ${path} is full; nothing of this request was written.`,
      {
        path,
      },
    );
  }
  return new MillraceError(
    'MR_STORAGE_FAILED',
    `Writing ${path} failed: ${reason}; nothing of this request was acknowledged.`,
    {
      path,
      reason,
    },
  );
};

/**
 * Works with files and databases at a path. Their failures become errors for users; others are
 * thrown unchanged.
 */
export const onDisk = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const isOfDisk = error instanceof Error && ('syscall' in error || sqliteCode(error) !== null);
    throw isOfDisk ? storageError(error, path) : error;
  }
};

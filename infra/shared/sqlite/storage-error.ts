import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';

/** SQLite's primary result codes, the low byte of `errcode`. */
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

export const sqliteCode = (error: unknown): number | null => {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
};

export const isBusy = (error: unknown): boolean => sqliteCode(error) === SQLITE_BUSY;

/** Explains a failed statement or commit to the user. MillraceErrors pass unchanged. */
export const storageError = (error: unknown, path: string): MillraceError => {
  if (error instanceof MillraceError) return error;
  const reason = messageOf(error);
  if (
    sqliteCode(error) === SQLITE_FULL ||
    (error as NodeJS.ErrnoException | null)?.code === 'ENOSPC'
  ) {
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

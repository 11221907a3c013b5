/** Files that are on the disk when a call returns, and what the disk's refusals mean. */
import { constants, link, mkdir, open, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MillraceError } from '#domain/errors.ts';

const FULL = /ENOSPC|EDQUOT|EFBIG|No space left|Disk quota exceeded/i;

export const isFull = (error: unknown): boolean => {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  return FULL.test(code ?? '') || FULL.test(message ?? '');
};

export const diskError = (error: unknown, path: string): unknown => {
  if (error instanceof MillraceError) return error;
  if (!isFull(error)) return error;
  return new MillraceError(
    'MR_DISK_FULL',
    `The disk that holds ${path} is full; the log keeps what the history has not taken.`,
    {
      path,
    },
  );
};

export const exists = (error: unknown): boolean =>
  (error as { code?: string } | null)?.code === 'EEXIST';
export const missing = (error: unknown): boolean =>
  (error as { code?: string } | null)?.code === 'ENOENT';

export const syncPath = async (path: string): Promise<void> => {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

export const makeDirectory = (path: string): Promise<unknown> => mkdir(path, { recursive: true });

export const writeDurable = (path: string, data: string | Buffer): Promise<void> =>
  writeFile(path, data, { flush: true });

/** Creates the file whole or not at all. @returns false where it is there already */
export const createDurable = async (
  path: string,
  temporary: string,
  data: string,
): Promise<boolean> => {
  await writeDurable(temporary, data);
  try {
    await link(temporary, path);
  } catch (error) {
    if (exists(error)) return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
  await syncPath(dirname(path));
  return true;
};

export const replaceDurable = async (
  path: string,
  temporary: string,
  data: string,
): Promise<void> => {
  await writeDurable(temporary, data);
  await rename(temporary, path);
  await syncPath(dirname(path));
};

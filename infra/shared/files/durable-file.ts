/** Makes files of a local disk durable, and recognizes a full disk. */
import { constants, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

const FULL = /ENOSPC|EDQUOT|EFBIG|No space left|Disk quota exceeded/i;

/** Checks the code of a system error, or the message of an engine that contains the code. */
export const isDiskFull = (error: unknown): boolean => {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  return FULL.test(code ?? '') || FULL.test(message ?? '');
};

export const isMissing = (error: unknown): boolean => {
  const { code } = (error ?? {}) as { code?: string };
  return code === 'ENOENT' || code === 'ENOTDIR';
};

/** Syncs the content of a file, or the names in a directory. */
export const syncPath = async (path: string): Promise<void> => {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Creates directories durably: the parent of each new directory is synced. */
export const makeDirectory = async (path: string): Promise<void> => {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made))
    await syncPath(dirname(made));
};

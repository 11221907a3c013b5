/** What makes files of a local disk durable, and what a full disk says. */
import { constants, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

const FULL = /ENOSPC|EDQUOT|EFBIG|No space left|Disk quota exceeded/i;

/** By the code of a system error, or by the message of an engine that passes it on. */
export const isDiskFull = (error: unknown): boolean => {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  return FULL.test(code ?? '') || FULL.test(message ?? '');
};

export const isMissing = (error: unknown): boolean => {
  const { code } = (error ?? {}) as { code?: string };
  return code === 'ENOENT' || code === 'ENOTDIR';
};

/** Of a file: its content. Of a directory: the names in it. */
export const syncPath = async (path: string): Promise<void> => {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Durable: the name of each directory that is made is in its parent, which is synced. */
export const makeDirectory = async (path: string): Promise<void> => {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made))
    await syncPath(dirname(made));
};

/** Writes files of a backup. They are for their owner only, whatever the process' umask is. */
import { readdirSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import { syncPath } from '#infra/shared/files/durable-file.ts';
import type { Content, ContentStore } from './content-store.ts';

/** A new file of these contents, one after the other. */
export const restoreFile = async (
  content: Pick<ContentStore, 'pieces'>,
  path: string,
  contents: readonly Content[],
  what: string,
): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const handle = await open(path, 'wx', 0o600);
  try {
    for (const each of contents)
      for await (const piece of content.pieces(each, what)) await handle.writeFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** A path of a list of files, which must not lead out of the directory. @throws MR_DATA_DAMAGED */
export const pathBelow = (directory: string, path: string): string => {
  const full = resolve(directory, path);
  if (full.startsWith(`${directory}/`)) return full;
  throw new MillraceError(
    'MR_DATA_DAMAGED',
    `The backup's list of files names ${path}, which is outside ${directory}.`,
    { path },
  );
};

/** Makes the names of all that is below the directory durable. */
export const syncDirectories = async (directory: string): Promise<void> => {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    if (entry.isDirectory()) await syncPath(join(entry.parentPath, entry.name));
  await syncPath(directory);
};

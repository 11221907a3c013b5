/**
 * FileIO on the local disk.
 *
 * A file is written under a temporary name in its directory and synced. A rename then gives it its
 * own name, or a link if it must not replace another file. Then its directory is synced. A killed
 * write leaves at most the temporary file.
 */
import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import { type EngineFiles, type FileIO, joinUri } from '#domain/ports/file-io.ts';
import {
  isDiskFull,
  isMissing,
  makeDirectory,
  syncPath,
} from '#infra/shared/files/durable-file.ts';
import { pathOf } from './file-uri.ts';
import { readRange } from './read-range.ts';

const TEMPORARY = /^\.millrace-.*\.tmp$/;
const temporaryBeside = (path: string): string =>
  join(dirname(path), `.millrace-${randomUUID()}.tmp`);

const failure = (error: unknown, path: string, what: string): MillraceError => {
  if (error instanceof MillraceError) return error;
  if (isDiskFull(error))
    return new MillraceError(
      'MR_DISK_FULL',
      `The disk that holds ${path} is full; nothing of the file was kept.`,
      { path },
    );
  const reason = error instanceof Error ? error.message : String(error);
  return new MillraceError('MR_STORAGE_FAILED', `${path} cannot be ${what}: ${reason}.`, {
    path,
    reason,
  });
};

/** Runs the operation on the URI's path, and converts its errors to MillraceErrors. */
const at = async <T>(
  uri: string,
  what: string,
  operation: (path: string) => Promise<T>,
): Promise<T> => {
  const path = pathOf(uri);
  try {
    return await operation(path);
  } catch (error) {
    throw failure(error, path, what);
  }
};

/** null if the file does not exist. */
const present = <T>(operation: Promise<T>): Promise<T | null> =>
  operation.catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });

const writeSynced = async (path: string, content: Uint8Array | string): Promise<void> => {
  const write = (): Promise<void> => writeFile(path, content, { flush: true });
  try {
    await write();
  } catch (error) {
    if (!isMissing(error)) throw error;
    await makeDirectory(dirname(path));
    await write();
  }
};

/** @param place renames or links the temporary file */
const throughTemporary = async <T>(
  path: string,
  content: Uint8Array | string,
  place: (temporary: string) => Promise<T>,
): Promise<T> => {
  const temporary = temporaryBeside(path);
  try {
    await writeSynced(temporary, content);
    return await place(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
};

interface Found {
  readonly path: string;
  readonly uri: string;
}

/** Directories that are deleted during the walk are skipped. */
const walk = async (path: string, uri: string, into: Found[]): Promise<void> => {
  const entries = (await present(readdir(path, { withFileTypes: true }))) ?? [];
  for (const entry of entries) {
    const found = { path: join(path, entry.name), uri: joinUri(uri, entry.name) };
    if (entry.isDirectory()) await walk(found.path, found.uri, into);
    else if (entry.isFile()) into.push(found);
  }
};

const filesBelow = (directory: string): Promise<readonly Found[]> =>
  at(directory, 'listed', async (path) => {
    const found: Found[] = [];
    await walk(path, joinUri(directory), found);
    return found;
  });

const isTemporary = ({ path }: Found): boolean => TEMPORARY.test(basename(path));

const requireSize = (name: string, value: number): void => {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} is ${value}: it must be a number of bytes, 0 or more`);
};

/** The engine reads and writes the files directly; publishing syncs them and their directories. */
const engine: EngineFiles = {
  readable: async (uris) => uris.map(pathOf),
  stage: (directory) =>
    at(directory, 'made', async (path) => {
      await makeDirectory(path);
      return path;
    }),
  publish: (directory, paths) =>
    at(directory, 'written', async (root) => {
      for (const path of paths) await syncPath(path);
      for (const path of new Set([root, ...paths.map(dirname)])) await syncPath(path);
    }),
};

export const localFiles = (): FileIO => ({
  async list(directory) {
    const found = (await filesBelow(directory)).filter((file) => !isTemporary(file));
    return found.map(({ uri }) => uri).sort();
  },
  stat: (uri) =>
    at(uri, 'read', async (path) => {
      const found = await present(stat(path));
      return found === null || !found.isFile()
        ? null
        : { bytes: found.size, modifiedAt: found.mtimeMs };
    }),
  read: (uri) => at(uri, 'read', (path) => present(readFile(path))),
  async readRange(uri, start, length) {
    requireSize('start', start);
    requireSize('length', length);
    return at(uri, 'read', (path) => present(readRange(path, start, length)));
  },
  write: (uri, content, options) =>
    at(uri, 'written', (path) =>
      throughTemporary(path, content, async (temporary) => {
        await rename(temporary, path);
        if (options?.name !== 'later') await syncPath(dirname(path));
      }),
    ),
  create: (uri, content) =>
    at(uri, 'written', (path) =>
      throughTemporary(path, content, async (temporary) => {
        try {
          await link(temporary, path);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
          throw error;
        } finally {
          await unlink(temporary);
        }
        await syncPath(dirname(path));
        return true;
      }),
    ),
  delete: (uri) => at(uri, 'deleted', (path) => rm(path, { force: true })),
  deleteDirectory: (directory) =>
    at(directory, 'deleted', (path) => rm(path, { recursive: true, force: true })),
  async deleteUnfinished(directory) {
    const unfinished = (await filesBelow(directory)).filter(isTemporary);
    for (const { uri } of unfinished) await at(uri, 'deleted', (path) => rm(path, { force: true }));
    return unfinished.length;
  },
  engine,
});

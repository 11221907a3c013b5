/**
 * The directory of one embedded platform, for one process at a time. The lock is SQLite's exclusive
 * lock on a small file, which the operating system releases when the process dies, however it dies;
 * the pid beside it is only for the message. No other code in this process may open and close
 * `lock.db`: POSIX would then release the lock.
 *
 * Lock and format are properties of the local disk, so they do not go through FileIO.
 */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '#domain/errors.ts';
import { lockDirectory } from '#infra/shared/sqlite/directory-lock.ts';
import { storageError } from '#infra/shared/sqlite/storage-error.ts';

/** Increased when files or tables change so that an older Millrace would misread them. */
export const FORMAT_VERSION = 1;

export interface DataDirectory {
  readonly path: string;
  /** the database file of log, event store and schema registry */
  readonly databasePath: string;
  readonly formatVersion: number;
  /** Releases the lock; idempotent. */
  close(): void;
}

const readPid = (path: string): number | null => {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isInteger(pid) ? pid : null;
  } catch {
    return null;
  }
};

const lock = (path: string): DatabaseSync =>
  lockDirectory(path, () => {
    const pid = readPid(join(path, 'lock.pid'));
    return new MillraceError(
      'MR_DATA_DIR_LOCKED',
      `The data directory ${path} is in use by ${pid === null ? 'another process' : `process ${pid}`}.`,
      { path, pid },
    );
  });

export const fsyncDirectory = (path: string): void => {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
};

/** All or nothing; the text is on the disk when it returns. */
export const writeDurably = (directory: string, name: string, text: string): void => {
  const temporary = join(directory, `${name}.tmp`);
  const fd = openSync(temporary, 'w');
  writeSync(fd, text);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(temporary, join(directory, name));
  fsyncDirectory(directory);
};

/** States the format of a directory that was put together by other means. */
export const writeFormat = (path: string, format: number): void =>
  writeDurably(path, 'format.json', `${JSON.stringify({ format })}\n`);

const checkFormat = (path: string): number => {
  const file = join(path, 'format.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    writeFormat(path, FORMAT_VERSION);
    return FORMAT_VERSION;
  }
  let format: unknown;
  try {
    format = (JSON.parse(text) as { format?: unknown } | null)?.format;
  } catch {
    format = null;
  }
  if (typeof format !== 'number')
    throw new MillraceError(
      'MR_STORAGE_FAILED',
      `${file} does not state a format version; it should read {"format":${FORMAT_VERSION}}.`,
      { path: file },
    );
  if (format > FORMAT_VERSION) {
    throw new MillraceError(
      'MR_DATA_DIR_NEWER',
      `The data directory ${path} has format ${format}, written by a newer Millrace; this one reads formats up to ${FORMAT_VERSION}.`,
      { path, format, known: FORMAT_VERSION },
    );
  }
  return format;
};

const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;
const OWN = /^(?:millrace\.db|lock\.|format\.json$|history$|state$|datasets$|erasures$)/;

/**
 * Only the owner may read the directory, or hold a lock in it. No one else can reach the files in a
 * private directory; those of older versions are made private too, in case it is opened up again.
 */
const makePrivate = (path: string): void => {
  if (statSync(path).uid !== process.getuid?.()) return;
  const entries = readdirSync(path, { withFileTypes: true });
  // A directory that has other things in it is not all ours.
  if (entries.length > 0 && !entries.some(({ name }) => name === 'format.json')) return;
  chmodSync(path, PRIVATE_DIRECTORY);
  for (const entry of entries.filter(({ name }) => OWN.test(name))) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) chmodSync(inside, PRIVATE_DIRECTORY);
    else if (entry.isFile()) chmodSync(inside, PRIVATE_FILE);
  }
};

/** @throws MR_DATA_DIR_LOCKED, MR_DATA_DIR_NEWER, MR_STORAGE_FAILED */
export const openDataDirectory = (directory: string): DataDirectory => {
  const path = resolve(directory);
  let guard: DatabaseSync;
  try {
    mkdirSync(path, { recursive: true, mode: PRIVATE_DIRECTORY });
    makePrivate(path);
    guard = lock(path);
  } catch (error) {
    throw storageError(error, path);
  }
  try {
    const formatVersion = checkFormat(path);
    writeFileSync(join(path, 'lock.pid'), `${process.pid}\n`);
    return {
      path,
      databasePath: join(path, 'millrace.db'),
      formatVersion,
      close() {
        if (guard.isOpen) guard.close();
      },
    };
  } catch (error) {
    guard.close();
    throw storageError(error, path);
  }
};

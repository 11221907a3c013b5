/** What the backups of both profiles do before and after they copy. */
import { resolve } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import {
  fileListOf,
  type OpenBackupDirectory,
  openForBackup,
} from '#infra/backup/backup-directory.ts';
import {
  type BackedUpFile,
  type BackupEntry,
  type FileList,
  writeCatalog,
} from '#infra/backup/catalog.ts';
import { newId, totalBytes } from '#infra/backup/new-entry.ts';
import { onDisk } from '#infra/shared/sqlite/storage-error.ts';
import { type BackupRun, putBytes } from './backup-files.ts';

export interface BackedUp extends BackupEntry {
  readonly platform: string;
  /** files of this backup that no earlier one had; a piece of the database counts as one */
  readonly newFiles: number;
}

/** @throws MR_REFUSED where the directory of backups is in one of the data */
export const assertOutside = (target: string, data: readonly string[]): void => {
  const around = data.map((one) => resolve(one)).find((one) => `${target}/`.startsWith(`${one}/`));
  if (around !== undefined)
    throw new MillraceError(
      'MR_REFUSED',
      `${target} is in ${around}, which it is to back up: a backup there is lost with it. Name a directory elsewhere, best on another disk.`,
      { path: target },
    );
};

/** Works in the directory of backups. @throws MR_DISK_FULL, MR_STORAGE_FAILED */
export const inBackupDirectory = async <T>(
  target: string,
  work: (directory: OpenBackupDirectory) => Promise<T>,
): Promise<T> =>
  onDisk(target, async () => {
    const directory = await openForBackup(target);
    try {
      return await work(directory);
    } finally {
      await directory.close();
    }
  });

/** @returns the run, and the files of the newest backup */
export const beginRun = async (
  directory: OpenBackupDirectory,
  where: Pick<BackupRun, 'data' | 'prefix'>,
): Promise<{ readonly run: BackupRun; readonly before: readonly BackedUpFile[] }> => {
  const { catalog, content } = directory;
  const last = catalog?.backups.at(-1);
  const before = last === undefined ? [] : (await fileListOf(directory, last)).files;
  const byPath = new Map(before.map((file) => [file.path, file]));
  return { run: { ...where, content, before: byPath, added: new Map() }, before };
};

type Described = Pick<
  BackupEntry,
  'time' | 'logTime' | 'topics' | 'registry' | 'audit' | 'dataFormat'
>;

/** Adds the backup to the catalog: the last step. */
export const addBackup = async (
  { path, catalog, content }: OpenBackupDirectory,
  run: BackupRun,
  list: FileList,
  {
    platform,
    format,
    ...described
  }: Described & {
    readonly platform: string;
    /** of the catalog */
    readonly format: number;
  },
): Promise<BackedUp> => {
  const files = await putBytes(run, Buffer.from(JSON.stringify(list)));
  await content.sync();
  const entry: BackupEntry = {
    id: newId(catalog, described.time),
    ...described,
    bytes: totalBytes([...list.database, ...list.files, files]),
    newBytes: [...run.added.values()].reduce((sum, bytes) => sum + bytes, 0),
    files,
  };
  const backups = [...(catalog?.backups ?? []), entry];
  await writeCatalog(path, { format, platform, backups });
  return { ...entry, platform, newFiles: run.added.size };
};

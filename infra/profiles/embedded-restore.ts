/**
 * Restores a backup into a directory that is absent or empty. All is written to a directory beside
 * it, checked, and renamed in the end: a restore that is killed leaves nothing that could be
 * started.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import { parseRollupTopic } from '#domain/rollups/rollup-name.ts';
import { type BackupDirectory, fileListOf, openBackups } from '#infra/backup/backup-directory.ts';
import { BACKUP_FORMAT, type BackupEntry, type Catalog } from '#infra/backup/catalog.ts';
import { chooseBackup, type Until } from '#infra/backup/choose-backup.ts';
import { pathBelow, restoreFile, syncDirectories } from '#infra/backup/restore-files.ts';
import { FORMAT_VERSION, writeFormat } from '#infra/data-directory/data-directory.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { tablesBelow } from '#infra/iceberg/belongs.ts';
import { cutRollup, cutTable } from '#infra/iceberg/cut-table.ts';
import { makeDirectory, syncPath } from '#infra/shared/files/durable-file.ts';
import { onDisk } from '#infra/shared/sqlite/storage-error.ts';
import { type Cut, cutDatabase } from '#infra/sqlite/cut-database.ts';
import { type DatabaseMoment, describeDatabase } from '#infra/sqlite/describe-database.ts';
import { momentOfPosition } from '#infra/sqlite/moments.ts';

export interface RestoreOptions {
  /** the directory of backups */
  readonly from: string;
  readonly dataDirectory: string;
  /** id of a backup; default: the newest */
  readonly backup?: string;
  readonly until?: Until;
}

export interface Restored {
  readonly backup: string;
  readonly dataDirectory: string;
  readonly platform: string;
  readonly topics: DatabaseMoment['topics'];
  readonly registry: number;
  readonly audit: DatabaseMoment['audit'];
  readonly logTime: number;
  /** tables of the history that `until` took back to an earlier snapshot, or deleted */
  readonly history: readonly { readonly topic: string; readonly became: string }[];
}

const FORMATS = { catalog: BACKUP_FORMAT, data: FORMAT_VERSION };

const assertEmpty = (path: string): void => {
  if (existsSync(path) && readdirSync(path).length > 0)
    throw new MillraceError(
      'MR_REFUSED',
      `${path} is not empty. Restore into an empty or absent directory, and move it to its place afterwards.`,
      { path },
    );
};

const assertWhole = (entry: BackupEntry, catalog: Catalog, found: DatabaseMoment | null): void => {
  const wanted = [catalog.platform, entry.topics, entry.registry, entry.audit, entry.logTime];
  const has =
    found === null
      ? null
      : [found.platform, found.topics, found.registry, found.audit, found.logTime];
  if (JSON.stringify(wanted) !== JSON.stringify(has))
    throw new MillraceError(
      'MR_DATA_DAMAGED',
      `The database of the backup ${entry.id} does not have the positions that the catalog states.`,
      { backup: entry.id },
    );
};

const cutAt = (database: string, until: Until): Cut =>
  'time' in until
    ? { logTime: until.time, registry: null }
    : momentOfPosition(database, until.topic, until.positions);

const cutHistory = async (
  directory: string,
  { topics, logTime }: Pick<DatabaseMoment, 'topics'> & Pick<Cut, 'logTime'>,
): Promise<Restored['history']> => {
  const root = { files: localFiles(), uri: fileUri(join(directory, 'history')) };
  const extents = new Map(topics.map((extent) => [extent.topic, extent]));
  const history: { topic: string; became: string }[] = [];
  for (const topic of await tablesBelow(root)) {
    const became =
      parseRollupTopic(topic) === null
        ? await cutTable(root, topic, extents.get(topic) ?? null)
        : await cutRollup(root, topic, logTime);
    if (became !== 'kept') history.push({ topic, became });
  }
  return history;
};

const fill = async (
  backups: BackupDirectory & { readonly catalog: Catalog },
  entry: BackupEntry,
  directory: string,
  until: Until | undefined,
): Promise<Omit<Restored, 'backup' | 'dataDirectory'>> => {
  const list = await fileListOf(backups, entry);
  const database = join(directory, 'millrace.db');
  await restoreFile(backups.content, database, list.database, 'the database');
  for (const file of list.files)
    await restoreFile(backups.content, pathBelow(directory, file.path), [file], file.path);
  assertWhole(entry, backups.catalog, describeDatabase(database));
  let history: Restored['history'] = [];
  if (until !== undefined) {
    const cut = cutAt(database, until);
    cutDatabase(database, cut);
    const topics = describeDatabase(database)?.topics ?? [];
    history = await cutHistory(directory, { topics, logTime: cut.logTime });
  }
  const moment = describeDatabase(database) as DatabaseMoment;
  // Readers leave empty ones.
  for (const ending of ['-wal', '-shm']) await rm(`${database}${ending}`, { force: true });
  writeFormat(directory, entry.dataFormat);
  await syncDirectories(directory);
  return { ...moment, history };
};

/**
 * @throws MR_NOT_FOUND, MR_REFUSED, MR_DATA_DAMAGED, MR_DATA_DIR_NEWER, MR_DISK_FULL,
 *   MR_STORAGE_FAILED
 */
export const restoreEmbedded = async ({
  from,
  dataDirectory,
  backup,
  until,
}: RestoreOptions): Promise<Restored> => {
  const path = resolve(dataDirectory);
  assertEmpty(path);
  const backups = await openBackups(from);
  const entry = chooseBackup(backups, FORMATS, { backup, until });
  const unfinished = `${path}.restoring`;
  await makeDirectory(dirname(path));
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  try {
    return await onDisk(path, async () => {
      const restored = await fill(backups, entry, unfinished, until);
      assertEmpty(path);
      if (existsSync(path)) await rmdir(path);
      await rename(unfinished, path);
      await syncPath(dirname(path));
      return { backup: entry.id, dataDirectory: path, ...restored };
    });
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
};

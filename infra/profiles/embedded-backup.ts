/**
 * Backs up a data directory while its platform runs, from another process. Nothing is locked:
 *
 *   1. the history: of each table, the newest version, and the files that it has. They never
 *      change; if the platform's maintenance deletes one first, the table's newer version is taken
 *   2. the database, at one moment after that. So the history is never ahead of the log
 *   3. every row of the copy is read and its checksum compared
 *   4. the copy, in pieces: only those that no earlier backup has are stored
 *   5. data sets that were built
 *   6. the list of files, then the catalog
 *
 * Saved states are left out: they are built again from the log.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import type { OpenBackupDirectory } from '#infra/backup/backup-directory.ts';
import { BACKUP_FORMAT, type FileList } from '#infra/backup/catalog.ts';
import { assertSamePlatform } from '#infra/backup/new-entry.ts';
import { FORMAT_VERSION } from '#infra/data-directory/data-directory.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import {
  type BackupRun,
  copyWithoutGap,
  putDatabase,
  putDataSets,
  putHistory,
  type TableCopy,
} from '#infra/profiles/backup-files.ts';
import {
  addBackup,
  assertOutside,
  type BackedUp,
  beginRun,
  inBackupDirectory,
} from '#infra/profiles/new-backup.ts';
import { copyDatabase } from '#infra/sqlite/copy-database.ts';
import {
  checkDatabase,
  type DatabaseMoment,
  describeDatabase,
} from '#infra/sqlite/describe-database.ts';

export interface BackupOptions {
  readonly dataDirectory: string;
  /** the directory of backups */
  readonly to: string;
  readonly now?: () => number;
}

const nothing = (path: string): never => {
  throw new MillraceError(
    'MR_NOT_FOUND',
    `${path} has no platform to back up: it has no millrace.db with a commit. Name the directory of \`millrace serve --data\`.`,
    { path },
  );
};

interface Moment {
  readonly time: number;
  readonly moment: DatabaseMoment;
  readonly topics: DatabaseMoment['topics'];
  readonly tables: readonly TableCopy[];
  /** the copy of the database */
  readonly database: string;
}

const copyMoment = (run: BackupRun, work: string, now: () => number): Promise<Moment> => {
  const root = { files: localFiles(), uri: fileUri(join(run.data, 'history')) };
  return copyWithoutGap(async (attempt) => {
    const tables = await putHistory(run, root);
    const time = now();
    const database = join(work, `millrace-${attempt}.db`);
    await copyDatabase(join(run.data, 'millrace.db'), database);
    const moment = describeDatabase(database) ?? nothing(run.data);
    return { time, moment, tables, topics: moment.topics, database };
  });
};

const assertFormat = (data: string): void => {
  const file = join(data, 'format.json');
  const { format } = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { format: number })
    : { format: 0 };
  if (format > FORMAT_VERSION)
    throw new MillraceError(
      'MR_DATA_DIR_NEWER',
      `The data directory ${data} has format ${format}, written by a newer Millrace; this one reads formats up to ${FORMAT_VERSION}.`,
      { path: data, format, known: FORMAT_VERSION },
    );
};

const backUpTo = async (
  directory: OpenBackupDirectory,
  data: string,
  now: () => number,
): Promise<BackedUp> => {
  const { run } = await beginRun(directory, { data });
  const { time, moment, tables, database } = await copyMoment(run, directory.work, now);
  const { platform, topics, registry, audit, logTime } = moment;
  assertSamePlatform(directory, platform, BACKUP_FORMAT);
  checkDatabase(database);
  const list: FileList = {
    database: await putDatabase(run, database),
    files: [...tables.flatMap(({ files }) => files), ...(await putDataSets(run))],
  };
  const dataFormat = FORMAT_VERSION;
  const described = { time, logTime, topics, registry, audit, dataFormat };
  return addBackup(directory, run, list, { platform, format: BACKUP_FORMAT, ...described });
};

/**
 * @throws MR_NOT_FOUND, MR_REFUSED, MR_DATA_DIR_LOCKED, MR_DATA_MIXED, MR_DATA_DAMAGED,
 *   MR_DISK_FULL, MR_STORAGE_FAILED
 */
export const backUpEmbedded = async ({
  dataDirectory,
  to,
  now = Date.now,
}: BackupOptions): Promise<BackedUp> => {
  const data = resolve(dataDirectory);
  if (!existsSync(join(data, 'millrace.db'))) nothing(data);
  assertFormat(data);
  const target = resolve(to);
  assertOutside(target, [data]);
  return inBackupDirectory(target, (directory) => backUpTo(directory, data, now));
};

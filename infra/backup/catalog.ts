/**
 * `catalog.json`: the backups of a directory. It is replaced as the last step of a backup, in one
 * step, so a backup that is killed leaves the catalog of the ones before it. It has a checksum, and
 * that of each backup's list of files, which has those of the files.
 */
import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '#domain/errors.ts';
import { isMissing, syncPath } from '#infra/shared/files/durable-file.ts';
import type { Content } from './content-store.ts';

/** Increased when an older Millrace would misread a backup. 2: of the stack profile. */
export const BACKUP_FORMAT = 1;
export const STACK_BACKUP_FORMAT = 2;

export interface TopicPositions {
  readonly topic: string;
  /** by partition: first offset, next offset */
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

/** A backup, without its list of files. */
export interface BackupEntry {
  readonly id: string;
  /** epoch ms: all that was acknowledged before is in it */
  readonly time: number;
  /** log time of the newest commit, epoch ms */
  readonly logTime: number;
  readonly topics: readonly TopicPositions[];
  /** position of the registry's newest commit */
  readonly registry: number;
  /** the newest record of the audit chain */
  readonly audit: { readonly sequence: number; readonly hash: string } | null;
  /** of all its files */
  readonly bytes: number;
  /** of the files that no earlier backup had */
  readonly newBytes: number;
  /** version of the data directory's format */
  readonly dataFormat: number;
  /** its list of files, a `FileList` as JSON */
  readonly files: Content;
}

export interface BackedUpFile extends Content {
  /** below the data directory; of the stack profile: see infra/profiles/stack-copy.ts */
  readonly path: string;
}

export interface FileList {
  /** the database, in pieces; of the stack profile: none */
  readonly database: readonly Content[];
  readonly files: readonly BackedUpFile[];
}

export interface Catalog {
  /** which profile made the backups: all are of one */
  readonly format: number;
  /** the id of the platform whose backups these are, a UUID */
  readonly platform: string;
  /** oldest first */
  readonly backups: readonly BackupEntry[];
}

const checksumOf = (catalog: Catalog): string =>
  createHash('sha256').update(JSON.stringify(catalog)).digest('hex');

const pathOf = (directory: string): string => join(directory, 'catalog.json');

const damaged = (path: string, why: string): never => {
  throw new MillraceError(
    'MR_DATA_DAMAGED',
    `The catalog of backups ${path} is damaged: ${why}. Put back a copy of it, or back up to another directory.`,
    { path },
  );
};

const parse = (path: string, text: string): Catalog => {
  let stored: { readonly checksum: string; readonly catalog: Catalog };
  try {
    stored = JSON.parse(text);
    if (checksumOf(stored.catalog) !== stored.checksum)
      return damaged(path, 'its checksum does not fit its content');
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    return damaged(path, 'it cannot be read as JSON');
  }
  const { catalog } = stored;
  if (catalog.format > STACK_BACKUP_FORMAT)
    throw new MillraceError(
      'MR_DATA_DIR_NEWER',
      `The catalog of backups ${path} has format ${catalog.format}, written by a newer Millrace; this one reads formats up to ${STACK_BACKUP_FORMAT}.`,
      { path, format: catalog.format, known: STACK_BACKUP_FORMAT },
    );
  return catalog;
};

/**
 * null: no backup was made to this directory
 * @throws MR_DATA_DAMAGED, MR_DATA_DIR_NEWER
 */
export const readCatalog = async (directory: string): Promise<Catalog | null> => {
  const path = pathOf(directory);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  return text === null ? null : parse(path, text);
};

/** Durable when it resolves. */
export const writeCatalog = async (directory: string, catalog: Catalog): Promise<void> => {
  const temporary = join(directory, `catalog-${randomUUID()}.tmp`);
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ checksum: checksumOf(catalog), catalog })}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, pathOf(directory));
  await syncPath(directory);
};

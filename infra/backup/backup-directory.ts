/**
 * A directory of backups: `catalog.json`, `content/`, and, while a backup is made, `work/`. One
 * process at a time writes to it: it holds SQLite's lock on `lock.db`, which the operating system
 * releases when the process dies.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '#domain/errors.ts';
import { makeDirectory } from '#infra/shared/files/durable-file.ts';
import { lockDirectory } from '#infra/shared/sqlite/directory-lock.ts';
import { type BackupEntry, type Catalog, type FileList, readCatalog } from './catalog.ts';
import { type ContentStore, openContentStore } from './content-store.ts';

export interface BackupDirectory {
  readonly path: string;
  readonly content: ContentStore;
  /** null: it has no backup yet */
  readonly catalog: Catalog | null;
}

export interface OpenBackupDirectory extends BackupDirectory {
  /** an empty directory for what is needed only while the backup is made */
  readonly work: string;
  readonly close: () => Promise<void>;
}

const lock = (path: string): DatabaseSync =>
  lockDirectory(
    path,
    () =>
      new MillraceError(
        'MR_DATA_DIR_LOCKED',
        `Another process is making or deleting backups in ${path}; wait until it has ended.`,
        { path },
      ),
  );

const OWN = ['catalog.json', 'content', 'work', 'lock.db', 'lock.db-journal'];
const isOwn = (name: string): boolean => OWN.includes(name) || /^catalog-.*\.tmp$/.test(name);

/** @throws MR_REFUSED where the directory has other files */
const assertForBackups = async (path: string): Promise<void> => {
  const other = (await readdir(path)).find((name) => !isOwn(name));
  if (other !== undefined)
    throw new MillraceError(
      'MR_REFUSED',
      `${path} is no directory of backups: it has ${other}. Name an empty directory, or one that backups were made to.`,
      { path, name: other },
    );
};

const noBackup = (path: string): never => {
  throw new MillraceError(
    'MR_NOT_FOUND',
    `${path} has no backup: it has no catalog.json. Name the directory that \`millrace backup\` wrote to.`,
    { path },
  );
};

/** To add or delete backups. @param make false: only a directory that has a catalog */
export const openForBackup = async (
  directory: string,
  { make = true }: { readonly make?: boolean } = {},
): Promise<OpenBackupDirectory> => {
  const path = resolve(directory);
  if (!make && !existsSync(join(path, 'catalog.json'))) noBackup(path);
  await makeDirectory(path);
  await assertForBackups(path);
  const guard = lock(path);
  const work = join(path, 'work');
  try {
    const content = openContentStore(path);
    const catalog = await readCatalog(path);
    await content.deleteUnfinished();
    for (const name of await readdir(path))
      if (name.endsWith('.tmp')) await rm(join(path, name), { force: true });
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { mode: 0o700 });
    return {
      path,
      content,
      catalog,
      work,
      async close() {
        await rm(work, { recursive: true, force: true });
        guard.close();
      },
    };
  } catch (error) {
    guard.close();
    throw error;
  }
};

/**
 * To list, verify or restore: changes nothing. It takes no lock: files are only added, except by
 * `prune`, which deletes those of backups that its catalog no longer has.
 */
export const openBackups = async (
  directory: string,
): Promise<BackupDirectory & { readonly catalog: Catalog }> => {
  const path = resolve(directory);
  const catalog = await readCatalog(path);
  if (catalog === null) return noBackup(path);
  return { path, content: openContentStore(path), catalog };
};

/** @throws MR_DATA_DAMAGED */
export const fileListOf = async (
  { content }: Pick<BackupDirectory, 'content'>,
  { id, files }: BackupEntry,
): Promise<FileList> =>
  JSON.parse(Buffer.from(await content.read(files, `the list of files of ${id}`)).toString());

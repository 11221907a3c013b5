/**
 * Deletes backups, and the content that no kept one has:
 *
 *   1. the lists of files of those that are kept are read: what they name stays
 *   2. the catalog, without the others
 *   3. content that is not named
 *
 * Whenever it is killed, each backup of the catalog is whole. What it leaves behind, and what a
 * backup that was killed has left, the next one deletes.
 */
import { MillraceError } from '#domain/errors.ts';
import { fileListOf, type OpenBackupDirectory, openForBackup } from './backup-directory.ts';
import { type BackupEntry, writeCatalog } from './catalog.ts';

export interface PruneOptions {
  /** the directory of backups */
  readonly from: string;
  /** how many of the newest are kept; absent: as many as are not too old */
  readonly keep?: number | undefined;
  /** ms: older ones are deleted; absent: age does not matter */
  readonly olderThanMs?: number | undefined;
  /** also the newest one, if the other options say so */
  readonly evenLast?: boolean | undefined;
  readonly now?: () => number;
  /** called before each step; tests stop it there */
  readonly checkpoint?: () => void;
}

export interface Pruned {
  /** ids of the backups that were deleted, oldest first */
  readonly deleted: readonly string[];
  readonly kept: readonly string[];
  /** content that was deleted */
  readonly files: number;
  readonly bytes: number;
}

const choose = (
  backups: readonly BackupEntry[],
  { keep, olderThanMs, evenLast = false }: PruneOptions,
  now: number,
): readonly BackupEntry[] => {
  const newest = backups.at(-1);
  return backups.filter((entry, i) => {
    if (entry === newest && !evenLast) return true;
    if (keep !== undefined && i < backups.length - keep) return false;
    return olderThanMs === undefined || entry.time >= now - olderThanMs;
  });
};

const assertOptions = ({ keep, olderThanMs, evenLast = false }: PruneOptions): void => {
  if (keep === undefined && olderThanMs === undefined)
    throw new MillraceError(
      'MR_PARAMETER_INVALID',
      'backup prune needs --keep, the number of backups to keep, or --older-than, an age such as 30d.',
    );
  if (keep === 0 && !evenLast)
    throw new MillraceError(
      'MR_REFUSED',
      '--keep 0 deletes the last backup, too. If you want that, add --even-last.',
    );
};

const pruneIn = async (directory: OpenBackupDirectory, options: PruneOptions): Promise<Pruned> => {
  const { path, content, catalog } = directory;
  const { now = Date.now, checkpoint = () => {} } = options;
  if (catalog === null) return { deleted: [], kept: [], files: 0, bytes: 0 };
  const kept = choose(catalog.backups, options, now());
  const named = new Set<string>();
  for (const entry of kept) {
    const { database, files } = await fileListOf(directory, entry);
    for (const { sha256 } of [entry.files, ...database, ...files]) named.add(sha256);
  }
  const deleted = catalog.backups.filter((entry) => !kept.includes(entry));
  if (deleted.length > 0) {
    checkpoint();
    await writeCatalog(path, { ...catalog, backups: kept });
  }
  const freed = await content.keepOnly(named, checkpoint);
  const idsOf = (backups: readonly BackupEntry[]): readonly string[] => backups.map(({ id }) => id);
  return { deleted: idsOf(deleted), kept: idsOf(kept), ...freed };
};

/**
 * @throws MR_PARAMETER_INVALID, MR_REFUSED, MR_NOT_FOUND, MR_DATA_DIR_LOCKED; MR_DATA_DAMAGED where
 *   the list of files of a kept backup cannot be read: nothing says what it needs
 */
export const pruneBackups = async (options: PruneOptions): Promise<Pruned> => {
  assertOptions(options);
  const directory = await openForBackup(options.from, { make: false });
  try {
    return await pruneIn(directory, options);
  } finally {
    await directory.close();
  }
};

export const prunedText = ({ deleted, kept, files, bytes }: Pruned): string =>
  `${deleted.length === 0 ? 'no backup was deleted' : `deleted ${deleted.join(', ')}`}; ${kept.length} ${kept.length === 1 ? 'is' : 'are'} kept; ${files} files with ${(bytes / 2 ** 20).toFixed(1)} MiB were freed`;

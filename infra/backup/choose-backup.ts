/** Which backup of a directory is restored, and up to when. */
import { MillraceError } from '#domain/errors.ts';
import type { Position } from '#domain/values/value.ts';
import type { BackupDirectory } from './backup-directory.ts';
import { type BackupEntry, type Catalog, STACK_BACKUP_FORMAT } from './catalog.ts';

/** The last moment to restore: a time (epoch ms), or positions of a topic. */
export type Until =
  | { readonly time: number }
  | { readonly topic: string; readonly positions: readonly Position[] };

const choose = (
  { path, catalog }: BackupDirectory & { readonly catalog: Catalog },
  id?: string,
): BackupEntry => {
  const ids = catalog.backups.map((entry) => entry.id);
  const found =
    id === undefined ? catalog.backups.at(-1) : catalog.backups.find((b) => b.id === id);
  if (found !== undefined) return found;
  throw new MillraceError(
    'MR_NOT_FOUND',
    `${path} has no backup ${id ?? ''}; it has ${ids.join(', ') || 'none'}.`,
    { path, backup: id ?? null },
  );
};

const assertReaches = (
  { id, time, logTime, dataFormat }: BackupEntry,
  known: number,
  until?: Until,
): void => {
  if (dataFormat > known)
    throw new MillraceError(
      'MR_DATA_DIR_NEWER',
      `The backup ${id} has format ${dataFormat}, written by a newer Millrace; this one reads formats up to ${known}.`,
      { backup: id, format: dataFormat, known },
    );
  const reached = Math.max(time, logTime);
  if (until !== undefined && 'time' in until && until.time > reached)
    throw new MillraceError(
      'MR_REFUSED',
      `The backup ${id} ends at ${new Date(reached).toISOString()}, before the time to restore. Name an earlier time, or a later backup.`,
      { backup: id, until: until.time, reached },
    );
};

/** What a profile's restore reads. */
export interface ReadableFormats {
  readonly catalog: number;
  /** the newest format of the data */
  readonly data: number;
}

/**
 * @throws MR_NOT_FOUND, MR_REFUSED, MR_DATA_DIR_NEWER
 */
export const chooseBackup = (
  backups: BackupDirectory & { readonly catalog: Catalog },
  format: ReadableFormats,
  { backup, until }: { readonly backup?: string | undefined; readonly until?: Until | undefined },
): BackupEntry => {
  if (backups.catalog.format !== format.catalog)
    throw new MillraceError(
      'MR_REFUSED',
      format.catalog === STACK_BACKUP_FORMAT
        ? `${backups.path} has backups of the embedded profile: restore them with --data.`
        : `${backups.path} has backups of the stack profile: restore them with --profile stack.`,
      { path: backups.path },
    );
  const entry = choose(backups, backup);
  assertReaches(entry, format.data, until);
  return entry;
};

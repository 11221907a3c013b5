/** What the backups of both profiles share when they add one to a directory. */
import { MillraceError } from '#domain/errors.ts';
import type { BackupDirectory } from './backup-directory.ts';
import { type Catalog, STACK_BACKUP_FORMAT } from './catalog.ts';
import type { Content } from './content-store.ts';

/** `2026-02-01T12-00-00-000Z`, followed by a number where there is such a backup. */
export const newId = (catalog: Catalog | null, time: number): string => {
  const base = new Date(time).toISOString().replaceAll(/[:.]/g, '-');
  const taken = new Set(catalog?.backups.map(({ id }) => id));
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
  return id;
};

export const totalBytes = (contents: readonly Content[]): number =>
  contents.reduce((sum, { bytes }) => sum + bytes, 0);

const profileOf = (format: number): string =>
  format === STACK_BACKUP_FORMAT ? 'stack' : 'embedded';

/** @throws MR_DATA_MIXED where the directory has backups of another platform or profile */
export const assertSamePlatform = (
  { path, catalog }: Pick<BackupDirectory, 'path' | 'catalog'>,
  platform: string,
  format: number,
): void => {
  if (catalog === null) return;
  if (catalog.format !== format)
    throw new MillraceError(
      'MR_DATA_MIXED',
      `${path} has backups of the ${profileOf(catalog.format)} profile, not of the ${profileOf(format)} profile. Name another directory, or the other --profile.`,
      { path, format: catalog.format },
    );
  if (catalog.platform !== platform)
    throw new MillraceError(
      'MR_DATA_MIXED',
      `${path} has backups of another platform (${catalog.platform}, not ${platform}). Back up to another directory.`,
      { path, owner: catalog.platform, platform },
    );
};

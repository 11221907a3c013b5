/** Reads every file of every backup, each once, and compares it with its checksum. */
import { messageOf } from '#domain/error-message.ts';
import { type BackupDirectory, fileListOf } from './backup-directory.ts';
import type { Catalog } from './catalog.ts';
import type { Content } from './content-store.ts';

export interface VerifiedBackup {
  readonly id: string;
  /** what is wrong with it; empty: it is whole */
  readonly damage: readonly string[];
}

export interface VerifiedBackups {
  /** files read, and their size */
  readonly files: number;
  readonly bytes: number;
  readonly backups: readonly VerifiedBackup[];
}

export const verifyBackups = async (
  directory: BackupDirectory & { readonly catalog: Catalog },
): Promise<VerifiedBackups> => {
  const { content, catalog } = directory;
  /** SHA-256 → what is wrong with it; null: nothing */
  const checked = new Map<string, string | null>();
  let bytes = 0;
  const check = async (file: Content, what: string): Promise<string | null> => {
    const known = checked.get(file.sha256);
    if (known !== undefined) return known;
    let damage: string | null = null;
    try {
      for await (const piece of content.pieces(file, what)) bytes += piece.length;
    } catch (error) {
      damage = messageOf(error);
    }
    checked.set(file.sha256, damage);
    return damage;
  };
  const backups: VerifiedBackup[] = [];
  for (const entry of catalog.backups) {
    const found = [await check(entry.files, `the list of files of ${entry.id}`)];
    if (found[0] === null) {
      const { database, files } = await fileListOf(directory, entry);
      for (const piece of database) found.push(await check(piece, 'the database'));
      for (const file of files) found.push(await check(file, file.path));
    }
    backups.push({ id: entry.id, damage: found.filter((damage) => damage !== null) });
  }
  return { files: checked.size, bytes, backups };
};

/**
 * Whether the directories of the stack belong to the registry's database: each has the platform's
 * id in a file, which is made when the platform first starts on it.
 */

import { MillraceError } from '#domain/errors.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { tablesBelow } from '#infra/iceberg/belongs.ts';
import type { MysqlPlatform } from '#infra/mysql/platform.ts';
import { makeMark, markUri, readMark } from '#infra/shared/files/platform-mark.ts';

export interface OwnedDirectory {
  /** for the database and for messages: `Iceberg warehouse` */
  readonly name: string;
  readonly directory: Directory;
  /** Whether a platform has written there. */
  readonly isUsed: () => Promise<boolean>;
}

/** A directory in which a platform has written all files but its mark. */
export const filesOf = (name: string, directory: Directory): OwnedDirectory => ({
  name,
  directory,
  isUsed: async () => (await directory.files.list(directory.uri)).length > 0,
});

export const ownedDirectories = (places: {
  readonly iceberg: Directory;
  readonly paimon: Directory;
  readonly jobs: Directory;
}): readonly OwnedDirectory[] => {
  const { iceberg, paimon, jobs } = places;
  return [
    {
      name: 'Iceberg warehouse',
      directory: iceberg,
      isUsed: async () => (await tablesBelow(iceberg)).length > 0,
    },
    filesOf('Paimon warehouse', paimon),
    filesOf('store of Flink jobs', jobs),
  ];
};

const mixed = (message: string, directory: Directory): MillraceError =>
  new MillraceError('MR_DATA_MIXED', message, { location: directory.uri });

interface MarkOptions {
  readonly platform: Pick<MysqlPlatform, 'marked' | 'noteMarked'>;
  readonly id: string;
  /** true: the database has no commit */
  readonly databaseIsNew: boolean;
  readonly owned: readonly OwnedDirectory[];
}

/** How a directory contradicts the database; null: it belongs to it. */
const contradiction = async (
  { id, databaseIsNew }: MarkOptions,
  { name, directory, isUsed }: OwnedDirectory,
  wasMarked: boolean,
): Promise<MillraceError | null> => {
  const mark = await readMark(directory);
  if (mark === id) return null;
  const where = `The ${name} at ${directory.uri}`;
  if (mark !== null)
    return mixed(
      databaseIsNew
        ? `The registry's database is new or empty, but ${where.toLowerCase()} belongs to the platform ${mark}. Put back its database. If that is lost, run \`millrace stack repair\`, which takes the registry from the topic registry. For an empty platform, use servers and directories of its own.`
        : `${where} belongs to another platform (${mark}, not ${id}). Put back the one that belongs to this registry, or correct the addresses.`,
      directory,
    );
  if (wasMarked)
    return mixed(
      `${where} has lost its mark: it is empty, not mounted, or another one. Put it back. To go on without what it had, write ${id} into ${markUri(directory)}.`,
      directory,
    );
  if (databaseIsNew && (await isUsed()))
    return mixed(
      `The registry's database is new or empty, but ${where.toLowerCase()} has data. Put back the database that belongs to it. For an empty platform, use directories of its own.`,
      directory,
    );
  return null;
};

/** Where directories belong to other platforms or none; empty: nowhere. Changes nothing. */
export const foreignDirectories = async (
  options: MarkOptions,
): Promise<readonly MillraceError[]> => {
  const marked = await options.platform.marked();
  const found: MillraceError[] = [];
  for (const owned of options.owned) {
    const error = await contradiction(options, owned, marked.has(owned.name));
    if (error !== null) found.push(error);
  }
  return found;
};

/** Marks the directories that have no mark. @throws MR_DATA_MIXED where one is not ours */
export const markDirectories = async (options: MarkOptions): Promise<void> => {
  const [first] = await foreignDirectories(options);
  if (first !== undefined) throw first;
  const { owned, id, platform } = options;
  for (const { name, directory } of owned) {
    const mark = await makeMark(directory, id);
    if (mark !== id)
      throw mixed(
        `The ${name} at ${directory.uri} was just taken by another platform (${mark}, not ${id}).`,
        directory,
      );
    await platform.noteMarked(name);
  }
};

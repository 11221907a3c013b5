/**
 * Whether the tables of a directory belong to the log beside them. A directory that was put
 * together from copies of different moments would count events twice, and one of two platforms
 * would mix their values, so the platform does not start on it.
 */
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { type Directory, nameOf } from '#domain/ports/file-io.ts';
import type { Log } from '#domain/ports/log.ts';
import { currentSnapshot, endOffsetsOf, platformOf } from '#infra/shared/iceberg/metadata.ts';
import { loadTable, tableDirectory } from '#infra/shared/iceberg/table-directory.ts';

export interface BelongsOptions {
  readonly root: Directory;
  readonly log: Pick<Log, 'topics' | 'end'>;
  /** the platform's id */
  readonly platform: string;
  /** true: the database has nothing */
  readonly databaseIsNew: boolean;
  /** called with a table that is damaged: the others can be used */
  readonly warn: (message: string) => void;
}

const mixed = (message: string, details: Readonly<Record<string, string | number>>): never => {
  throw new MillraceError('MR_DATA_MIXED', message, details);
};

const METADATA = /\/([^/]+)\/([^/]+)\/metadata\/version-hint\.text$/;

/** Topics of the tables below the root: <root>/raw/flights is raw.flights. */
export const tablesBelow = async ({ files, uri }: Directory): Promise<readonly string[]> =>
  (await files.list(uri)).flatMap((file) => {
    const [, namespace, table] = METADATA.exec(file) ?? [];
    return namespace === undefined || table === undefined
      ? []
      : [`${nameOf(namespace)}.${nameOf(table)}`];
  });

/** @throws MR_DATA_MIXED */
export const assertTablesBelong = async (options: BelongsOptions): Promise<void> => {
  const { root, log, platform, databaseIsNew, warn } = options;
  const topics = await tablesBelow(root);
  if (databaseIsNew && topics.length > 0)
    mixed(
      `The database is new or empty, but ${root.uri} has the history of ${topics[0]}. Put back the database that belongs to it, restore a backup, or move the history away to start an empty platform.`,
      { location: root.uri, topic: topics[0] as string },
    );
  const inLog = new Set((await log.topics()).map(({ topic }) => topic));
  for (const topic of topics) {
    const table = tableDirectory(root, topic);
    let loaded: Awaited<ReturnType<typeof loadTable>>;
    try {
      loaded = await loadTable(table);
    } catch (error) {
      warn(`the history of ${topic} cannot be used: ${messageOf(error)}`);
      continue;
    }
    if (loaded === null) continue;
    const owner = platformOf(loaded.metadata);
    if (owner !== null && owner !== platform)
      mixed(
        `The history of ${topic} in ${root.uri} belongs to another platform (${owner}, not ${platform}). Move it away, or put back the database that belongs to it.`,
        { topic, owner, platform },
      );
    const reached = endOffsetsOf(currentSnapshot(loaded.metadata));
    const ends = inLog.has(topic) ? await log.end(topic) : [];
    reached.forEach((offset, partition) => {
      const end = ends[partition] ?? 0;
      if (offset > end)
        mixed(
          `The history of ${topic} reaches offset ${offset} of partition ${partition}, but the log ends at ${end}: the database is older than the history beside it. Put back the newer database, restore a backup, or run \`millrace repair\`, which takes the records that the log lacks from the history.`,
          { topic, partition, offset, end },
        );
    });
  }
};

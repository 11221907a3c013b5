/**
 * Whether the tables of a directory belong to the log beside them. A directory that was put
 * together from copies of different moments would count events twice, and one of two platforms
 * would mix their values, so the platform does not start on it.
 */
import type { Damage } from '#domain/api/verification.ts';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { type Directory, nameOf } from '#domain/ports/file-io.ts';
import type { Log } from '#domain/ports/log.ts';
import { hasHistory, isFeaturesTopic, isRawTopic } from '#domain/ports/topics.ts';
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

const METADATA = /\/([^/]+)\/([^/]+)\/metadata\/(?:version-hint\.text|v\d+\.metadata\.json)$/;

/** Topics of the tables below the root: <root>/raw/flights is raw.flights. */
export const tablesBelow = async ({ files, uri }: Directory): Promise<readonly string[]> => {
  const topics = (await files.list(uri)).flatMap((file) => {
    const [, namespace, table] = METADATA.exec(file) ?? [];
    return namespace === undefined || table === undefined
      ? []
      : [`${nameOf(namespace)}.${nameOf(table)}`];
  });
  return [...new Set(topics)];
};

export interface Stray {
  readonly topic: string;
  /** what is wrong, as a sentence */
  readonly message: string;
  readonly details: Readonly<Record<string, string | number>>;
  /** null: it is of another platform */
  readonly ahead: TableAhead | null;
}

export interface StrayOptions {
  readonly root: Directory;
  readonly platform: string;
  /** absent: every table is looked at */
  readonly isWanted?: (topic: string) => boolean;
  /**
   * The table's next offset by partition, where its writer does not state it; absent: the summary
   * of its newest snapshot has it.
   */
  readonly reachedOf?: (topic: string) => Promise<readonly number[]>;
  /** the log's next offset by partition; empty where it has no such topic */
  readonly endOf: (topic: string) => readonly number[] | Promise<readonly number[]>;
  /** called with a table that cannot be read */
  readonly onDamaged?: (topic: string, error: unknown) => void;
}

/** Tables of another platform, and tables that are ahead of the log. */
export const strayTables = async (options: StrayOptions): Promise<readonly Stray[]> => {
  const { root, platform, reachedOf, endOf, isWanted = () => true, onDamaged = () => {} } = options;
  const strays: Stray[] = [];
  for (const topic of (await tablesBelow(root)).filter(isWanted)) {
    let owner: string | null;
    let reached: readonly number[] = [];
    try {
      const loaded = await loadTable(tableDirectory(root, topic));
      if (loaded === null) continue;
      owner = platformOf(loaded.metadata);
      if (owner === null || owner === platform)
        reached = (await reachedOf?.(topic)) ?? endOffsetsOf(currentSnapshot(loaded.metadata));
    } catch (error) {
      onDamaged(topic, error);
      continue;
    }
    if (owner !== null && owner !== platform) {
      const message = `The history of ${topic} in ${root.uri} belongs to another platform (${owner}, not ${platform})`;
      strays.push({ topic, message, details: { topic, owner, platform }, ahead: null });
      continue;
    }
    const ends = await endOf(topic);
    reached.forEach((offset, partition) => {
      const end = ends[partition] ?? 0;
      if (offset <= end) return;
      const message = `The history of ${topic} reaches offset ${offset} of partition ${partition}, but the log ends at ${end}: the log is older than its history`;
      const ahead = { topic, partition, offset, end };
      strays.push({ topic, message, details: ahead, ahead });
    });
  }
  return strays;
};

interface TableAhead {
  readonly topic: string;
  readonly partition: number;
  /** the table's next offset, after the log's */
  readonly offset: number;
  readonly end: number;
}

/** Tables with records that the log lacks. */
export const tablesAhead = async (options: StrayOptions): Promise<readonly TableAhead[]> =>
  (await strayTables(options)).flatMap(({ ahead }) => ahead ?? []);

const TAKE_RECORDS = 'take the records that the log lacks from the history';
const WRITE_ANEW = 'write the table anew from the log';

/** The same as damage, for `millrace verify`. */
export const historyAhead = async (options: StrayOptions): Promise<readonly Damage[]> =>
  (await strayTables(options)).map(({ topic, message, ahead }) => ({
    part: 'history',
    what: `the table of ${topic}`,
    why: message,
    repair: ahead === null ? null : isRawTopic(topic) ? TAKE_RECORDS : WRITE_ANEW,
  }));

interface BehindOptions {
  readonly root: Directory;
  /** topics of the log */
  readonly topics: readonly string[];
  /** the first offset that the log has, by partition */
  readonly beginOf: (topic: string) => readonly number[];
}

/**
 * Tables that end before the log begins: the events between are in neither. A table of
 * `features.…` that is missing is none: of a view that was computed anew, nothing needs the earlier
 * updates.
 */
export const historyBehind = async ({
  root,
  topics,
  beginOf,
}: BehindOptions): Promise<readonly Damage[]> => {
  const found: Damage[] = [];
  for (const topic of topics) {
    const begins = beginOf(topic);
    if (!hasHistory(topic) || begins.every((begin) => begin === 0)) continue;
    let loaded: Awaited<ReturnType<typeof loadTable>>;
    try {
      loaded = await loadTable(tableDirectory(root, topic));
    } catch {
      // A damaged table is reported as such.
      continue;
    }
    if (loaded === null && isFeaturesTopic(topic)) continue;
    const ends = loaded === null ? [] : endOffsetsOf(currentSnapshot(loaded.metadata));
    begins.forEach((begin, partition) => {
      const end = ends[partition] ?? 0;
      if (begin > end)
        found.push({
          part: 'history',
          what: `the table of ${topic}`,
          why: `it ends at offset ${end} of partition ${partition}, and the log begins at ${begin}: offsets ${end} to ${begin - 1} are in neither`,
          repair: null,
        });
    });
  }
  return found;
};

/** @throws MR_DATA_MIXED */
export const assertTablesBelong = async (options: BelongsOptions): Promise<void> => {
  const { root, log, platform, databaseIsNew, warn } = options;
  const topics = databaseIsNew ? await tablesBelow(root) : [];
  if (topics.length > 0)
    mixed(
      `The database is new or empty, but ${root.uri} has the history of ${topics[0]}. Put back the database that belongs to it, restore a backup, or move the history away to start an empty platform.`,
      { location: root.uri, topic: topics[0] as string },
    );
  const inLog = new Set((await log.topics()).map(({ topic }) => topic));
  const [stray] = await strayTables({
    root,
    platform,
    endOf: async (topic) => (inLog.has(topic) ? log.end(topic) : []),
    onDamaged: (topic, error) =>
      warn(`the history of ${topic} cannot be used: ${messageOf(error)}`),
  });
  if (stray === undefined) return;
  const remedy =
    stray.ahead !== null
      ? 'Put back the newer database, restore a backup, or run `millrace repair`, which takes the records that the log lacks from the history.'
      : 'Move it away, or put back the database that belongs to it.';
  mixed(`${stray.message}. ${remedy}`, stray.details);
};

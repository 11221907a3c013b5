/**
 * Restores a backup of the stack profile onto servers that have no platform: first all that records
 * need (schemas), then the log, the history, and last the registry. All is checked before anything
 * is written. A restore that is killed is started again on emptied servers.
 */
import { randomUUID } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { closingAfter } from '#domain/closing.ts';
import { MillraceError } from '#domain/errors.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { type BackupDirectory, fileListOf, openBackups } from '#infra/backup/backup-directory.ts';
import { type BackedUpFile, type BackupEntry, STACK_BACKUP_FORMAT } from '#infra/backup/catalog.ts';
import { chooseBackup, type Until } from '#infra/backup/choose-backup.ts';
import { pathBelow, restoreFile, syncDirectories } from '#infra/backup/restore-files.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { CopiedPartition, CutLog } from '#infra/kafka/copy/cut-batches.ts';
import { openBatchReader, type TopicExtent } from '#infra/kafka/copy/read-batches.ts';
import { openBatchWriter } from '#infra/kafka/copy/write-batches.ts';
import { openMysql } from '#infra/mysql/database.ts';
import { loadRegistry, type RegistryCopy, timeOfCommit } from '#infra/mysql/registry-copy.ts';
import type { Restored } from '#infra/profiles/embedded-restore.ts';
import { assertEmptyStack } from '#infra/profiles/empty-stack.ts';
import { syncPath } from '#infra/shared/files/durable-file.ts';
import { onDisk } from '#infra/shared/sqlite/storage-error.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import {
  auditHeadOf,
  cutRegistry,
  HISTORY_PREFIX,
  lastCommitAt,
  MOMENT_FILE,
  registryOfFiles,
  type StackMoment,
} from './stack-copy.ts';
import { assertMovable, cutTables, extentsOf, topicOfFile } from './stack-history-restore.ts';
import {
  copiedPartitions,
  cutLog,
  publishedCommits,
  restoreLog,
  restoreSchemas,
} from './stack-log-restore.ts';

export interface StackRestoreOptions {
  /** the directory of backups */
  readonly from: string;
  readonly addresses: StackAddresses;
  /** id of a backup; default: the newest */
  readonly backup?: string;
  readonly until?: Until;
}

export type StackRestored = Omit<Restored, 'dataDirectory'>;

/** A backup, cut at a moment: what is to be written. */
export interface StackCut {
  readonly entry: BackupEntry;
  readonly moment: StackMoment;
  readonly files: readonly BackedUpFile[];
  readonly log: CutLog;
  readonly registry: RegistryCopy;
}

const FORMATS = { catalog: STACK_BACKUP_FORMAT, data: STACK_BACKUP_FORMAT };

/** The log time of the last record below the positions. */
const timeOfPositions = async (
  partitions: readonly CopiedPartition[],
  { topic, positions }: Extract<Until, { readonly topic: string }>,
): Promise<number> => {
  let time = Number.NEGATIVE_INFINITY;
  for (const { partition, offset } of positions) {
    const copied = partitions.find((one) => one.topic === topic && one.partition === partition);
    if (copied === undefined || offset > copied.end || offset <= copied.begin)
      throw new MillraceError(
        'MR_REFUSED',
        `The backup's log has no record below ${topic}@${partition}:${offset}${copied === undefined ? '' : `: it has ${copied.begin} to ${copied.end}`}.`,
        { topic, partition, offset },
      );
    for await (const batch of copied.batches()) {
      if (batch.first >= offset) break;
      time = Math.max(time, batch.time);
    }
  }
  return time;
};

const momentOf = async (
  until: Until | undefined,
  partitions: readonly CopiedPartition[],
  { commits }: RegistryCopy,
): Promise<{ readonly time: number; readonly registry: number | null }> => {
  if (until === undefined) return { time: Number.POSITIVE_INFINITY, registry: null };
  if ('time' in until) return { time: until.time, registry: null };
  if (until.topic !== REGISTRY_TOPIC)
    return { time: await timeOfPositions(partitions, until), registry: null };
  // Positions of the registry are its commits.
  const position = until.positions[0]?.offset ?? 0;
  const commit = commits[position - 1];
  if (commit === undefined)
    throw new MillraceError(
      'MR_REFUSED',
      `The backup's registry has no commit ${position}: it has 1 to ${commits.length}.`,
      { position },
    );
  return { time: timeOfCommit(commit), registry: position };
};

const reader =
  ({ content }: Pick<BackupDirectory, 'content'>, files: readonly BackedUpFile[]) =>
  async (path: string): Promise<Uint8Array | null> => {
    const file = files.find((one) => one.path === path);
    return file === undefined ? null : content.read(file, path);
  };

/**
 * Reads a backup up to a moment, and checks that it can be restored.
 * @throws MR_NOT_FOUND, MR_REFUSED, MR_DATA_DAMAGED, MR_DATA_MIXED
 */
export const openStackCut = async (
  from: string,
  { backup, until }: Pick<StackRestoreOptions, 'backup' | 'until'>,
): Promise<StackCut & { readonly backups: BackupDirectory }> => {
  const backups = await openBackups(from);
  const entry = chooseBackup(backups, FORMATS, { backup, until });
  const list = await fileListOf(backups, entry);
  const read = reader(backups, list.files);
  const text = Buffer.from((await read(MOMENT_FILE)) ?? '{}').toString();
  const moment = JSON.parse(text) as StackMoment;
  const registry = await registryOfFiles(read);
  const partitions = copiedPartitions(backups, list, moment);
  const at = await momentOf(until, partitions, registry);
  const log = await cutLog(partitions, moment, at.time);
  const last = at.registry ?? lastCommitAt(registry.commits, log.time);
  const published = await publishedCommits(log);
  return {
    backups,
    entry,
    moment,
    files: list.files,
    log,
    registry: cutRegistry(registry, Math.max(last, published)),
  };
};

const tableFiles = ({ files }: Pick<StackCut, 'files'>): readonly BackedUpFile[] =>
  files.filter((file) => topicOfFile(file) !== null);
const tablesOf = (cut: Pick<StackCut, 'files'>): readonly string[] => [
  ...new Set(tableFiles(cut).map((file) => topicOfFile(file) as string)),
];

/** Writes the tables into a directory, as they were when the log ended. */
export const restoreTables = (
  backups: Pick<BackupDirectory, 'content'>,
  cut: Pick<StackCut, 'files' | 'log'>,
  directory: string,
): Promise<Restored['history']> =>
  onDisk(directory, async () => {
    const mine = tableFiles(cut);
    for (const file of mine) {
      const path = pathBelow(directory, file.path.slice(HISTORY_PREFIX.length));
      await restoreFile(backups.content, path, [file], file.path);
    }
    if (mine.length > 0) {
      await syncDirectories(directory);
      await syncPath(dirname(directory));
    }
    const root = { files: localFiles(), uri: fileUri(directory) };
    return cutTables(root, tablesOf(cut), cut.log, join(directory, '.spill'));
  });

const restoreHistory = async (
  backups: BackupDirectory,
  cut: StackCut,
  { warehouse }: StackAddresses,
): Promise<Restored['history']> => {
  const directory = resolve(warehouse.iceberg);
  return cut.moment.iceberg === directory
    ? restoreTables(backups, cut, directory)
    : tablesOf(cut).map((topic) => ({ topic, became: 'deleted' }));
};

const topicsOf = (cut: CutLog): readonly TopicExtent[] =>
  [...extentsOf(cut)].map(([topic, { begin, end }]) => ({ topic, begin, end }));

/**
 * @throws MR_NOT_FOUND, MR_REFUSED, MR_DATA_DAMAGED, MR_DATA_MIXED, MR_STORAGE_FAILED,
 *   MR_LOG_UNAVAILABLE, MR_STORE_UNAVAILABLE
 */
export const restoreStack = async (options: StackRestoreOptions): Promise<StackRestored> => {
  const { from, addresses } = options;
  const cut = await openStackCut(from, options);
  const { backups, entry, moment, log, registry, files } = cut;
  return closingAfter(async (opened) => {
    const database = await openMysql(addresses.mysql);
    opened(database.close);
    const kafka = { brokers: [addresses.kafka], clientId: `millrace-restore-${randomUUID()}` };
    const batchReader = openBatchReader(kafka);
    opened(batchReader.close);
    const writer = openBatchWriter(kafka);
    opened(writer.close);
    const topics = topicsOf(log);
    await assertEmptyStack(
      { addresses, database, reader: batchReader },
      topics.map(({ topic }) => topic),
      registry.platform,
    );
    const iceberg = resolve(addresses.warehouse.iceberg);
    if (moment.iceberg !== iceberg) assertMovable(files, extentsOf(log), moment.iceberg, iceberg);
    const schemas = confluentSchemaRegistry({ url: addresses.registry });
    const ids = await restoreSchemas(schemas, moment);
    await restoreLog({ writer, cut: log, ingest: moment.ingest, ids });
    const history = await restoreHistory(backups, cut, addresses);
    await loadRegistry(database, addresses.mysql.database, registry);
    return {
      backup: entry.id,
      platform: backups.catalog?.platform ?? '',
      topics,
      registry: registry.commits.length,
      audit: auditHeadOf(registry.audit),
      logTime: log.time,
      history,
    };
  });
};

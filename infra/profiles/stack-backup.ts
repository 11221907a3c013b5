/**
 * Backs up a platform of the stack profile while it runs. The order makes one moment of copies that
 * are made one after the other:
 *
 * 1. The history: the tables are never ahead of the log.
 * 2. The log, up to a time that the broker gives: all records up to it are copied.
 * 3. The registry and the audit chain, in one transaction: the registry has the definitions of all
 *    that the log has. A restore cuts both at the log's time.
 * 4. The schemas: of all records that were copied.
 *
 * Redis, Paimon and the state of Flink's jobs are computed again from these.
 */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { closingAfter } from '#domain/closing.ts';
import { MillraceError } from '#domain/errors.ts';
import type { OpenBackupDirectory } from '#infra/backup/backup-directory.ts';
import { type BackedUpFile, STACK_BACKUP_FORMAT } from '#infra/backup/catalog.ts';
import { assertSamePlatform } from '#infra/backup/new-entry.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { type BatchReader, openBatchReader } from '#infra/kafka/copy/read-batches.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { openTopicGuard, type TopicGuard } from '#infra/kafka/topic-guard.ts';
import { type MysqlDatabase, openMysql } from '#infra/mysql/database.ts';
import { mysqlPlatform } from '#infra/mysql/platform.ts';
import { copyRegistry, hasRegistry } from '#infra/mysql/registry-copy.ts';
import { putBytes, putHistory } from '#infra/profiles/backup-files.ts';
import {
  addBackup,
  assertOutside,
  type BackedUp,
  beginRun,
  inBackupDirectory,
} from '#infra/profiles/new-backup.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { assertOwnTopics, recordedIds } from './own-topics.ts';
import {
  auditHeadOf,
  type CopiedSchema,
  chunksOf,
  cutRegistry,
  HISTORY_PREFIX,
  isOfPlatform,
  lastCommitAt,
  linesOf,
  MOMENT_FILE,
  registryFiles,
  type StackMoment,
} from './stack-copy.ts';
import { copyHistoryAndLog } from './stack-history-copy.ts';
import { type LogMoment, putPartition } from './stack-log-copy.ts';

export interface StackBackupOptions {
  readonly addresses: StackAddresses;
  /** the directory of backups */
  readonly to: string;
  readonly now?: () => number;
}

interface Servers {
  /** the platform's id */
  readonly platform: string;
  readonly database: MysqlDatabase;
  readonly reader: BatchReader;
  readonly guard: TopicGuard;
  readonly nudge: (topic: string) => Promise<void>;
}

const refuseKurrent = (): void => {
  if ((process.env.MILLRACE_KURRENTDB_URL ?? '') !== '')
    throw new MillraceError(
      'MR_REFUSED',
      'The registry is in KurrentDB (MILLRACE_KURRENTDB_URL), and this command backs up registries in MySQL only. Use the tools of KurrentDB.',
      {},
    );
};

const assertHasPlatform = async (database: MysqlDatabase, name: string): Promise<void> => {
  if (await hasRegistry(database)) return;
  throw new MillraceError(
    'MR_NOT_FOUND',
    `The database ${name} has no platform to back up: its registry has no commit. Name the servers of \`millrace serve --profile stack\`.`,
    { database: name },
  );
};

const isMineOf = async (database: MysqlDatabase): Promise<(topic: string) => boolean> => {
  const streams = await database.rows<{ stream: string }>(
    'SELECT DISTINCT stream FROM registry_commit',
  );
  const names = new Set(streams.map(({ stream }) => stream.slice(stream.indexOf('/') + 1)));
  return (topic) => isOfPlatform(topic, names);
};

const copySchemas = async (url: string, topics: LogMoment['topics']): Promise<CopiedSchema[]> => {
  const registry = confluentSchemaRegistry({ url });
  const copies: CopiedSchema[] = [];
  for (const { topic } of topics) {
    const subject = `${topic}-value`;
    for (const { id, version } of await registry.versions(subject))
      copies.push({ subject, version, id, schema: await registry.schema(id) });
  }
  return copies;
};

const backUpTo = async (
  directory: OpenBackupDirectory,
  { addresses, now = Date.now }: StackBackupOptions,
  { platform, ...servers }: Servers,
): Promise<BackedUp> => {
  assertSamePlatform(directory, platform, STACK_BACKUP_FORMAT);
  const { run, before } = await beginRun(directory, {
    data: resolve(addresses.warehouse.iceberg),
    prefix: HISTORY_PREFIX,
  });
  const time = now();
  const { tables, ...log } = await copyHistoryAndLog({
    reader: servers.reader,
    nudge: servers.nudge,
    isMine: () => isMineOf(servers.database),
    putTables: () => putHistory(run, { files: localFiles(), uri: fileUri(run.data) }),
  });
  await assertOwnTopics(servers.guard, log.topics);
  const files: BackedUpFile[] = tables.flatMap((table) => table.files);
  const chunks = chunksOf(before);
  for (const extent of log.topics)
    for (const partition of extent.end.keys())
      files.push(
        ...(await putPartition(
          run,
          servers.reader,
          extent,
          partition,
          chunks(extent.topic, partition),
        )),
      );
  // One that was made anew while it was copied.
  await assertOwnTopics(servers.guard, log.topics);
  const registry = await copyRegistry(servers.database);
  for (const [path, rows] of registryFiles(registry))
    files.push({ path, ...(await putBytes(run, linesOf(rows))) });
  const moment: StackMoment = {
    ...log,
    schemas: await copySchemas(addresses.registry, log.topics),
    iceberg: run.data,
  };
  files.push({
    path: MOMENT_FILE,
    ...(await putBytes(run, Buffer.from(JSON.stringify(moment)))),
  });
  const kept = cutRegistry(registry, lastCommitAt(registry.commits, log.time));
  return addBackup(
    directory,
    run,
    { database: [], files },
    {
      platform,
      format: STACK_BACKUP_FORMAT,
      time,
      logTime: log.time,
      topics: log.topics,
      registry: kept.commits.length,
      audit: auditHeadOf(kept.audit),
      dataFormat: STACK_BACKUP_FORMAT,
    },
  );
};

/**
 * @throws MR_NOT_FOUND, MR_REFUSED, MR_DATA_DIR_LOCKED, MR_DATA_MIXED, MR_DATA_DAMAGED,
 *   MR_DISK_FULL, MR_STORAGE_FAILED, MR_LOG_UNAVAILABLE, MR_STORE_UNAVAILABLE
 */
export const backUpStack = async (options: StackBackupOptions): Promise<BackedUp> => {
  const { addresses } = options;
  refuseKurrent();
  const target = resolve(options.to);
  assertOutside(target, [addresses.directory, addresses.warehouse.iceberg]);
  return closingAfter(async (opened) => {
    const closing = <T extends { readonly close: () => Promise<void> }>(part: T): T => {
      opened(() => part.close());
      return part;
    };
    const database = closing(await openMysql(addresses.mysql, { readOnly: true }));
    await assertHasPlatform(database, addresses.mysql.database);
    const own = mysqlPlatform(database);
    const platform = await own.id();
    const kafka = { brokers: [addresses.kafka], clientId: `millrace-backup-${randomUUID()}` };
    const reader = closing(openBatchReader(kafka));
    const topicIds = recordedIds(own.topicIds, (problem) => {
      throw problem;
    });
    const guard = closing(await openTopicGuard({ ...kafka, topicIds }));
    const { nudge } = closing(await kafkaLog({ ...kafka, guard, readOnly: true }));
    const servers = { platform, database, reader, guard, nudge };
    return inBackupDirectory(target, (directory) => backUpTo(directory, options, servers));
  });
};

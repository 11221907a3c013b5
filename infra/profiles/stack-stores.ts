/**
 * Opens the registry's database and the log, and checks that they, and the directories, belong
 * together, before anything else is opened. A platform that starts on stores of different moments
 * or platforms would count events twice or mix values.
 */
import { join } from 'node:path';
import type { Opened } from '#domain/closing.ts';
import { messageOf } from '#domain/error-message.ts';
import type { AuditStore } from '#domain/ports/audit-store.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { TopicNotes } from '#domain/ports/topic-notes.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { strayTables } from '#infra/iceberg/belongs.ts';
import { type KafkaLog, kafkaLog } from '#infra/kafka/log.ts';
import { openTopicGuard, type TopicGuard } from '#infra/kafka/topic-guard.ts';
import type { KafkaAddress } from '#infra/kafka/wire/address.ts';
import { mysqlAuditStore } from '#infra/mysql/audit-store.ts';
import { type MysqlDatabase, openMysql } from '#infra/mysql/database.ts';
import { type MysqlPlatform, mysqlPlatform } from '#infra/mysql/platform.ts';
import { openRegistryStore } from '#infra/profiles/registry-store.ts';
import {
  markDirectories,
  type OwnedDirectory,
  ownedDirectories,
} from '#infra/profiles/stack-identity.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { registryContradiction } from '#projections/outbox/published-commits.ts';

export interface StackDirectories {
  readonly iceberg: Directory;
  readonly paimon: Directory;
  readonly jobs: Directory;
}

export interface StackStores {
  /** the platform's id */
  readonly platform: string;
  readonly database: MysqlDatabase;
  readonly auditStore: AuditStore;
  readonly eventStore: EventStore;
  readonly guard: TopicGuard;
  readonly topicNotes: TopicNotes;
  readonly log: KafkaLog;
  /** see the stack profile */
  readonly outboxLog: KafkaLog;
}

export interface StackStoresOptions {
  readonly addresses: StackAddresses;
  readonly kafka: KafkaAddress;
  readonly warn: (message: string) => void;
}

export const stackDirectories = ({ warehouse, directory }: StackAddresses): StackDirectories => {
  const files = localFiles();
  const of = (path: string): Directory => ({ files, uri: fileUri(path) });
  return {
    iceberg: of(warehouse.iceberg),
    paimon: of(warehouse.paimon),
    jobs: of(join(directory, 'flink', 'jobs')),
  };
};

/** Topics whose history is of another platform, or ahead of them, are not used. */
export const refuseStrayTopics = async (
  { guard, log, platform }: Pick<StackStores, 'guard' | 'log' | 'platform'>,
  root: Directory,
  history: Pick<HistoryTables, 'endOffsets'>,
  warn: (message: string) => void,
): Promise<void> => {
  const topics = new Set((await log.topics()).map(({ topic }) => topic));
  const strays = await strayTables({
    root,
    platform,
    isWanted: (topic) => topics.has(topic) && guard.problem(topic) === null && guard.isKnown(topic),
    reachedOf: (topic) => history.endOffsets(topic),
    endOf: (topic) => log.end(topic),
    onDamaged: (topic, error) =>
      warn(`the history of ${topic} cannot be used: ${messageOf(error)}`),
  });
  for (const { topic, message } of strays) guard.refuse(topic, `${message}.`);
};

/** The registry's database, with its platform. */
export const openRegistry = async (
  addresses: Pick<StackAddresses, 'mysql'>,
  warn: (message: string) => void,
  opened: Opened,
  options: { readonly readOnly?: boolean } = {},
): Promise<
  Pick<StackStores, 'database' | 'auditStore' | 'eventStore'> & { readonly own: MysqlPlatform }
> => {
  const database = await openMysql(addresses.mysql, options);
  opened(database.close);
  const auditStore = mysqlAuditStore(database);
  const { database: name } = addresses.mysql;
  const eventStore = await openRegistryStore(database, auditStore, name, { warn });
  opened(eventStore.close);
  return { database, auditStore, eventStore, own: mysqlPlatform(database) };
};

/** @throws MR_DATA_MIXED */
export const openStackStores = async (
  { addresses, kafka, warn }: StackStoresOptions,
  opened: Opened,
): Promise<StackStores> => {
  const { own, ...registry } = await openRegistry(addresses, warn, opened);
  const platform = await own.id();
  const owned: readonly OwnedDirectory[] = ownedDirectories(stackDirectories(addresses));
  const databaseIsNew = (await registry.eventStore.head()) === 0;
  const guard = await openTopicGuard({ ...kafka, topicIds: own.topicIds });
  opened(guard.close);
  const log = await kafkaLog({ ...kafka, guard });
  opened(log.close);
  guard.assert(REGISTRY_TOPIC);
  const wrong = await registryContradiction(registry.eventStore, log);
  if (wrong !== null) throw wrong;
  await markDirectories({ platform: own, id: platform, databaseIsNew, owned });
  // A separate connection: the outbox may wait for the transaction of a gateway that has died,
  // and producers must not wait with it.
  const outboxLog = await kafkaLog({ ...kafka, guard, clientId: `${kafka.clientId}-outbox` });
  opened(outboxLog.close);
  return { platform, ...registry, guard, topicNotes: own.topicNotes, log, outboxLog };
};

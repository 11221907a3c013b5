/**
 * Checks that servers have no platform before one is restored onto them: state of another one, even
 * of the same platform, would answer reads with its values.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { MillraceError } from '#domain/errors.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { flinkCluster, LIVE_STATES } from '#infra/flink/cluster.ts';
import { tablesBelow } from '#infra/iceberg/belongs.ts';
import type { BatchReader } from '#infra/kafka/copy/read-batches.ts';
import type { MysqlDatabase } from '#infra/mysql/database.ts';
import { assertNoRegistry } from '#infra/mysql/registry-copy.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';

const refuse = (what: string, fix: string): never => {
  throw new MillraceError(
    'MR_REFUSED',
    `${what}. Restore onto servers that have no platform yet; ${fix}.`,
    {},
  );
};

const hasFiles = (directory: string): boolean =>
  existsSync(directory) &&
  readdirSync(directory, { recursive: true, withFileTypes: true }).some((entry) => entry.isFile());

const assertRedisEmpty = async ({ host, port }: StackAddresses['redis']): Promise<void> => {
  const redis = new Redis({ host, port, lazyConnect: true, maxRetriesPerRequest: 0 });
  try {
    await redis.connect();
    if ((await redis.dbsize()) > 0)
      refuse(`Redis at ${host}:${port} has keys`, 'FLUSHALL empties it');
  } finally {
    redis.disconnect();
  }
};

/** @param topics those that are to be restored */
export const assertEmptyStack = async (
  {
    addresses,
    database,
    reader,
  }: {
    readonly addresses: StackAddresses;
    readonly database: MysqlDatabase;
    readonly reader: BatchReader;
  },
  topics: readonly string[],
): Promise<void> => {
  await assertNoRegistry(database, addresses.mysql.database);
  const there = new Set((await reader.topics()).map(({ topic }) => topic));
  const topic = topics.find((one) => there.has(one));
  if (topic !== undefined) refuse(`Kafka has the topic ${topic}`, 'delete the topics');
  const iceberg = { files: localFiles(), uri: fileUri(addresses.warehouse.iceberg) };
  const [table] = await tablesBelow(iceberg);
  if (table !== undefined)
    refuse(`${addresses.warehouse.iceberg} has the history of ${table}`, 'move the directory away');
  const state = [
    addresses.warehouse.paimon,
    join(addresses.directory, 'flink', 'jobs'),
    addresses.checkpoints,
  ];
  const used = state.find(hasFiles);
  if (used !== undefined) refuse(`${used} has files of a platform`, 'move the directory away');
  const job = (await flinkCluster(addresses.flink).jobs()).find(
    ({ name, state: its }) => name.startsWith('millrace-') && LIVE_STATES.has(its),
  );
  if (job !== undefined) refuse(`Flink runs the job ${job.name}`, 'cancel it');
  await assertRedisEmpty(addresses.redis);
};

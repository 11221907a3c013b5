/**
 * Checks that servers have no platform before one is restored onto them: state of another one, even
 * of the same platform, would answer reads with its values.
 */
import { Redis } from 'ioredis';
import { MillraceError } from '#domain/errors.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { flinkCluster, isLiveJob } from '#infra/flink/cluster.ts';
import type { BatchReader } from '#infra/kafka/copy/read-batches.ts';
import type { MysqlDatabase } from '#infra/mysql/database.ts';
import { assertNoRegistry } from '#infra/mysql/registry-copy.ts';
import { redisPrefixOf } from '#infra/redis/cache-store.ts';
import { markUri, readMark } from '#infra/shared/files/platform-mark.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { filesOf, type OwnedDirectory, ownedDirectories } from './stack-identity.ts';
import { stackDirectories } from './stack-stores.ts';

const refuse = (what: string, fix: string): never => {
  throw new MillraceError(
    'MR_REFUSED',
    `${what}. Restore onto servers that have no platform yet; ${fix}.`,
    {},
  );
};

const SCANNED = 10_000;

/** Keys of other platforms may be there: they are never read (decision 51). */
const assertNoKeys = async (
  { host, port }: StackAddresses['redis'],
  platform: string,
): Promise<void> => {
  const redis = new Redis({ host, port, lazyConnect: true, maxRetriesPerRequest: 0 });
  try {
    await redis.connect();
    const prefix = redisPrefixOf(platform);
    for (let cursor = ''; cursor !== '0'; ) {
      const [next, keys] = await redis.scan(
        cursor === '' ? '0' : cursor,
        'MATCH',
        `${prefix}*`,
        'COUNT',
        SCANNED,
      );
      if (keys.length > 0)
        refuse(
          `Redis at ${host}:${port} has keys of this platform (${prefix}*)`,
          'delete these keys',
        );
      cursor = next;
    }
  } finally {
    redis.disconnect();
  }
};

/**
 * A gateway that was started and never used has marked its directories: one that is restored there
 * would refuse to start. A mark is not removed here, because the platform of the mark may live.
 * @throws MR_REFUSED, MR_DATA_DAMAGED
 */
export const assertUnused = async (directories: readonly OwnedDirectory[]): Promise<void> => {
  for (const { name, directory, isUsed } of directories) {
    const where = `The ${name} at ${directory.uri}`;
    const mark = await readMark(directory);
    if (mark !== null)
      refuse(
        `${where} is marked as that of the platform ${mark}`,
        `move the directory away, or, if that platform was never used, remove ${markUri(directory)}`,
      );
    if (await isUsed()) refuse(`${where} has files of a platform`, 'move the directory away');
  }
};

/**
 * @param topics those that are to be restored
 * @param platform id of the one that is to be restored
 */
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
  platform: string,
): Promise<void> => {
  await assertNoRegistry(database, addresses.mysql.database);
  const there = new Set(await reader.topics());
  const topic = topics.find((one) => there.has(one));
  if (topic !== undefined) refuse(`Kafka has the topic ${topic}`, 'delete the topics');
  const { iceberg, ...places } = stackDirectories(addresses);
  const checkpoints = { files: iceberg.files, uri: fileUri(addresses.checkpoints) };
  await assertUnused([
    ...ownedDirectories({ iceberg, ...places }),
    filesOf("directory of Flink's checkpoints", checkpoints),
  ]);
  const job = (await flinkCluster(addresses.flink).jobs()).find(isLiveJob);
  if (job !== undefined) refuse(`Flink runs the job ${job.name}`, 'cancel it');
  await assertNoKeys(addresses.redis, platform);
};

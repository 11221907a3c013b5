/**
 * Makes the stores those of a registry database: tests of several files share them, each with a
 * database of its own, which the platform would refuse. Topics, tables and jobs stay.
 */
import { kafkaLog } from '#infra/kafka/log.ts';
import { openMysql } from '#infra/mysql/database.ts';
import { mysqlPlatform } from '#infra/mysql/platform.ts';
import { ownedDirectories } from '#infra/profiles/stack-identity.ts';
import { stackDirectories } from '#infra/profiles/stack-stores.ts';
import { markUri } from '#infra/shared/files/platform-mark.ts';
import { addresses } from './addresses.ts';
import { deleteTopic } from './delete-topic.ts';
import { until } from './until.ts';

export const takeOverStores = async (database: string): Promise<void> => {
  const all = addresses();
  const open = await openMysql({ ...all.mysql, database });
  const id = await mysqlPlatform(open).id();
  await open.close();
  for (const { directory } of ownedDirectories(stackDirectories(all)))
    await directory.files.write(markUri(directory), id);
  // The numbers of producers go too: the outbox numbers the commits of each registry from 1.
  await deleteTopic('registry');
  await deleteTopic('_millrace.producers');
  await coordinated();
};

/** A broker that has just started, on a busy machine, answers for its coordinators late. */
const coordinated = async (): Promise<void> => {
  const log = await kafkaLog({ brokers: [addresses().kafka], clientId: 'waits' });
  const topic = 'warm.up';
  await log.createTopic(topic, { partitions: 1 });
  const record = { topic, partition: 0, key: null, value: new Uint8Array(0), schemaId: 1 };
  await until('Kafka coordinates transactions and groups', () =>
    Promise.all([log.append({ records: [record] }), log.committed('warm-up', topic)]).then(
      () => true,
      () => false,
    ),
  );
  await log.close();
};

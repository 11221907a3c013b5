import { deleteRecordsV2 } from '@platformatic/kafka';
import { openCluster } from '#infra/kafka/wire/cluster.ts';
import { LATEST, listOffsets, READ_UNCOMMITTED } from '#infra/kafka/wire/offsets.ts';
import { addresses } from './addresses.ts';

/** Deletes all records, as Kafka's retention does: the topic begins where it ends. */
export const trimTopic = async (topic: string): Promise<void> => {
  const cluster = openCluster({ brokers: [addresses().kafka], clientId: 'trims-topics' });
  try {
    await cluster.follow(topic);
    for (let partition = 0; partition < cluster.partitionCount(topic); partition++) {
      const at = { topic, partition };
      const [end = 0] = await listOffsets(cluster, [at], LATEST, READ_UNCOMMITTED);
      const partitions = [{ partitionIndex: partition, offset: BigInt(end) }];
      await cluster.request(
        cluster.leaderOf(at),
        deleteRecordsV2.api,
        [{ name: topic, partitions }],
        8_000,
      );
    }
  } finally {
    await cluster.close();
  }
};

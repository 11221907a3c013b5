/**
 * A consumer's committed positions. A transaction's positions are only pending in the group's
 * coordinator until its marker arrives there, and a plain question is answered with those before
 * it; a consumer that starts right then would read twice. So we first wait until whatever the
 * coordinator's own partition held, when we came, is decided.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { hasType, type RetryPolicy, withRetries } from '#infra/kafka/kafka-error.ts';
import type { Partitions, TopicPartition } from '#infra/kafka/partitions.ts';
import {
  type Cluster,
  LATEST,
  READ_COMMITTED,
  READ_UNCOMMITTED,
} from '#infra/kafka/raw-cluster.ts';

const OFFSETS_TOPIC = '__consumer_offsets';
const POLL_MS = 2;

/** Java's String.hashCode, by which Kafka picks a group's partition. */
export const javaHash = (text: string): number => {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash;
};

const groupPartition = (group: string, partitions: number): number =>
  (javaHash(group) & 0x7fffffff) % partitions;

export const committedOffsets =
  (cluster: Cluster, partitions: Partitions, retryPolicy: RetryPolicy) =>
  async (group: string, at: readonly TopicPartition[]): Promise<readonly number[]> => {
    const decided = async (): Promise<void> => {
      const count = await partitions.count(OFFSETS_TOPIC);
      const own = [{ topic: OFFSETS_TOPIC, partition: groupPartition(group, count) }];
      const [end = 0] = await partitions.offsets(own, LATEST, READ_UNCOMMITTED);
      const deadline = performance.now() + retryPolicy.retryForMs;
      for (;;) {
        const [stable = 0] = await partitions.offsets(own, LATEST, READ_COMMITTED);
        if (stable >= end) return;
        if (performance.now() > deadline)
          throw new Error(`a transaction over the positions of "${group}" is not decided`);
        await sleep(POLL_MS);
      }
    };
    const topic = at[0]?.topic;
    if (topic === undefined) return [];
    return withRetries(retryPolicy, `reading the positions of "${group}"`, async () => {
      // finding the coordinator makes the offsets topic, where no group was before
      const coordinator = await cluster.findGroupCoordinator({ groupId: group });
      await decided();
      try {
        const { responses } = await coordinator.offsetFetch({
          groupId: group,
          topics: [{ topic, partitions: at.map(({ partition }) => ({ partition })) }],
        });
        const found = new Map(
          responses.flatMap((r) =>
            r.partitions.map((p) => [p.partition, Number(p.offset)] as const),
          ),
        );
        return at.map(({ partition }) => Math.max(0, found.get(partition) ?? 0));
      } catch (error) {
        if (hasType(error, 'GROUP_ID_NOT_FOUND')) return at.map(() => 0);
        throw error;
      }
    });
  };

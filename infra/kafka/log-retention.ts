/** Deletes the first records of topics, and tells what is left of them and how large it is. */
import { deleteRecordsV2, describeLogDirsV4 } from '@platformatic/kafka';
import type { KeptRecords } from '#domain/ports/stream-task.ts';
import { type RetryPolicy, withRetries } from '#infra/kafka/kafka-error.ts';
import type { Partitions } from '#infra/kafka/partitions.ts';
import type { TopicPartition } from '#infra/kafka/wire/address.ts';
import { byLeader, byTopic } from '#infra/kafka/wire/by-topic.ts';
import type { Cluster } from '#infra/kafka/wire/cluster.ts';
import { EARLIEST, LATEST } from '#infra/kafka/wire/offsets.ts';

export interface LogRetention {
  /** Deletes the records below these offsets, by partition; an offset of 0 deletes none. */
  readonly trim: (topic: string, below: readonly number[]) => Promise<void>;
  /** What the log still has of a topic, by partition. */
  readonly kept: (topic: string) => Promise<readonly KeptRecords[]>;
  /**
   * topic → bytes on the disks of the leaders of its partitions; copies on other brokers are not
   * counted
   */
  readonly bytes: (topics: readonly string[]) => Promise<ReadonlyMap<string, number>>;
}

export interface LogRetentionOptions {
  readonly cluster: Cluster;
  readonly partitions: Partitions;
  readonly retryPolicy: RetryPolicy;
  /** the partitions of a topic, as the cluster names them */
  readonly all: (topic: string) => Promise<readonly TopicPartition[]>;
}

const DELETE_TIMEOUT_MS = 8_000;
/** Only the time of the first record is wanted. */
const READ_BYTES = 1;

export const logRetention = ({
  cluster,
  partitions,
  retryPolicy,
  all,
}: LogRetentionOptions): LogRetention => {
  const oldest = async (at: TopicPartition, begin: number, end: number): Promise<number | null> => {
    for (let from = begin; from < end; ) {
      const { messages, next, atEnd } = await partitions.fetch(at, from, { maxBytes: READ_BYTES });
      const [first] = messages;
      if (first !== undefined) return Number(first.timestamp);
      if (atEnd) return null;
      from = next;
    }
    return null;
  };

  return {
    trim: async (topic, below) => {
      const at = (await all(topic)).flatMap((one, partition) => {
        const offset = below[partition] ?? 0;
        return offset > 0 ? [{ ...one, offset }] : [];
      });
      if (at.length === 0) return;
      await withRetries(retryPolicy, `deleting records of "${topic}"`, async () => {
        await Promise.all(
          byLeader(at, cluster.leaderOf).map(({ leader, led }) => {
            const topics = byTopic(led, ({ partition, offset }) => ({
              partitionIndex: partition,
              offset: BigInt(offset),
            }));
            return cluster.request(leader, deleteRecordsV2.api, topics, DELETE_TIMEOUT_MS);
          }),
        );
      });
    },
    async kept(topic) {
      const at = await all(topic);
      const [begins, ends] = await Promise.all([
        partitions.offsets(at, EARLIEST),
        partitions.offsets(at, LATEST),
      ]);
      return Promise.all(
        at.map(async (one, partition) => {
          const [begin, end] = [begins[partition] ?? 0, ends[partition] ?? 0];
          return { begin, end, oldest: await oldest(one, begin, end) };
        }),
      );
    },
    async bytes(topics) {
      const at = (await Promise.all(topics.map(all))).flatMap((of, i) =>
        of.map((one) => ({ ...one, of: topics[i] as string })),
      );
      const nameOf = new Map(at.map(({ topic, of }) => [topic, of]));
      const found = new Map<string, number>(topics.map((topic) => [topic, 0]));
      await withRetries(retryPolicy, 'reading the sizes of topics', async () => {
        found.clear();
        const answers = await Promise.all(
          byLeader(at, cluster.leaderOf).map(({ leader, led }) =>
            cluster.request(
              leader,
              describeLogDirsV4.api,
              byTopic(led, ({ partition }) => partition),
            ),
          ),
        );
        for (const { results } of answers)
          for (const { topics: held } of results)
            for (const { name, partitions: sized } of held)
              for (const { partitionSize, isFutureKey } of sized) {
                const topic = nameOf.get(name);
                if (isFutureKey || topic === undefined) continue;
                found.set(topic, (found.get(topic) ?? 0) + Number(partitionSize));
              }
      });
      return found;
    },
  };
};

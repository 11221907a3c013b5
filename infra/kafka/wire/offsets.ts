/** Offsets of partitions by time and isolation level, and the committed positions of groups. */
import { listOffsetsV6, offsetFetchV7 } from '@platformatic/kafka';
import type { TopicPartition } from '#infra/kafka/wire/address.ts';
import { byLeader, byTopic } from '#infra/kafka/wire/by-topic.ts';
import type { Cluster } from '#infra/kafka/wire/cluster.ts';

export const READ_UNCOMMITTED = 0;
export const READ_COMMITTED = 1;
export type Isolation = typeof READ_UNCOMMITTED | typeof READ_COMMITTED;
export const LATEST = -1;
export const EARLIEST = -2;

/** the replica id of a consumer */
const NO_REPLICA = -1;
const ANY_LEADER_EPOCH = -1;

/**
 * The first offset at or after a time (epoch ms), or LATEST or EARLIEST, of each partition; -1 if
 * there is none.
 */
export const listOffsets = async (
  cluster: Cluster,
  at: readonly TopicPartition[],
  time: number,
  isolation: Isolation,
): Promise<readonly number[]> => {
  const found = new Map<string, number>();
  const timestamp = BigInt(Math.min(Math.floor(time), Number.MAX_SAFE_INTEGER));
  await Promise.all(
    byLeader(at, cluster.leaderOf).map(async ({ leader, led }) => {
      const topics = byTopic(led, ({ partition }) => ({
        partitionIndex: partition,
        currentLeaderEpoch: ANY_LEADER_EPOCH,
        timestamp,
      }));
      const answer = await cluster.request(
        leader,
        listOffsetsV6.api,
        NO_REPLICA,
        isolation,
        topics,
      );
      for (const { name, partitions } of answer.topics)
        for (const { partitionIndex, offset } of partitions)
          found.set(`${name}/${partitionIndex}`, Number(offset));
    }),
  );
  return at.map(({ topic, partition }) => found.get(`${topic}/${partition}`) ?? -1);
};

/**
 * A group's committed positions; -1 if there is none. While a transaction with positions is
 * undecided, the coordinator refuses with UNSTABLE_OFFSET_COMMIT, and the caller must retry.
 * @throws KafkaFailure
 */
export const committedPositions = async (
  cluster: Cluster,
  group: string,
  at: readonly TopicPartition[],
): Promise<readonly number[]> => {
  const topics = byTopic(at, ({ partition }) => partition).map(({ name, partitions }) => ({
    name,
    partitionIndexes: partitions,
  }));
  const answer = await cluster.toCoordinator(
    { kind: 'group', id: group },
    offsetFetchV7.api,
    [{ groupId: group, topics }],
    true,
  );
  const found = new Map<string, number>();
  for (const { name, partitions } of answer.topics)
    for (const { partitionIndex, committedOffset } of partitions)
      found.set(`${name}/${partitionIndex}`, Number(committedOffset));
  return at.map(({ topic, partition }) => found.get(`${topic}/${partition}`) ?? -1);
};

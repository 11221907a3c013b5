/**
 * Offsets and records of partitions, asked of their leaders: what `read`, `begin`, `end` and
 * `offsetsAt` stand on.
 */
import {
  hasType,
  noTopic,
  type RetryPolicy,
  UNKNOWN_TOPIC,
  withRetries,
} from '#infra/kafka/kafka-error.ts';
import {
  type Cluster,
  dataOf,
  EARLIEST,
  LATEST,
  type RawMessage,
  READ_COMMITTED,
  READ_UNCOMMITTED,
} from '#infra/kafka/raw-cluster.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface Fetched {
  readonly messages: readonly RawMessage[];
  /** where to go on; not past the last decided record */
  readonly next: number;
  /** everything that is decided was read */
  readonly atEnd: boolean;
}

export interface Partitions {
  /** @throws MR_NOT_FOUND */
  count(topic: string): Promise<number>;
  /** The count is asked for again: a topic was made or widened. */
  refresh(topic: string): Promise<number>;
  offsets(
    at: readonly TopicPartition[],
    timestamp: number,
    isolation?: number,
  ): Promise<readonly number[]>;
  /** One fetch; `waitMs` lets the broker wait for the first byte. */
  fetch(at: TopicPartition, offset: number, options: FetchOptions): Promise<Fetched>;
}

export interface FetchOptions {
  readonly maxBytes: number;
  readonly waitMs?: number;
  /** also what is not decided yet, and what was aborted */
  readonly uncommitted?: boolean;
}

/**
 * Compaction leaves batches without a record, of which kafkajs says nothing at all: this much finds
 * what follows them.
 */
const PAST_EMPTY_BATCHES_BYTES = 1024 * 1024;

export const openPartitions = (cluster: Cluster, retryPolicy: RetryPolicy): Partitions => {
  const known = (topic: string): number => {
    try {
      return cluster.findTopicPartitionMetadata(topic).length;
    } catch {
      return 0;
    }
  };

  const refresh = (topic: string): Promise<number> =>
    withRetries(retryPolicy, `looking for topic "${topic}"`, async () => {
      try {
        if (cluster.targetTopics.has(topic)) await cluster.refreshMetadata();
        else await cluster.addMultipleTargetTopics([topic]);
      } catch (error) {
        if (!hasType(error, UNKNOWN_TOPIC, 'INVALID_TOPIC_EXCEPTION')) throw error;
        cluster.targetTopics.delete(topic);
        throw noTopic(topic);
      }
      return known(topic);
    });

  const count = async (topic: string): Promise<number> => {
    await withRetries(retryPolicy, 'reading the list of topics', () =>
      cluster.refreshMetadataIfNecessary(),
    );
    const partitions = cluster.targetTopics.has(topic) ? known(topic) : 0;
    return partitions > 0 ? partitions : refresh(topic);
  };

  const leaderOf = ({ topic, partition }: TopicPartition): string =>
    Object.keys(cluster.findLeaderForPartitions(topic, [partition]))[0] ?? '';

  const ask = async (
    at: readonly TopicPartition[],
    timestamp: number,
    isolation: number,
  ): Promise<readonly number[]> => {
    const byLeader = new Map<string, TopicPartition[]>();
    for (const one of at) {
      const leader = leaderOf(one);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), one]);
    }
    const found = new Map<string, number>();
    await Promise.all(
      [...byLeader].map(async ([nodeId, asked]) => {
        const broker = await cluster.findBroker({ nodeId });
        const topics = [...new Set(asked.map(({ topic }) => topic))].map((topic) => ({
          topic,
          partitions: asked
            .filter((a) => a.topic === topic)
            .map(({ partition }) => ({ partition, timestamp })),
        }));
        const { responses } = await broker.listOffsets({ isolationLevel: isolation, topics });
        for (const { topic, partitions } of responses)
          for (const { partition, offset } of partitions)
            found.set(`${topic}/${partition}`, Number(offset));
      }),
    );
    return at.map(({ topic, partition }) => found.get(`${topic}/${partition}`) ?? -1);
  };

  const offsets = (
    at: readonly TopicPartition[],
    timestamp: number,
    isolation: number = READ_COMMITTED,
  ): Promise<readonly number[]> =>
    at.length === 0
      ? Promise.resolve([])
      : withRetries(retryPolicy, 'asking for offsets', () => ask(at, timestamp, isolation));

  const fetchOnce = async (
    at: TopicPartition,
    offset: number,
    options: FetchOptions,
  ): Promise<Fetched> => {
    const broker = await cluster.findBroker({ nodeId: leaderOf(at) });
    const maxBytes = Math.max(1, options.maxBytes);
    const { responses } = await broker.fetch({
      isolationLevel: options.uncommitted === true ? READ_UNCOMMITTED : READ_COMMITTED,
      maxWaitTime: options.waitMs ?? 0,
      minBytes: 1,
      maxBytes,
      topics: [
        {
          topic: at.topic,
          partitions: [{ partition: at.partition, fetchOffset: String(offset), maxBytes }],
        },
      ],
    });
    const found = responses[0]?.partitions[0];
    if (found === undefined) return { messages: [], next: offset, atEnd: true };
    // the batch that holds `offset` comes whole, with what is before it
    const messages = dataOf(found).filter((message) => Number(message.offset) >= offset);
    const last = found.messages.at(-1);
    const next = Math.max(offset, last === undefined ? 0 : Number(last.offset) + 1);
    const end = Number(options.uncommitted === true ? found.highWatermark : found.lastStableOffset);
    if (last === undefined && offset < end && maxBytes < PAST_EMPTY_BATCHES_BYTES)
      return fetchOnce(at, offset, { ...options, maxBytes: PAST_EMPTY_BATCHES_BYTES });
    return { messages, next, atEnd: next >= end || last === undefined };
  };

  return {
    count,
    refresh,
    offsets,
    fetch: (at, offset, options) =>
      withRetries(retryPolicy, `reading ${at.topic}/${at.partition}`, async () => {
        try {
          return await fetchOnce(at, offset, options);
        } catch (error) {
          if (!hasType(error, 'OFFSET_OUT_OF_RANGE')) throw error;
          const [begin = 0] = await ask([at], EARLIEST, READ_COMMITTED);
          if (offset < begin) return await fetchOnce(at, begin, options);
          const [end = 0] = await ask([at], LATEST, READ_UNCOMMITTED);
          if (offset > end) return { messages: [], next: offset, atEnd: true };
          throw error;
        }
      }),
  };
};

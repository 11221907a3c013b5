/**
 * Offsets and records of partitions, requested from their leaders: `read`, `begin`, `end` and
 * `offsetsAt` of the log use them.
 */
import {
  hasType,
  noTopic,
  type RetryPolicy,
  UNKNOWN_TOPIC,
  withRetries,
} from '#infra/kafka/kafka-error.ts';
import type { TopicPartition } from '#infra/kafka/wire/address.ts';
import type { Cluster } from '#infra/kafka/wire/cluster.ts';
import { refused } from '#infra/kafka/wire/failure.ts';
import { type FetchedRecord, fetchFrom } from '#infra/kafka/wire/fetch.ts';
import {
  EARLIEST,
  type Isolation,
  LATEST,
  listOffsets,
  READ_COMMITTED,
  READ_UNCOMMITTED,
} from '#infra/kafka/wire/offsets.ts';

export interface Fetched {
  readonly messages: readonly FetchedRecord[];
  /** the offset of the next fetch; at most the end of the decided records */
  readonly next: number;
  /** all decided records were read */
  readonly atEnd: boolean;
}

export interface Partitions {
  /** @throws MR_NOT_FOUND */
  count(topic: string): Promise<number>;
  /** Reads the partition count again, after a topic was created or widened. */
  refresh(topic: string): Promise<number>;
  offsets(
    at: readonly TopicPartition[],
    timestamp: number,
    isolation?: Isolation,
  ): Promise<readonly number[]>;
  /** One fetch; `waitMs` lets the broker wait for the first byte. */
  fetch(at: TopicPartition, offset: number, options: FetchOptions): Promise<Fetched>;
}

export interface FetchOptions {
  readonly maxBytes: number;
  readonly waitMs?: number;
  /** includes records of open and of aborted transactions */
  readonly uncommitted?: boolean;
}

export const openPartitions = (cluster: Cluster, retryPolicy: RetryPolicy): Partitions => {
  const refresh = (topic: string): Promise<number> =>
    withRetries(retryPolicy, `looking for topic "${topic}"`, async () => {
      try {
        await cluster.follow(topic);
      } catch (error) {
        throw hasType(error, UNKNOWN_TOPIC) ? noTopic(topic) : error;
      }
      return cluster.partitionCount(topic);
    });

  const count = async (topic: string): Promise<number> => {
    await withRetries(retryPolicy, 'reading the list of topics', () => cluster.refreshIfStale());
    const partitions = cluster.partitionCount(topic);
    return partitions > 0 ? partitions : refresh(topic);
  };

  const offsets = (
    at: readonly TopicPartition[],
    timestamp: number,
    isolation: Isolation = READ_COMMITTED,
  ): Promise<readonly number[]> =>
    at.length === 0
      ? Promise.resolve([])
      : withRetries(retryPolicy, 'reading offsets', () =>
          listOffsets(cluster, at, timestamp, isolation),
        );

  const fetchOnce = async (
    at: TopicPartition,
    offset: number,
    options: FetchOptions,
  ): Promise<Fetched> => {
    const maxBytes = Math.max(1, options.maxBytes);
    const [found] = await fetchFrom(cluster, cluster.leaderOf(at), {
      isolation: options.uncommitted === true ? READ_UNCOMMITTED : READ_COMMITTED,
      waitMs: options.waitMs ?? 0,
      maxBytes,
      from: [{ ...at, offset, maxBytes }],
    });
    if (found === undefined) return { messages: [], next: offset, atEnd: true };
    if (found.error !== null) throw refused(`${at.topic}/${at.partition}`, found.error);
    const { records: messages, next, empty } = found;
    const end = options.uncommitted === true ? found.highWatermark : found.lastStableOffset;
    return { messages, next, atEnd: next >= end || empty };
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
          const [begin = 0] = await listOffsets(cluster, [at], EARLIEST, READ_COMMITTED);
          if (offset < begin) return await fetchOnce(at, begin, options);
          const [end = 0] = await listOffsets(cluster, [at], LATEST, READ_UNCOMMITTED);
          if (offset > end) return { messages: [], next: offset, atEnd: true };
          throw error;
        }
      }),
  };
};

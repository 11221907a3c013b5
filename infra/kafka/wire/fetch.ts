/** Fetches records of partitions from given offsets, in one request to their leader. */
import { fetchV12, type RecordsBatch } from '@platformatic/kafka';
import type { BrokerAddress, TopicPartition } from '#infra/kafka/wire/address.ts';
import { byTopic } from '#infra/kafka/wire/by-topic.ts';
import type { Connections } from '#infra/kafka/wire/connections.ts';
import { errorName, KafkaFailure } from '#infra/kafka/wire/failure.ts';
import { type Isolation, READ_COMMITTED } from '#infra/kafka/wire/offsets.ts';
import { visibleBatches } from '#infra/kafka/wire/visible-batches.ts';

export interface FetchedRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** epoch ms; the broker's time if the topic uses LogAppendTime */
  readonly timestamp: number;
  readonly headers: readonly (readonly [name: Buffer | null, value: Buffer | null])[];
}

export interface FetchFrom extends TopicPartition {
  readonly offset: number;
  readonly maxBytes: number;
}

export interface FetchedPartition extends TopicPartition {
  /** Kafka's name of the error; null: none */
  readonly error: string | null;
  /** from the requested offset on; without markers and records that the isolation level hides */
  readonly records: readonly FetchedRecord[];
  /** the offset after the last record of the answer; the requested offset if there was none */
  readonly next: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly empty: boolean;
}

export interface FetchRequest {
  readonly isolation: Isolation;
  /** how long the broker waits for the first byte */
  readonly waitMs: number;
  readonly maxBytes: number;
  readonly from: readonly FetchFrom[];
}

type FetchResponse = fetchV12.FetchResponse;

const NO_SESSION = 0;
const NO_SESSION_EPOCH = -1;
const ANY_EPOCH = -1;
const LOG_APPEND_TIME = 1 << 3;

export const recordsOf = (batches: readonly RecordsBatch[], offset: number): FetchedRecord[] => {
  const records: FetchedRecord[] = [];
  for (const { firstOffset, attributes, firstTimestamp, maxTimestamp, ...batch } of batches) {
    const first = Number(firstOffset);
    const begin = Number(firstTimestamp);
    const appended = (attributes & LOG_APPEND_TIME) !== 0 ? Number(maxTimestamp) : null;
    for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
      // the answer has the whole batch around the offset, with earlier records
      if (first + offsetDelta < offset) continue;
      const timestamp = appended ?? begin + Number(timestampDelta);
      records.push({ offset: first + offsetDelta, key, value, timestamp, headers });
    }
  }
  return records;
};

const answerOf = async (request: Promise<FetchResponse>): Promise<FetchResponse> => {
  try {
    return await request;
  } catch (error) {
    const response = error instanceof KafkaFailure ? error.response : undefined;
    // the broker answered, but some partitions have an error
    if (response !== undefined && (response as FetchResponse).errorCode === 0)
      return response as FetchResponse;
    throw error;
  }
};

export interface FetchedBatches extends TopicPartition {
  /** Kafka's name of the error; null: none */
  readonly error: string | null;
  /** as they are in the log: markers, and records that the isolation level hides, too */
  readonly batches: readonly RecordsBatch[];
  /** those of `batches` whose records the isolation level shows */
  readonly visible: readonly RecordsBatch[];
  readonly highWatermark: number;
  readonly lastStableOffset: number;
}

/** @throws KafkaFailure if the whole request failed */
export const fetchBatches = async (
  connections: Pick<Connections, 'request'>,
  leader: BrokerAddress,
  { isolation, waitMs, maxBytes, from }: FetchRequest,
): Promise<readonly FetchedBatches[]> => {
  const topics = byTopic(from, ({ partition, offset, maxBytes: partitionMaxBytes }) => ({
    partition,
    currentLeaderEpoch: ANY_EPOCH,
    fetchOffset: BigInt(offset),
    lastFetchedEpoch: ANY_EPOCH,
    partitionMaxBytes,
  })).map(({ name, partitions }) => ({ topicId: name, partitions }));
  const { responses } = await answerOf(
    connections.request(
      leader,
      fetchV12.api,
      waitMs,
      1,
      maxBytes,
      isolation,
      NO_SESSION,
      NO_SESSION_EPOCH,
      topics,
      [],
      '',
    ),
  );
  return responses.flatMap(({ topicId: topic, partitions }) =>
    partitions.map(({ partitionIndex: partition, errorCode, records, ...fetched }) => {
      const batches = records ?? [];
      const aborted = isolation === READ_COMMITTED ? (fetched.abortedTransactions ?? []) : [];
      return {
        topic,
        partition,
        error: errorName(errorCode),
        batches,
        visible: visibleBatches(batches, aborted),
        highWatermark: Number(fetched.highWatermark),
        lastStableOffset: Number(fetched.lastStableOffset),
      };
    }),
  );
};

/** @throws KafkaFailure if the whole request failed */
export const fetchFrom = async (
  connections: Pick<Connections, 'request'>,
  leader: BrokerAddress,
  request: FetchRequest,
): Promise<readonly FetchedPartition[]> => {
  const fetched = await fetchBatches(connections, leader, request);
  const offsets = new Map(request.from.map((one) => [`${one.topic}/${one.partition}`, one.offset]));
  return fetched.map(({ batches, visible, ...one }) => {
    const offset = offsets.get(`${one.topic}/${one.partition}`) ?? 0;
    const last = batches.at(-1);
    const end = last === undefined ? 0 : Number(last.firstOffset) + last.lastOffsetDelta + 1;
    return {
      ...one,
      records: recordsOf(visible, offset),
      next: Math.max(offset, end),
      empty: last === undefined,
    };
  });
};

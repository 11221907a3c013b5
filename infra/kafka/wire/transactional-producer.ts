/**
 * The requests of one transactional producer: its id and epoch, the sequences of its batches, and
 * the partitions and groups of its open transaction. After a failed request the producer must not
 * be used again: `initProducer` returns a new one, and fences this one.
 */
import {
  addOffsetsToTxnV3,
  addPartitionsToTxnV3,
  endTxnV3,
  initProducerIdV4,
  type MessageRecord,
  NumericMap,
  produceV9,
  txnOffsetCommitV3,
} from '@platformatic/kafka';
import type { TopicPartition } from '#infra/kafka/wire/address.ts';
import { byLeader, byTopic } from '#infra/kafka/wire/by-topic.ts';
import type { Cluster } from '#infra/kafka/wire/cluster.ts';
import { refused } from '#infra/kafka/wire/failure.ts';

export interface OutgoingMessage {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** epoch ms; absent: the time of the request. Brokers use their own with LogAppendTime. */
  readonly timestamp?: number;
}

export interface OutgoingBatch extends TopicPartition {
  readonly messages: readonly OutgoingMessage[];
}

export interface WrittenBatch {
  readonly baseOffset: number;
  /** epoch ms; -1 if the topic uses the producers' timestamps */
  readonly logTime: number;
}

export interface Position extends TopicPartition {
  readonly offset: number;
}

export interface TransactionalProducer {
  /** Makes the partitions part of the open transaction. */
  addPartitions(at: readonly TopicPartition[]): Promise<void>;
  /** Writes one batch to each of the partitions, which are part of the transaction. */
  send(batches: readonly OutgoingBatch[]): Promise<readonly WrittenBatch[]>;
  sendPositions(group: string, positions: readonly Position[]): Promise<void>;
  /**
   * Ends the open transaction. Sends no request if the transaction is empty. An abort that failed
   * can be repeated; the outcome of a commit that failed is unknown.
   */
  end(outcome: 'commit' | 'abort'): Promise<void>;
}

const PRODUCE_TIMEOUT_MS = 8_000;
const ALL_REPLICAS = -1;
/** Kafka counts a producer's records of a partition in 31 bits; then the count restarts at 0. */
const SEQUENCES = 2 ** 31;
const NO_GENERATION = -1;
const NO_LEADER_EPOCH = -1;

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`;

const bytesOf = (headers: OutgoingMessage['headers']): { headers?: Map<Buffer, Buffer> } =>
  headers === undefined
    ? {}
    : {
        headers: new Map(
          Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]),
        ),
      };

const recordsOf = ({ topic, partition, messages }: OutgoingBatch): MessageRecord[] =>
  messages.map(({ key, value, headers, timestamp }) => ({
    topic,
    partition,
    value,
    ...(key === null ? {} : { key }),
    ...bytesOf(headers),
    ...(timestamp === undefined ? {} : { timestamp: BigInt(timestamp) }),
  }));

/**
 * Fences every earlier producer of the transactional id, and aborts its open transaction.
 * @throws KafkaFailure CONCURRENT_TRANSACTIONS while the abort is in progress
 */
export const initProducer = async (
  cluster: Cluster,
  transactionalId: string,
  transactionTimeoutMs: number,
): Promise<TransactionalProducer> => {
  const transaction = { kind: 'transaction', id: transactionalId } as const;
  const { producerId, producerEpoch } = await cluster.toCoordinator(
    transaction,
    initProducerIdV4.api,
    transactionalId,
    transactionTimeoutMs,
  );
  const sequences = new NumericMap();
  let begun = false;

  /** The first sequence of each batch; the next one continues after it. */
  const number = (batches: readonly OutgoingBatch[]): NumericMap => {
    const first = new NumericMap();
    for (const batch of batches) {
      const sequence = sequences.getWithDefault(keyOf(batch), 0);
      first.set(keyOf(batch), sequence);
      sequences.set(keyOf(batch), (sequence + batch.messages.length) % SEQUENCES);
    }
    return first;
  };

  return {
    async addPartitions(at) {
      if (at.length === 0) return;
      const topics = byTopic(at, ({ partition }) => partition);
      await cluster.toCoordinator(transaction, addPartitionsToTxnV3.api, [
        { transactionalId, producerId, producerEpoch, verifyOnly: false, topics },
      ]);
      begun = true;
    },
    async send(batches) {
      const written = new Map<string, WrittenBatch>();
      const requests = byLeader(batches, cluster.leaderOf).map(async ({ leader, led }) => {
        const options = {
          transactionalId,
          producerId,
          producerEpoch,
          compression: 'none',
          sequences: number(led),
        } as const;
        const answer = (await cluster.request(
          leader,
          produceV9.api,
          ALL_REPLICAS,
          PRODUCE_TIMEOUT_MS,
          led.flatMap(recordsOf),
          options,
        )) as produceV9.ProduceResponse;
        for (const { name, partitionResponses } of answer.responses)
          for (const { index, baseOffset, logAppendTimeMs } of partitionResponses)
            written.set(keyOf({ topic: name, partition: index }), {
              baseOffset: Number(baseOffset),
              logTime: Number(logAppendTimeMs),
            });
      });
      await Promise.all(requests);
      return batches.map((batch) => {
        const found = written.get(keyOf(batch));
        if (found === undefined) throw refused(`no answer for ${keyOf(batch)}`, 'CORRUPT_MESSAGE');
        return found;
      });
    },
    async sendPositions(group, positions) {
      await cluster.toCoordinator(
        transaction,
        addOffsetsToTxnV3.api,
        transactionalId,
        producerId,
        producerEpoch,
        group,
      );
      begun = true;
      await cluster.toCoordinator(
        { kind: 'group', id: group },
        txnOffsetCommitV3.api,
        transactionalId,
        group,
        producerId,
        producerEpoch,
        NO_GENERATION,
        '',
        null,
        byTopic(positions, ({ partition, offset }) => ({
          partitionIndex: partition,
          committedOffset: BigInt(offset),
          committedLeaderEpoch: NO_LEADER_EPOCH,
        })),
      );
    },
    async end(outcome) {
      if (!begun) return;
      await cluster.toCoordinator(
        transaction,
        endTxnV3.api,
        transactionalId,
        producerId,
        producerEpoch,
        outcome === 'commit',
      );
      begun = false;
    },
  };
};

/**
 * Writes topics from copies so that every record has its offset and log time again.
 *
 * | the original has | the copy gets |
 * |---|---|
 * | records | the same records, in no transaction, with the log time as the producer's time |
 * | offsets without a visible record: markers, aborted or compacted records | as many records of one transaction, which is aborted in the end |
 * | a first offset above 0 | the same, and then the offsets before it are deleted |
 *
 * Topics are created with the producers' times, and set to the broker's times when all is written.
 * The aborted records have the times of their neighbours, so that offsets are found by time as
 * before. Their transaction stays open until the partition is written, because its marker has the
 * time of the restore.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createTopicsV7,
  deleteRecordsV2,
  incrementalAlterConfigsV1,
  type MessageRecord,
  offsetCommitV9,
  produceV9,
} from '@platformatic/kafka';
import { MillraceError } from '#domain/errors.ts';
import { hasType, isBusy, UNKNOWN_TOPIC } from '#infra/kafka/kafka-error.ts';
import { topicConfig } from '#infra/kafka/topic-config.ts';
import type { KafkaAddress, TopicPartition } from '#infra/kafka/wire/address.ts';
import { openCluster } from '#infra/kafka/wire/cluster.ts';
import { LATEST, listOffsets, READ_UNCOMMITTED } from '#infra/kafka/wire/offsets.ts';
import {
  initProducer,
  type TransactionalProducer,
} from '#infra/kafka/wire/transactional-producer.ts';
import type { CopiedBatch, CopiedRecord } from './copied-batch.ts';

export interface PartitionCopy extends TopicPartition {
  readonly begin: number;
  readonly end: number;
  /** those that are kept, in order; each has records */
  readonly batches: AsyncIterable<CopiedBatch>;
}

export interface BatchWriter {
  /** @throws MR_REFUSED if the topic exists */
  readonly createTopic: (topic: string, partitions: number) => Promise<void>;
  readonly writePartition: (copy: PartitionCopy) => Promise<void>;
  /** The broker sets the log times from now on. */
  readonly finishTopic: (topic: string) => Promise<void>;
  readonly commit: (group: string, topic: string, offsets: readonly number[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

const TIMEOUT_MS = 30_000;
const ALL_REPLICAS = -1;
const BROKER_DEFAULT = -1;
const TOPIC = 2;
const SET = 0 as const;
/** The longest that brokers allow by default: a partition must be written in this time. */
const TRANSACTION_MS = 15 * 60_000;
/** A connection's requests are handled in order, so many can be under way. */
const IN_FLIGHT = 64;
const FILLERS = 10_000;
const FILLER = Buffer.from('restored');
const POLL_MS = 5;
/** What brokers answer for a moment about a new topic. */
const JUST_MADE = ['NOT_LEADER_OR_FOLLOWER', 'LEADER_NOT_AVAILABLE', UNKNOWN_TOPIC];

const messageOf = (
  { topic, partition }: TopicPartition,
  time: number,
  { key, value, headers }: CopiedRecord,
): MessageRecord => {
  const named = headers.flatMap(([name, content]) =>
    name === null ? [] : [[name, content ?? Buffer.alloc(0)] as const],
  );
  return {
    topic,
    partition,
    // The client writes null, which its type leaves out.
    value: value as Buffer,
    ...(key === null ? {} : { key }),
    ...(named.length === 0 ? {} : { headers: new Map(named) }),
    timestamp: BigInt(time),
  };
};

export const openBatchWriter = (address: KafkaAddress): BatchWriter => {
  const cluster = openCluster(address, TIMEOUT_MS);
  const transactionalId = `millrace-restore-${randomUUID()}`;
  let producer: TransactionalProducer | null = null;

  const busy = async <T>(work: () => Promise<T>): Promise<T> => {
    for (const deadline = performance.now() + TIMEOUT_MS; ; await sleep(POLL_MS)) {
      try {
        return await work();
      } catch (error) {
        const again = isBusy(error) || hasType(error, ...JUST_MADE);
        if (!again || performance.now() > deadline) throw error;
      }
    }
  };

  const endOf = async (at: TopicPartition): Promise<number> =>
    (await listOffsets(cluster, [at], LATEST, READ_UNCOMMITTED))[0] ?? -1;

  const misplaced = (
    { topic, partition }: TopicPartition,
    found: number,
    wanted: number,
  ): never => {
    throw new MillraceError(
      'MR_STORAGE_FAILED',
      `A record of ${topic}, partition ${partition}, was written at offset ${found} instead of ${wanted}: another process writes to the topic. Stop it, empty the servers, and restore again.`,
      { topic, partition, offset: found, wanted },
    );
  };

  const produce = async (at: TopicPartition, messages: MessageRecord[]): Promise<number> => {
    const answer = (await cluster.request(
      cluster.leaderOf(at),
      produceV9.api,
      ALL_REPLICAS,
      TIMEOUT_MS,
      messages,
      { compression: 'none' },
    )) as produceV9.ProduceResponse;
    return Number(answer.responses[0]?.partitionResponses[0]?.baseOffset ?? -1);
  };

  const writePartition = async (copy: PartitionCopy): Promise<void> => {
    const at = { topic: copy.topic, partition: copy.partition };
    await busy(() => cluster.follow(copy.topic));
    // The leader of a new partition refuses records for a moment, which are not sent again.
    await busy(() => endOf(at));
    let next = 0;
    let time = 0;
    let filling: TransactionalProducer | null = null;
    const underWay = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | null = null;

    const track = async (offset: number, written: Promise<number>): Promise<void> => {
      const checked = written.then(
        (found) => void (found === offset || misplaced(at, found, offset)),
      );
      const settled: Promise<void> = checked
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => underWay.delete(settled));
      underWay.add(settled);
      if (underWay.size >= IN_FLIGHT) await Promise.race(underWay);
      if (failure !== null) throw failure.error;
    };
    const settle = async (): Promise<void> => {
      await Promise.all(underWay);
      if (failure !== null) throw failure.error;
    };

    const openTransaction = async (): Promise<TransactionalProducer> => {
      if (filling !== null) return filling;
      producer ??= await busy(() => initProducer(cluster, transactionalId, TRANSACTION_MS));
      const transaction = producer;
      await busy(() => transaction.addPartitions([at]));
      filling = transaction;
      return transaction;
    };

    const fill = async (until: number): Promise<void> => {
      while (next < until) {
        const transaction = await openTransaction();
        const size = Math.min(FILLERS, until - next);
        const message = { key: FILLER, value: FILLER, timestamp: time };
        const sent = transaction.send([{ ...at, messages: Array(size).fill(message) }]);
        await track(
          next,
          sent.then(([written]) => written?.baseOffset ?? -1),
        );
        next += size;
      }
    };

    for await (const batch of copy.batches) {
      const records = batch.records.filter(({ offset }) => offset >= copy.begin);
      // Records with consecutive offsets are one batch.
      for (let i = 0; i < records.length; ) {
        let to = i + 1;
        while (records[to]?.offset === (records[to - 1] as CopiedRecord).offset + 1) to++;
        const run = records.slice(i, to);
        const first = (run[0] as CopiedRecord).offset;
        if (next === 0) time = batch.time;
        await fill(first);
        time = batch.time;
        await track(
          first,
          produce(
            at,
            run.map((record) => messageOf(at, time, record)),
          ),
        );
        next = first + run.length;
        i = to;
      }
    }
    // The marker that ends the transaction takes the last of the offsets.
    if (next < copy.end) {
      await fill(copy.end - 1);
      await openTransaction();
    }
    await settle();
    if (filling !== null) {
      const transaction: TransactionalProducer = filling;
      await busy(() => transaction.end('abort'));
      while ((await endOf(at)) <= next) await sleep(POLL_MS);
    }
    if (copy.begin > 0)
      await cluster.request(
        cluster.leaderOf(at),
        deleteRecordsV2.api,
        [
          {
            name: at.topic,
            partitions: [{ partitionIndex: at.partition, offset: BigInt(copy.begin) }],
          },
        ],
        TIMEOUT_MS,
      );
  };

  return {
    async createTopic(topic, partitions) {
      const config = { ...topicConfig(topic), 'message.timestamp.type': 'CreateTime' };
      const description = {
        name: topic,
        numPartitions: partitions,
        replicationFactor: BROKER_DEFAULT,
        assignments: [],
        configs: Object.entries(config).map(([name, value]) => ({ name, value })),
      };
      try {
        await cluster.toController(createTopicsV7.api, [description], TIMEOUT_MS, false);
      } catch (error) {
        if (!hasType(error, 'TOPIC_ALREADY_EXISTS')) throw error;
        throw new MillraceError(
          'MR_REFUSED',
          `Kafka has the topic ${topic} already. Restore onto servers that have no platform yet.`,
          { topic },
        );
      }
    },
    writePartition,
    async finishTopic(topic) {
      const value = topicConfig(topic)['message.timestamp.type'] as string;
      const configs = [{ name: 'message.timestamp.type', configOperation: SET, value }];
      await cluster.toController(
        incrementalAlterConfigsV1.api,
        [{ resourceType: TOPIC, resourceName: topic, configs }],
        false,
      );
    },
    async commit(group, topic, offsets) {
      const partitions = offsets.map((offset, partitionIndex) => ({
        partitionIndex,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: -1,
        committedMetadata: null,
      }));
      await busy(() =>
        cluster.toCoordinator(
          { kind: 'group', id: group },
          offsetCommitV9.api,
          group,
          -1,
          '',
          null,
          [{ name: topic, partitions }],
        ),
      );
    },
    close: () => cluster.close(),
  };
};

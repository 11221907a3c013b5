/**
 * A typed window on the parts of kafkajs that its public face lacks: a fetch of one partition at
 * one offset, offsets by isolation level, and a transaction whose records are grouped by us. Held
 * to kafkajs 2.2.4, which is pinned; nothing else reaches inside.
 *
 * Why not the public face: a consumer cannot be asked for "partition 3 from offset 17, now" without
 * joining a group, and the public producer copies its list once a record, so a batch of 5,000 costs
 * 12 million copies.
 */
import { createRequire } from 'node:module';
import type { ISocketFactory } from 'kafkajs';
import { repairKafkajs } from '#infra/kafka/kafkajs-repairs.ts';

export interface RawMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** epoch ms: the broker's, as topics are of LogAppendTime */
  readonly timestamp: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly isControlRecord: boolean;
  readonly batchContext: {
    readonly producerId: string;
    readonly inTransaction: boolean;
    readonly maxTimestamp: string;
  };
}

export interface FetchedPartition {
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly messages: readonly RawMessage[];
}

export interface OutgoingMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PartitionMessages {
  readonly partition: number;
  readonly messages: readonly OutgoingMessage[];
  firstSequence?: number;
}

export interface TopicMessages {
  readonly topic: string;
  readonly partitions: readonly PartitionMessages[];
}

export interface Broker {
  isConnected(): boolean;
  fetch(request: {
    isolationLevel: number;
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    topics: readonly {
      topic: string;
      partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[];
    }[];
  }): Promise<{
    responses: readonly { topicName: string; partitions: readonly FetchedPartition[] }[];
  }>;
  listOffsets(request: {
    isolationLevel: number;
    topics: readonly {
      topic: string;
      partitions: readonly { partition: number; timestamp: number | string }[];
    }[];
  }): Promise<{
    responses: readonly {
      topic: string;
      partitions: readonly { partition: number; offset: string }[];
    }[];
  }>;
  offsetFetch(request: {
    groupId: string;
    topics: readonly { topic: string; partitions: readonly { partition: number }[] }[];
  }): Promise<{
    responses: readonly {
      topic: string;
      partitions: readonly { partition: number; offset: string }[];
    }[];
  }>;
  produce(request: {
    transactionalId: string;
    producerId: string;
    producerEpoch: number;
    acks: number;
    timeout: number;
    compression: number;
    topicData: readonly TopicMessages[];
  }): Promise<{
    topics: readonly {
      topicName: string;
      partitions: readonly {
        partition: number;
        errorCode: number;
        baseOffset: string;
        logAppendTime: string;
      }[];
    }[];
  }>;
}

export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { partitionId: number; leader: number }[];
  findLeaderForPartitions(
    topic: string,
    partitions: readonly number[],
  ): Readonly<Record<string, readonly number[]>>;
  findBroker(node: { nodeId: string }): Promise<Broker>;
  findGroupCoordinator(group: { groupId: string; coordinatorType?: number }): Promise<Broker>;
  metadata(request: { topics: readonly string[] }): Promise<{
    topicMetadata: readonly {
      topic: string;
      partitionMetadata: readonly { partitionId: number }[];
    }[];
  }>;
  readonly targetTopics: Set<string>;
}

/**
 * One transactional producer's identity, epoch and sequences: `initProducerId` shuts out whoever
 * had the id before.
 */
export interface TransactionManager {
  initProducerId(): Promise<void>;
  getProducerId(): string;
  getProducerEpoch(): number;
  beginTransaction(): void;
  addPartitionsToTransaction(topics: readonly TopicMessages[]): Promise<void>;
  getSequence(topic: string, partition: number): number;
  updateSequence(topic: string, partition: number, count: number): void;
  sendOffsets(offsets: {
    consumerGroupId: string;
    topics: readonly {
      topic: string;
      partitions: readonly { partition: number; offset: string }[];
    }[];
  }): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
  isInTransaction(): boolean;
}

export type Warn = (message: string) => void;

export interface KafkaAddress {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** what kafkajs would print; nothing is printed without it */
  readonly warn?: Warn;
  /** how connections are made; default plain TCP */
  readonly sockets?: ISocketFactory;
}

export const READ_UNCOMMITTED = 0;
export const READ_COMMITTED = 1;
export const LATEST = -1;
export const EARLIEST = -2;

const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTION_TIMEOUT_MS = 1_000;
const METADATA_AGE_MS = 30_000;

const require = createRequire(import.meta.url);
const ClusterClass = require('kafkajs/src/cluster') as new (options: object) => Cluster;
const createLogger = require('kafkajs/src/loggers').createLogger as (options: object) => object;
const socketFactory = require('kafkajs/src/network/socketFactory') as () => ISocketFactory;
const createManager = require('kafkajs/src/producer/eosManager') as (
  options: object,
) => TransactionManager;
repairKafkajs();

type LogEntry = {
  readonly namespace: string;
  readonly log: { readonly message: string; readonly error?: string };
};

/** kafkajs logs through this and no other way. */
export const logCreator =
  (warn: Warn | undefined) =>
  () =>
  ({ namespace, log }: LogEntry): void => {
    // A broker's refusal goes to who asked: who asks again where that helps, and tells where it
    // does not.
    if (namespace === 'Connection' && log.message.startsWith('Response ')) return;
    warn?.(`kafka ${namespace}: ${log.message}${log.error === undefined ? '' : `: ${log.error}`}`);
  };

const WARN_LEVEL = 2;
export const kafkaLogger = (warn: Warn | undefined): object =>
  createLogger({ level: WARN_LEVEL, logCreator: logCreator(warn) });

export const openCluster = ({ brokers, clientId, warn, sockets }: KafkaAddress): Cluster =>
  new ClusterClass({
    logger: kafkaLogger(warn),
    socketFactory: sockets ?? socketFactory(),
    brokers: [...brokers],
    clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    metadataMaxAge: METADATA_AGE_MS,
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
    isolationLevel: READ_COMMITTED,
    retry: { retries: 2, initialRetryTime: 30, maxRetryTime: 200, multiplier: 2, factor: 0.2 },
  });

/**
 * kafkajs asks who the coordinator is before each request to it: two round trips of a transaction's
 * six.
 */
const rememberCoordinators = (cluster: Cluster): Cluster => {
  const known = new Map<string, Broker>();
  return Object.create(cluster, {
    findGroupCoordinator: {
      async value(group: { groupId: string; coordinatorType?: number }): Promise<Broker> {
        const key = `${group.coordinatorType ?? 0} ${group.groupId}`;
        const remembered = known.get(key);
        if (remembered?.isConnected() === true) return remembered;
        const found = await cluster.findGroupCoordinator(group);
        known.set(key, found);
        return found;
      },
    },
  });
};

/** Made anew after every failure, and with it what it remembers of coordinators. */
export const transactionManager = (
  cluster: Cluster,
  transactionalId: string,
  transactionTimeout: number,
  warn: Warn | undefined,
): TransactionManager =>
  createManager({
    logger: kafkaLogger(warn),
    cluster: rememberCoordinators(cluster),
    transactional: true,
    transactionalId,
    transactionTimeout,
  });

/**
 * What of a fetch answer is data of decided transactions: neither markers nor records of aborted
 * ones.
 */
export const dataOf = ({ messages }: FetchedPartition): readonly RawMessage[] =>
  messages.filter((message) => !message.isControlRecord);

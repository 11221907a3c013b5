/**
 * A member of a consumer group: the members share the topics' partitions, each partition's records
 * come in order, and a batch is committed once the handler has resolved. So every record is handled
 * at least once; after a kill, or when a member that was taken for dead goes on, a batch is handled
 * again, and the handler must not mind: it writes absolute values, or keeps the position beside
 * what it writes and says so in `onAssigned`.
 *
 * - Nothing of an assignment is handled before its `onAssigned` has resolved, nor after its
 *   `onRevoked` was called.
 * - A handler that throws gets the same batch again, after a pause; the partitions behind it wait.
 * - A fetch waits for the first byte only, so delivery takes about a round trip; the heartbeat goes
 *   on while a handler works.
 * - A broker that is away is waited for.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { LogRecord } from '#domain/ports/log.ts';
import { kafkaClient } from '#infra/kafka/admin.ts';
import {
  type AssignedPartition,
  type Assignments,
  createAssignments,
  type StartAt,
} from '#infra/kafka/assignments.ts';
import { toLogRecord } from '#infra/kafka/log-record.ts';
import type { KafkaAddress } from '#infra/kafka/raw-cluster.ts';

export type { AssignedPartition, StartAt } from '#infra/kafka/assignments.ts';

export interface SubscriptionBatch {
  readonly topic: string;
  readonly partition: number;
  /** never empty, in order, of decided transactions */
  readonly records: readonly LogRecord[];
  /** the partition's end as the broker said with this batch: what is still to come */
  readonly end: number;
  /** false once the partition may belong to another member */
  readonly current: () => boolean;
}

export interface SubscribeOptions extends KafkaAddress {
  readonly group: string;
  readonly topics: readonly string[];
  /** where a group without a position starts; default true */
  readonly fromBeginning?: boolean;
  /** before the names of group and topics */
  readonly prefix?: string;
  /** partitions handled at the same time; default 1 */
  readonly concurrency?: number;
  readonly maxBytesPerPartition?: number;
  /**
   * 'handler': the handler itself commits positions, e.g. in its transaction; default
   * 'subscription'
   */
  readonly commits?: 'subscription' | 'handler';
  readonly sessionTimeoutMs?: number;
  /**
   * how long a rebalance waits for a member's handlers; who takes longer loses its partitions while
   * it works
   */
  readonly rebalanceTimeoutMs?: number;
  readonly handler: (batch: SubscriptionBatch) => Promise<void>;
  /** What it answers is where those partitions start, instead of the group's position. */
  readonly onAssigned?: (
    partitions: readonly AssignedPartition[],
  ) => Promise<readonly StartAt[] | undefined>;
  readonly onRevoked?: (partitions: readonly AssignedPartition[]) => Promise<void>;
  /** a handler's or a callback's error; the work is tried again */
  readonly onError?: (error: unknown) => void;
}

export interface Subscription {
  /** The first assignment is there, be it empty. */
  readonly ready: Promise<void>;
  readonly assigned: () => readonly AssignedPartition[];
  readonly seek: (at: StartAt) => void;
  /** Lets running handlers end, leaves the group. */
  readonly close: () => Promise<void>;
}

const HEARTBEAT_MS = 1_000;
/**
 * The least that a broker allows: after a broker's restart, members that never came back are waited
 * for so long.
 */
const SESSION_MS = 6_000;
const REBALANCE_MS = 30_000;
/** A fetch's longest wait where there is nothing: a rebalance is noticed after it. */
const WAIT_MS = 250;
const PARTITION_BYTES = 4 * 1024 * 1024;
const RESTART_MS = 500;

export const subscribe = (options: SubscribeOptions): Subscription => {
  const {
    prefix = '',
    warn,
    onError = (error) => warn?.(`subscription ${options.group}: ${String(error)}`),
  } = options;
  let closed = false;
  let consumer: Consumer | null = null;
  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    markReady = resolve;
  });

  const seek = ({ topic, partition, offset }: StartAt): void =>
    consumer?.seek({ topic: prefix + topic, partition, offset: String(offset) });

  const assignments: Assignments = createAssignments({
    seek,
    onError,
    assigned: async (partitions) => options.onAssigned?.(partitions),
    revoked: async (partitions) => options.onRevoked?.(partitions),
  });

  const handle = async (payload: EachBatchPayload): Promise<void> => {
    const { batch, heartbeat, resolveOffset, commitOffsetsIfNecessary, isRunning, isStale } =
      payload;
    const topic = batch.topic.slice(prefix.length);
    const beating = setInterval(() => void heartbeat().catch(() => undefined), HEARTBEAT_MS);
    try {
      const generation = await assignments.settled();
      const current = (): boolean => isRunning() && generation === assignments.generation();
      if (!current() || isStale()) return;
      const records = batch.messages.map((message) => toLogRecord(topic, batch.partition, message));
      await options.handler({
        topic,
        partition: batch.partition,
        records,
        end: Number(batch.highWatermark),
        current,
      });
      const last = batch.lastOffset();
      resolveOffset(last);
      if (options.commits === 'handler') return;
      const offset = String(Number(last) + 1);
      await commitOffsetsIfNecessary({
        topics: [{ topic: batch.topic, partitions: [{ partition: batch.partition, offset }] }],
      });
    } finally {
      clearInterval(beating);
    }
  };

  const run = async (): Promise<Consumer> => {
    const next = kafkaClient(options).consumer({
      groupId: prefix + options.group,
      sessionTimeout: options.sessionTimeoutMs ?? SESSION_MS,
      rebalanceTimeout: options.rebalanceTimeoutMs ?? REBALANCE_MS,
      heartbeatInterval: HEARTBEAT_MS,
      minBytes: 1,
      maxWaitTimeInMs: WAIT_MS,
      maxBytesPerPartition: options.maxBytesPerPartition ?? PARTITION_BYTES,
      allowAutoTopicCreation: false,
      retry: {
        retries: 4,
        initialRetryTime: 100,
        maxRetryTime: 1000,
        restartOnFailure: async () => false,
      },
    });
    consumer = next;
    next.on(next.events.GROUP_JOIN, ({ payload }) => {
      const partitions = Object.entries(payload.memberAssignment).flatMap(([topic, numbers]) =>
        numbers.map((partition) => ({ topic: topic.slice(prefix.length), partition })),
      );
      assignments.assign(partitions);
      markReady();
    });
    next.on(next.events.REBALANCING, () => assignments.revoke());
    next.on(next.events.CRASH, ({ payload }) => {
      assignments.revoke();
      onError(payload.error);
      if (!closed) void restart(next);
    });
    await next.connect();
    await next.subscribe({
      topics: options.topics.map((topic) => prefix + topic),
      fromBeginning: options.fromBeginning ?? true,
    });
    await next.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency ?? 1,
      eachBatch: async (payload) => {
        try {
          await handle(payload);
        } catch (error) {
          onError(error);
          throw error;
        }
      },
    });
    return next;
  };

  const start = async (): Promise<void> => {
    while (!closed) {
      try {
        await run();
        return;
      } catch (error) {
        onError(error);
        await consumer?.disconnect().catch(() => undefined);
        await sleep(RESTART_MS);
      }
    }
  };
  let starting = start();
  const restart = async (crashed: Consumer): Promise<void> => {
    await crashed.disconnect().catch(() => undefined);
    await sleep(RESTART_MS);
    if (!closed && consumer === crashed) starting = start();
  };

  return {
    ready,
    assigned: () => assignments.current(),
    seek,
    async close() {
      closed = true;
      await starting;
      await consumer?.disconnect().catch(() => undefined);
      assignments.revoke();
      await assignments.settled();
    },
  };
};

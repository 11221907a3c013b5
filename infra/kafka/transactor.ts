/**
 * One transactional producer. A transaction's records are grouped by partition into batches of
 * about a mebibyte, sent in rounds: round n sends the nth batch of every partition at once. It
 * resolves when readers of committed records can see all of it, which Kafka by itself does not
 * promise: its commit answers when the decision is durable, a little before the partitions have
 * heard of it.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { hasType, isFenced, type RetryPolicy, unavailable } from '#infra/kafka/kafka-error.ts';
import type { Partitions } from '#infra/kafka/partitions.ts';
import {
  type Cluster,
  LATEST,
  type OutgoingMessage,
  type TopicMessages,
  type TransactionManager,
  transactionManager,
  type Warn,
} from '#infra/kafka/raw-cluster.ts';

/** The batches of one partition, in order; `baseOffset` and `logTime` are known once sent. */
export interface Batch {
  readonly messages: OutgoingMessage[];
  bytes: number;
  baseOffset: number;
  logTime: number;
}

export interface PartitionPlan {
  readonly topic: string;
  readonly partition: number;
  readonly batches: Batch[];
}

export interface GroupOffsets {
  readonly group: string;
  readonly offsets: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
  }[];
}

export interface TransactionPlan {
  readonly partitions: readonly PartitionPlan[];
  readonly positions: readonly GroupOffsets[];
  /** Asked after everything was sent, before the commit: false aborts. */
  readonly confirm?: () => Promise<boolean>;
}

export type TransactionOutcome = 'committed' | 'refused';

export interface Transactor {
  /**
   * Tried again while the broker is away; an outcome that is not known is found out, so nothing is
   * written twice.
   */
  transact(plan: TransactionPlan): Promise<TransactionOutcome>;
  /**
   * Shuts out whoever had the transactional id, and returns when what they left open is decided.
   */
  take(): Promise<void>;
  /**
   * One try. After it has thrown, the id must be taken again, and what was committed be read again,
   * before the next: in between another process may have taken it, and gone on from there.
   */
  transactOnce(plan: TransactionPlan): Promise<void>;
  close(): Promise<void>;
}

export interface TransactorOptions {
  readonly cluster: Cluster;
  readonly partitions: Partitions;
  readonly retryPolicy: RetryPolicy;
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  readonly warn: Warn | undefined;
}

const PRODUCE_TIMEOUT_MS = 8_000;
const ALL_REPLICAS = -1;
const NO_COMPRESSION = 0;
const VISIBLE_POLL_MS = 1;

/**
 * The coordinator is still writing the markers of the transaction before: it says so, and expects
 * to be asked again.
 */
const isBusy = (error: unknown): boolean => hasType(error, 'CONCURRENT_TRANSACTIONS');

class UnknownOutcome extends Error {}

export const openTransactor = (options: TransactorOptions): Transactor => {
  const { cluster, partitions, retryPolicy, transactionalId, transactionTimeoutMs, warn } = options;
  let manager: TransactionManager | null = null;
  /** where the transaction that failed may have left records */
  let doubtful: readonly PartitionPlan[] = [];

  const whileBusy = async <T>(deadline: number, work: () => Promise<T>): Promise<T> => {
    for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
      try {
        return await work();
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw error;
        await sleep(pause);
      }
    }
  };

  /**
   * Taking the id makes the coordinator abort what was open. But a broker that was killed and is
   * starting has been seen to count the transaction as aborted without a marker in its partitions;
   * our next commit there would then have committed the old records too. So an empty transaction
   * over the same partitions is aborted first: its markers end whatever is still open.
   */
  const sweep = async (eos: TransactionManager, deadline: number): Promise<void> => {
    if (doubtful.length === 0) return;
    eos.beginTransaction();
    await whileBusy(deadline, () => eos.addPartitionsToTransaction(topicPartitions(doubtful)));
    await eos.abort();
    doubtful = [];
  };

  const begin = async (deadline: number): Promise<TransactionManager> => {
    if (manager === null) {
      const fresh = transactionManager(cluster, transactionalId, transactionTimeoutMs, warn);
      await cluster.refreshMetadataIfNecessary();
      await whileBusy(deadline, () => fresh.initProducerId());
      await sweep(fresh, deadline);
      manager = fresh;
    }
    manager.beginTransaction();
    return manager;
  };

  const sendRound = async (
    eos: TransactionManager,
    plans: readonly PartitionPlan[],
    round: number,
  ): Promise<void> => {
    const byLeader = new Map<string, PartitionPlan[]>();
    for (const plan of plans) {
      const nodeId = Object.keys(cluster.findLeaderForPartitions(plan.topic, [plan.partition]))[0];
      if (nodeId === undefined) throw new Error(`${plan.topic}/${plan.partition} has no leader`);
      byLeader.set(nodeId, [...(byLeader.get(nodeId) ?? []), plan]);
    }
    await Promise.all(
      [...byLeader].map(async ([nodeId, led]) => {
        const broker = await cluster.findBroker({ nodeId });
        const topicData = topicMessages(led, round);
        for (const { topic, partitions: list } of topicData) {
          for (const entry of list) {
            entry.firstSequence = eos.getSequence(topic, entry.partition);
            eos.updateSequence(topic, entry.partition, entry.messages.length);
          }
        }
        const { topics } = await broker.produce({
          transactionalId,
          producerId: eos.getProducerId(),
          producerEpoch: eos.getProducerEpoch(),
          acks: ALL_REPLICAS,
          timeout: PRODUCE_TIMEOUT_MS,
          compression: NO_COMPRESSION,
          topicData,
        });
        const answers = new Map(
          topics.flatMap((t) =>
            t.partitions.map((p) => [`${t.topicName}/${p.partition}`, p] as const),
          ),
        );
        for (const { topic, partition, batches } of led) {
          const answer = answers.get(`${topic}/${partition}`);
          const batch = batches[round];
          if (answer === undefined || batch === undefined)
            throw new Error(`no answer for ${topic}/${partition}`);
          batch.baseOffset = Number(answer.baseOffset);
          batch.logTime = Number(answer.logAppendTime);
        }
      }),
    );
  };

  /**
   * Until every partition's stable end is past what was written; or, for an outcome that is not
   * known, until it is decided.
   */
  const visible = async (plans: readonly PartitionPlan[], deadline: number): Promise<void> => {
    let open = plans.flatMap(({ topic, partition, batches }) => {
      const last = batches.at(-1);
      return last === undefined
        ? []
        : [{ topic, partition, last: last.baseOffset + last.messages.length - 1 }];
    });
    while (open.length > 0) {
      const ends = await partitions.offsets(open, LATEST);
      open = open.filter(({ last }, i) => (ends[i] as number) <= last);
      if (open.length === 0) return;
      if (performance.now() > deadline)
        throw new UnknownOutcome('the commit was not seen by the partitions in time');
      await sleep(VISIBLE_POLL_MS);
    }
  };

  const attempt = async (plan: TransactionPlan, deadline: number): Promise<TransactionOutcome> => {
    const eos = await begin(deadline);
    let committing = false;
    try {
      const touched = topicPartitions(plan.partitions);
      if (touched.length > 0)
        await whileBusy(deadline, () => eos.addPartitionsToTransaction(touched));
      const rounds = Math.max(0, ...plan.partitions.map(({ batches }) => batches.length));
      for (let round = 0; round < rounds; round++) {
        await sendRound(
          eos,
          plan.partitions.filter(({ batches }) => round < batches.length),
          round,
        );
      }
      for (const { group, offsets } of plan.positions) {
        const topics = [...new Set(offsets.map(({ topic }) => topic))].map((topic) => ({
          topic,
          partitions: offsets
            .filter((o) => o.topic === topic)
            .map(({ partition, offset }) => ({ partition, offset: String(offset) })),
        }));
        await whileBusy(deadline, () => eos.sendOffsets({ consumerGroupId: group, topics }));
      }
      if (plan.confirm !== undefined && !(await plan.confirm())) {
        await eos.abort();
        return 'refused';
      }
      committing = true;
      await eos.commit();
      return 'committed';
    } catch (error) {
      manager = null;
      doubtful = plan.partitions;
      if (committing && !isFenced(error)) throw new UnknownOutcome(messageOf(error));
      if (eos.isInTransaction()) await eos.abort().catch(() => undefined);
      throw error;
    }
  };

  /**
   * A commit whose answer was lost: taking the transactional id anew makes the coordinator finish
   * what was decided and abort what was not, so after it the first record is either there or it is
   * not.
   */
  const settle = async (plan: TransactionPlan, deadline: number): Promise<boolean> => {
    const first = plan.partitions[0];
    const batch = first?.batches[0];
    // positions alone may be written twice: it changes nothing
    if (first === undefined || batch === undefined) return false;
    const eos = await begin(deadline);
    await eos.abort();
    await visible(plan.partitions, deadline);
    const { messages } = await partitions.fetch(first, batch.baseOffset, { maxBytes: 1 });
    return messages[0] !== undefined && Number(messages[0].offset) === batch.baseOffset;
  };

  return {
    async take() {
      manager = null;
      const eos = await begin(performance.now() + retryPolicy.retryForMs);
      await eos.abort();
    },
    async transactOnce(plan) {
      if (manager === null)
        throw new Error(`the transactional id "${transactionalId}" is not held`);
      await attempt(plan, performance.now() + retryPolicy.retryForMs);
    },
    async transact(plan) {
      const deadline = performance.now() + retryPolicy.retryForMs;
      let unsure = false;
      for (let pause = 5; ; pause = Math.min(pause * 2, 400)) {
        try {
          if (unsure && (await settle(plan, deadline))) return 'committed';
          unsure = false;
          const outcome = await attempt(plan, deadline);
          if (outcome === 'committed') {
            unsure = true;
            await visible(plan.partitions, deadline);
          }
          return outcome;
        } catch (error) {
          if (error instanceof MillraceError && error.code !== 'MR_LOG_UNAVAILABLE') throw error;
          if (error instanceof UnknownOutcome) unsure = true;
          if (isFenced(error))
            throw new MillraceError(
              'MR_UNAVAILABLE',
              `Another process has taken over the transactional id "${transactionalId}"; give each process a name of its own.`,
            );
          if (performance.now() + pause > deadline || retryPolicy.closed())
            throw unavailable(
              'appending (it may or may not have been taken)',
              retryPolicy.brokers,
              error,
            );
          await sleep(pause);
          await cluster.refreshMetadata().catch(() => undefined);
        }
      }
    },
    async close() {
      manager = null;
    },
  };
};

/** All that are part of the transaction, with records or without. */
const topicPartitions = (plans: readonly PartitionPlan[]): readonly TopicMessages[] =>
  topicMessages(
    plans.map((plan) => ({
      ...plan,
      batches: [{ messages: [], bytes: 0, baseOffset: -1, logTime: 0 }],
    })),
    0,
  );

const topicMessages = (
  plans: readonly PartitionPlan[],
  round: number,
): readonly TopicMessages[] => {
  const topics = new Map<string, TopicMessages['partitions'][number][]>();
  for (const { topic, partition, batches } of plans) {
    const messages = batches[round]?.messages;
    if (messages === undefined) continue;
    const list = topics.get(topic) ?? [];
    topics.set(topic, list);
    list.push({ partition, messages });
  }
  return [...topics].map(([topic, list]) => ({ topic, partitions: list }));
};

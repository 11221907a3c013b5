/**
 * One transactional producer. A transaction's records are grouped by partition into batches of
 * about a mebibyte, sent in rounds: round n sends the nth batch of every partition at once.
 * `transact` resolves when readers of committed records can see all of it. Kafka alone does not
 * guarantee that: it answers a commit when the decision is durable, shortly before the markers are
 * in the partitions.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import {
  countRetries,
  type IsOver,
  isBusy,
  isFenced,
  type RetryPolicy,
  unavailable,
} from '#infra/kafka/kafka-error.ts';
import type { Partitions } from '#infra/kafka/partitions.ts';
import type { Cluster } from '#infra/kafka/wire/cluster.ts';
import { LATEST } from '#infra/kafka/wire/offsets.ts';
import {
  initProducer,
  type OutgoingMessage,
  type Position,
  type TransactionalProducer,
} from '#infra/kafka/wire/transactional-producer.ts';

/** The batches of one partition, in order; `baseOffset` and `logTime` are set when it is sent. */
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
  readonly offsets: readonly Position[];
}

export interface TransactionPlan {
  readonly partitions: readonly PartitionPlan[];
  readonly positions: readonly GroupOffsets[];
  /** Called after all records were sent and before the commit; false aborts. */
  readonly confirm?: () => Promise<boolean>;
}

export type TransactionOutcome = 'committed' | 'refused';

export interface Transactor {
  /**
   * Retries while the broker is unavailable. If the outcome of a commit is unknown, it is read from
   * the partitions, so no record is written twice.
   */
  transact(plan: TransactionPlan): Promise<TransactionOutcome>;
  /**
   * Fences every earlier producer of the transactional id, and resolves when their open transaction
   * is decided.
   */
  fence(): Promise<void>;
  /**
   * Makes one attempt. After it has thrown, the caller must call `fence`, and then read the
   * committed positions again, before the next attempt: another process may have fenced this one
   * and committed more.
   */
  transactOnce(plan: TransactionPlan): Promise<void>;
}

export interface TransactorOptions {
  readonly cluster: Cluster;
  readonly partitions: Partitions;
  readonly retryPolicy: RetryPolicy;
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
}

const VISIBLE_POLL_MS = 1;

class UnknownOutcome extends Error {}

export const openTransactor = (options: TransactorOptions): Transactor => {
  const { cluster, partitions, retryPolicy, transactionalId, transactionTimeoutMs } = options;
  let current: TransactionalProducer | null = null;
  /** the partitions in which a failed transaction may have left records */
  let unresolved: readonly PartitionPlan[] = [];

  const whileBusy = async <T>(isOver: IsOver, work: () => Promise<T>): Promise<T> => {
    for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
      try {
        return await work();
      } catch (error) {
        if (!isBusy(error) || isOver(error)) throw error;
        await sleep(pause);
      }
    }
  };

  /** For requests of an open transaction: the broker aborts one that is open for long. */
  const whileOpen = (isOver: IsOver): IsOver => {
    const deadline = performance.now() + retryPolicy.retryForMs;
    return (error) => isOver(error) || performance.now() > deadline;
  };

  /**
   * A new producer makes the coordinator abort the open transaction. But a broker that was starting
   * after a kill has been seen to count the transaction as aborted without a marker in its
   * partitions. The next commit there would have committed the old records too. So an empty
   * transaction over the same partitions is aborted first: its markers end the old transaction.
   */
  const abortUnresolved = async (
    producer: TransactionalProducer,
    isOver: IsOver,
  ): Promise<void> => {
    if (unresolved.length === 0) return;
    const isLate = whileOpen(isOver);
    await whileBusy(isLate, () => producer.addPartitions(unresolved));
    await whileBusy(isLate, () => producer.end('abort'));
    unresolved = [];
  };

  const begin = async (isOver: IsOver): Promise<TransactionalProducer> => {
    if (current !== null) return current;
    await cluster.refreshIfStale();
    const fresh = await whileBusy(isOver, () =>
      initProducer(cluster, transactionalId, transactionTimeoutMs),
    );
    await abortUnresolved(fresh, isOver);
    current = fresh;
    return fresh;
  };

  /** The nth batch of every partition that has one. */
  const sendRound = async (
    producer: TransactionalProducer,
    plans: readonly PartitionPlan[],
    round: number,
  ): Promise<void> => {
    const sent = plans.flatMap(({ topic, partition, batches }) => {
      const batch = batches[round];
      return batch === undefined ? [] : [{ batch, out: { topic, partition, ...batch } }];
    });
    const written = await producer.send(sent.map(({ out }) => out));
    for (const [i, { batch }] of sent.entries()) Object.assign(batch, written[i]);
  };

  /**
   * Waits until the stable end of every partition is past the written records. If the outcome is
   * unknown, this is when it is decided.
   */
  const visible = async (plans: readonly PartitionPlan[], isOver: IsOver): Promise<void> => {
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
      if (isOver(null))
        throw new UnknownOutcome('the commit did not become visible in all partitions in time');
      await sleep(VISIBLE_POLL_MS);
    }
  };

  const attempt = async (plan: TransactionPlan, isOver: IsOver): Promise<TransactionOutcome> => {
    const producer = await begin(isOver);
    const isLate = whileOpen(isOver);
    let committing = false;
    try {
      await whileBusy(isLate, () => producer.addPartitions(plan.partitions));
      const rounds = Math.max(0, ...plan.partitions.map(({ batches }) => batches.length));
      for (let round = 0; round < rounds; round++)
        await sendRound(producer, plan.partitions, round);
      for (const { group, offsets } of plan.positions)
        await whileBusy(isLate, () => producer.sendPositions(group, offsets));
      if (plan.confirm !== undefined && !(await plan.confirm())) {
        await whileBusy(isLate, () => producer.end('abort'));
        return 'refused';
      }
      committing = true;
      await producer.end('commit');
      return 'committed';
    } catch (error) {
      current = null;
      unresolved = plan.partitions;
      if (committing && !isFenced(error)) throw new UnknownOutcome(messageOf(error));
      if (!committing) await producer.end('abort').catch(() => undefined);
      throw error;
    }
  };

  /**
   * Finds the outcome of a commit whose answer was lost: true if committed. A new producer of the
   * id makes the coordinator finish a decided transaction and abort an open one. After that, the
   * first record is either visible or not.
   */
  const settle = async (plan: TransactionPlan, isOver: IsOver): Promise<boolean> => {
    const first = plan.partitions[0];
    const batch = first?.batches[0];
    // without records, the same positions can be written again
    if (first === undefined || batch === undefined) return false;
    await begin(isOver);
    await visible(plan.partitions, isOver);
    const { messages } = await partitions.fetch(first, batch.baseOffset, { maxBytes: 1 });
    return messages[0]?.offset === batch.baseOffset;
  };

  return {
    async fence() {
      current = null;
      await begin(countRetries(retryPolicy.retryForMs));
    },
    async transactOnce(plan) {
      if (current === null)
        throw new Error(
          `the transactional id "${transactionalId}" has no producer: call fence first`,
        );
      await attempt(plan, countRetries(retryPolicy.retryForMs));
    },
    async transact(plan) {
      const isOver = countRetries(retryPolicy.retryForMs);
      let unknownOutcome = false;
      for (let pause = 5; ; pause = Math.min(pause * 2, 400)) {
        try {
          if (unknownOutcome && (await settle(plan, isOver))) return 'committed';
          unknownOutcome = false;
          const outcome = await attempt(plan, isOver);
          if (outcome === 'committed') {
            unknownOutcome = true;
            await visible(plan.partitions, isOver);
          }
          return outcome;
        } catch (error) {
          if (error instanceof MillraceError && error.code !== 'MR_LOG_UNAVAILABLE') throw error;
          if (error instanceof UnknownOutcome) unknownOutcome = true;
          if (isFenced(error))
            throw new MillraceError(
              'MR_UNAVAILABLE',
              `Another process has taken over the transactional id "${transactionalId}"; give each process a name of its own.`,
            );
          if (isOver(error, pause) || retryPolicy.closed())
            throw unavailable(
              'appending (the records may or may not be in the log)',
              retryPolicy.brokers,
              error,
            );
          await sleep(pause);
          await cluster.refresh().catch(() => undefined);
        }
      }
    },
  };
};

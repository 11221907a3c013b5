/**
 * One transactional producer. A transaction's records are grouped by partition into batches of
 * about a mebibyte, sent in rounds: round n sends the nth batch of every partition at once. It
 * resolves when readers of committed records can see all of it. Kafka alone does not promise that:
 * it answers a commit when the decision is durable, a little before the markers are in the
 * partitions.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { hasType, isFenced, type RetryPolicy, unavailable } from '#infra/kafka/kafka-error.ts';
import type { Partitions } from '#infra/kafka/partitions.ts';
import type { Cluster } from '#infra/kafka/wire/cluster.ts';
import { LATEST } from '#infra/kafka/wire/offsets.ts';
import {
  initProducer,
  type OutgoingMessage,
  type Position,
  type TransactionalProducer,
} from '#infra/kafka/wire/transactional-producer.ts';

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
  readonly offsets: readonly Position[];
}

export interface TransactionPlan {
  readonly partitions: readonly PartitionPlan[];
  readonly positions: readonly GroupOffsets[];
  /** Called after everything was sent, before the commit: false aborts. */
  readonly confirm?: () => Promise<boolean>;
}

export type TransactionOutcome = 'committed' | 'refused';

export interface Transactor {
  /**
   * Tries again while the broker is away. Where the outcome of a commit is unknown, it is read from
   * the partitions, so nothing is written twice.
   */
  transact(plan: TransactionPlan): Promise<TransactionOutcome>;
  /**
   * Fences every earlier producer of the transactional id, and resolves when the transaction that
   * it left open is decided.
   */
  take(): Promise<void>;
  /**
   * One try. After it has thrown, the caller must fence again, and then read again what was
   * committed, before the next try: another process may have fenced this one and committed more.
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
}

const VISIBLE_POLL_MS = 1;

/**
 * Refusals after which the same request is to be sent again: the coordinator is still writing the
 * markers of the transaction before, or it has just moved.
 */
const isBusy = (error: unknown): boolean =>
  hasType(
    error,
    'CONCURRENT_TRANSACTIONS',
    'COORDINATOR_LOAD_IN_PROGRESS',
    'COORDINATOR_NOT_AVAILABLE',
    'NOT_COORDINATOR',
  );

class UnknownOutcome extends Error {}

export const openTransactor = (options: TransactorOptions): Transactor => {
  const { cluster, partitions, retryPolicy, transactionalId, transactionTimeoutMs } = options;
  let held: TransactionalProducer | null = null;
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
   * A new producer makes the coordinator abort what was open. But a broker that was killed and is
   * starting was seen to count the transaction as aborted without a marker in its partitions; the
   * next commit there would then have committed the old records too. So an empty transaction over
   * the same partitions is aborted first: its markers end what is still open.
   */
  const sweep = async (producer: TransactionalProducer, deadline: number): Promise<void> => {
    if (doubtful.length === 0) return;
    await whileBusy(deadline, () => producer.addPartitions(doubtful));
    await producer.end('abort');
    doubtful = [];
  };

  const begin = async (deadline: number): Promise<TransactionalProducer> => {
    if (held !== null) return held;
    await cluster.refreshIfStale();
    const fresh = await whileBusy(deadline, () =>
      initProducer(cluster, transactionalId, transactionTimeoutMs),
    );
    await sweep(fresh, deadline);
    held = fresh;
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
    const producer = await begin(deadline);
    let committing = false;
    try {
      await whileBusy(deadline, () => producer.addPartitions(plan.partitions));
      const rounds = Math.max(0, ...plan.partitions.map(({ batches }) => batches.length));
      for (let round = 0; round < rounds; round++)
        await sendRound(producer, plan.partitions, round);
      for (const { group, offsets } of plan.positions)
        await whileBusy(deadline, () => producer.sendPositions(group, offsets));
      if (plan.confirm !== undefined && !(await plan.confirm())) {
        await producer.end('abort');
        return 'refused';
      }
      committing = true;
      await producer.end('commit');
      return 'committed';
    } catch (error) {
      held = null;
      doubtful = plan.partitions;
      if (committing && !isFenced(error)) throw new UnknownOutcome(messageOf(error));
      if (!committing) await producer.end('abort').catch(() => undefined);
      throw error;
    }
  };

  /**
   * A commit whose answer was lost: a new producer of the id makes the coordinator finish what was
   * decided and abort the rest. After it the first record is either there or not.
   */
  const settle = async (plan: TransactionPlan, deadline: number): Promise<boolean> => {
    const first = plan.partitions[0];
    const batch = first?.batches[0];
    // positions alone may be written twice: it changes nothing
    if (first === undefined || batch === undefined) return false;
    await begin(deadline);
    await visible(plan.partitions, deadline);
    const { messages } = await partitions.fetch(first, batch.baseOffset, { maxBytes: 1 });
    return messages[0]?.offset === batch.baseOffset;
  };

  return {
    async take() {
      held = null;
      await begin(performance.now() + retryPolicy.retryForMs);
    },
    async transactOnce(plan) {
      if (held === null) throw new Error(`the transactional id "${transactionalId}" is not held`);
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
          await cluster.refresh().catch(() => undefined);
        }
      }
    },
    async close() {
      held = null;
    },
  };
};

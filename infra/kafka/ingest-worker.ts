/**
 * A worker that ingests the events that producers wrote directly to Kafka: ingest.<source> →
 * raw.<source> and rejected.<source>. Each event is ingested exactly once, also over kills and
 * rebalances. Workers share the ingest topic's partitions as a consumer group.
 *
 * The records and the position after them are written in one transaction. One case remains: the
 * group has removed a worker that still runs, its partition has a new owner, and both have read the
 * same records. So each partition has a transactional id of its own. A worker that is assigned the
 * partition first initializes the id, which aborts the open transaction of the last owner and
 * fences it. Only then does the worker read the committed position and start there. After a failed
 * transaction, a worker discards its state, initializes the id and reads the position again. So a
 * worker always reads the position after all earlier owners were fenced, and two workers cannot
 * write the same record.
 *
 * The worker recognizes a duplicate by its event id, among the events that it has ingested and, at
 * each assignment, those in the raw topic within the source's dedupe window. So all duplicates are
 * found if the ingest topic is keyed by the event id. Two workers, or a worker and a gateway, that
 * get the same id at the same time do not detect the duplicate.
 */
import type { IngestRecords } from '#domain/ports/ingest-records.ts';
import type { AssignedPartition, SubscriptionBatch } from '#domain/ports/subscription.ts';
import { appendPlan } from '#infra/kafka/append-plan.ts';
import { committedOffsets } from '#infra/kafka/committed-offsets.ts';
import type { RetryPolicy } from '#infra/kafka/kafka-error.ts';
import { openPartitions } from '#infra/kafka/partitions.ts';
import { type KafkaSubscription, subscribe } from '#infra/kafka/subscribe.ts';
import { PRODUCERS_TOPIC } from '#infra/kafka/topic-config.ts';
import { openTransactor, type Transactor } from '#infra/kafka/transactor.ts';
import type { KafkaAddress } from '#infra/kafka/wire/address.ts';
import { openCluster } from '#infra/kafka/wire/cluster.ts';

export interface IngestWorkerOptions extends KafkaAddress {
  readonly group: string;
  /** the ingest topic; it exists */
  readonly topic: string;
  readonly prefix?: string;
  /**
   * Called at every assignment and after a failure. The result must include the event ids that are
   * in the raw topic by then.
   */
  readonly openIngestRecords: () => Promise<IngestRecords>;
  readonly onError?: (error: unknown) => void;
  readonly now?: () => number;
  readonly transactionTimeoutMs?: number;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
}

export interface IngestWorker {
  readonly ready: Promise<void>;
  readonly assigned: () => readonly AssignedPartition[];
  /**
   * Call it after the source has changed: the next records use a new result of `openIngestRecords`.
   */
  readonly refresh: () => void;
  readonly close: () => Promise<void>;
}

interface Slot {
  readonly transactor: Transactor;
  /** the next offset to ingest; null: unknown, the transactional id must be initialized first */
  next: number | null;
}

const RETRY_FOR_MS = 8_000;
const TRANSACTION_TIMEOUT_MS = 10_000;
const BATCH_BYTES = 1024 * 1024;

export const kafkaIngestWorker = (options: IngestWorkerOptions): IngestWorker => {
  const { group, topic, prefix = '', openIngestRecords, brokers, now = Date.now } = options;
  const named = (name: string): string => prefix + name;
  const reads = openCluster(options);
  const writes = openCluster(options);
  let closed = false;
  const retryPolicyOf = (cluster: typeof reads): RetryPolicy => ({
    brokers,
    retryForMs: RETRY_FOR_MS,
    closed: () => closed,
    refresh: () => cluster.refresh(),
  });
  const targets = openPartitions(writes, retryPolicyOf(writes));
  const committed = committedOffsets(reads, retryPolicyOf(reads));
  const names = { topic: named, group: named, producers: named(PRODUCERS_TOPIC) };

  let slots = new Map<number, Slot>();
  let ingestRecords: IngestRecords | null = null;

  const newSlot = (partition: number): Slot => ({
    next: null,
    transactor: openTransactor({
      cluster: writes,
      partitions: targets,
      retryPolicy: retryPolicyOf(writes),
      transactionalId: `${named(group)}.${topic}.${partition}`,
      transactionTimeoutMs: options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS,
    }),
  });

  /** Fences earlier owners before it reads the position: see above. */
  const resume = async (slot: Slot, partition: number): Promise<number> => {
    await slot.transactor.fence();
    const [next = 0] = await committed(named(group), [{ topic: named(topic), partition }]);
    slot.next = next;
    return next;
  };

  const forward = async (slot: Slot, { partition, records }: SubscriptionBatch): Promise<void> => {
    const next = slot.next ?? (await resume(slot, partition));
    const fresh = records.filter(({ offset }) => offset >= next);
    const last = fresh.at(-1);
    if (last === undefined) return;
    ingestRecords ??= await openIngestRecords();
    const ingested = await ingestRecords(fresh);
    for (const target of new Set(ingested.records.map((record) => record.topic)))
      await targets.count(named(target));
    const plan = appendPlan(null, names, now);
    const offset = last.offset + 1;
    plan.add({
      records: ingested.records,
      positions: [{ consumer: group, topic, partition, offset }],
    });
    try {
      await slot.transactor.transactOnce({
        partitions: plan.partitions(),
        positions: plan.positions(),
      });
      slot.next = offset;
    } catch (error) {
      slot.next = null;
      // the transaction may have been committed, so the event ids must be read again
      ingestRecords = null;
      throw error;
    }
  };

  const subscription: KafkaSubscription = subscribe({
    ...options,
    topics: [topic],
    commits: 'handler',
    maxBytesPerPartition: BATCH_BYTES,
    async onAssigned(partitions) {
      const mine = new Map(partitions.map(({ partition }) => [partition, newSlot(partition)]));
      const starts = await Promise.all(
        [...mine].map(([partition, slot]) => resume(slot, partition)),
      );
      ingestRecords = await openIngestRecords();
      slots = mine;
      return partitions.map((at, i) => ({ ...at, offset: starts[i] ?? 0 }));
    },
    async onRevoked() {
      slots = new Map();
    },
    async handler(batch) {
      const slot = slots.get(batch.partition);
      // no slot: the partition is no longer assigned to this worker
      if (slot !== undefined) await forward(slot, batch);
    },
  });

  return {
    ready: subscription.ready,
    assigned: subscription.assigned,
    refresh() {
      ingestRecords = null;
    },
    async close() {
      await subscription.close();
      closed = true;
      await Promise.all([reads.close(), writes.close()]);
    },
  };
};

/**
 * A worker that takes in what producers wrote straight to Kafka: ingest.<source> → raw.<source> and
 * rejected.<source>, exactly once over kills and rebalances. Workers share the ingest topic's
 * partitions as a consumer group.
 *
 * The records and the position that covers them are one transaction. What is left is a worker that
 * was taken for dead and is not: its partition has a new owner, and both have read the same
 * records. So each partition has a transactional id of its own. Who is assigned the partition takes
 * the id, which aborts what the last owner left open and shuts it out, and only then asks for the
 * committed position and starts there. A worker whose transaction fails, for whatever reason, knows
 * nothing any more: it takes the id and asks again before its next try. Whoever holds the id has
 * thus read the position after everyone before was shut out: two cannot write the same record.
 *
 * Duplicates by event id are found among what this worker has let in and, on each assignment, what
 * the raw topic holds of the source's window; so they are found wherever the ingest topic is keyed
 * by the event id. Two workers, or a gateway, that are sent the same id at the same time do not
 * know of each other.
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
   * Asked on every assignment, and after a failure: it must know what the raw topic holds by then.
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
  /** The source has changed: what comes next is screened by what `openScreen` then answers. */
  readonly refresh: () => void;
  readonly close: () => Promise<void>;
}

interface Slot {
  readonly transactor: Transactor;
  /** the next offset to take in; null: not known, the id must be taken first */
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
  let screen: IngestRecords | null = null;

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

  /** The id is taken before the position is read: see above. */
  const resume = async (slot: Slot, partition: number): Promise<number> => {
    await slot.transactor.take();
    const [next = 0] = await committed(named(group), [{ topic: named(topic), partition }]);
    slot.next = next;
    return next;
  };

  const forward = async (slot: Slot, { partition, records }: SubscriptionBatch): Promise<void> => {
    const next = slot.next ?? (await resume(slot, partition));
    const fresh = records.filter(({ offset }) => offset >= next);
    const last = fresh.at(-1);
    if (last === undefined) return;
    screen ??= await openIngestRecords();
    const ingested = await screen(fresh);
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
      // it may have been committed: what is known of ids is read anew
      screen = null;
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
      screen = await openIngestRecords();
      slots = mine;
      return partitions.map((at, i) => ({ ...at, offset: starts[i] ?? 0 }));
    },
    async onRevoked() {
      slots = new Map();
    },
    async handler(batch) {
      const slot = slots.get(batch.partition);
      // without one the partition is no longer ours
      if (slot !== undefined) await forward(slot, batch);
    },
  });

  return {
    ready: subscription.ready,
    assigned: subscription.assigned,
    refresh() {
      screen = null;
    },
    async close() {
      await subscription.close();
      closed = true;
      await Promise.all([reads.close(), writes.close()]);
    },
  };
};

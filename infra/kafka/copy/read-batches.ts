/** Reads the decided batches of topics as they are in the log, for backups. */
import { IS_CONTROL, IS_TRANSACTIONAL, type RecordsBatch } from '@platformatic/kafka';
import { committedOffsets } from '#infra/kafka/committed-offsets.ts';
import { type RetryPolicy, withRetries } from '#infra/kafka/kafka-error.ts';
import { openPartitions } from '#infra/kafka/partitions.ts';
import type { KafkaAddress } from '#infra/kafka/wire/address.ts';
import { openCluster } from '#infra/kafka/wire/cluster.ts';
import { refused } from '#infra/kafka/wire/failure.ts';
import { fetchBatches, recordsOf } from '#infra/kafka/wire/fetch.ts';
import { EARLIEST, LATEST, READ_COMMITTED, READ_UNCOMMITTED } from '#infra/kafka/wire/offsets.ts';
import type { CopiedBatch, CopiedRecord } from './copied-batch.ts';

export interface TopicExtent {
  readonly topic: string;
  /** by partition: first offset, next offset */
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

export interface BatchReader {
  /** every topic of the cluster */
  readonly topics: () => Promise<readonly string[]>;
  /** next offsets: of all records, or of the decided ones, which no open transaction precedes */
  readonly ends: (topic: string, of: 'all' | 'decided') => Promise<readonly number[]>;
  readonly begins: (topic: string) => Promise<readonly number[]>;
  /** @param end a decided offset */
  readonly batches: (
    topic: string,
    partition: number,
    from: number,
    end: number,
  ) => AsyncGenerator<CopiedBatch>;
  /** log time of the newest batch of the topic's first partition; null: it has none */
  readonly newestTime: (topic: string) => Promise<number | null>;
  readonly committed: (group: string, topic: string) => Promise<readonly number[]>;
  readonly close: () => Promise<void>;
}

const RETRY_FOR_MS = 8_000;
const READ_BYTES = 4 * 1024 * 1024;

/** One batch for each log time: batches with the producers' times have several. */
const copiesOf = (batch: RecordsBatch, from: number, isVisible: boolean): CopiedBatch[] => {
  const first = Math.max(from, Number(batch.firstOffset));
  const next = Number(batch.firstOffset) + batch.lastOffsetDelta + 1;
  const isTransactional = (batch.attributes & IS_TRANSACTIONAL) !== 0;
  const isMarker = (batch.attributes & IS_CONTROL) !== 0;
  const whole = {
    first,
    next,
    time: Number(batch.maxTimestamp),
    producer: isTransactional ? String(batch.producerId) : null,
    isMarker,
    records: [] as readonly CopiedRecord[],
  };
  if (isMarker || !isVisible) return [whole];
  const runs: { first: number; time: number; records: CopiedRecord[] }[] = [];
  for (const { timestamp, ...record } of recordsOf([batch], from)) {
    const run = runs.at(-1);
    if (run?.time === timestamp) run.records.push(record);
    else runs.push({ first: record.offset, time: timestamp, records: [record] });
  }
  if (runs.length === 0) return [whole];
  return runs.map((run, i) => ({
    ...whole,
    ...run,
    first: i === 0 ? first : run.first,
    next: runs[i + 1]?.first ?? next,
  }));
};

export const openBatchReader = (address: KafkaAddress): BatchReader => {
  const cluster = openCluster(address);
  let closed = false;
  const retryPolicy: RetryPolicy = {
    brokers: address.brokers,
    retryForMs: RETRY_FOR_MS,
    closed: () => closed,
    refresh: () => cluster.refresh(),
  };
  const partitions = openPartitions(cluster, retryPolicy);
  const committed = committedOffsets(cluster, retryPolicy);
  const all = async (topic: string) =>
    Array.from({ length: await partitions.count(topic) }, (_, partition) => ({ topic, partition }));

  const fetch = (topic: string, partition: number, offset: number) =>
    withRetries(retryPolicy, `reading ${topic}/${partition}`, async () => {
      const at = { topic, partition };
      const [found] = await fetchBatches(cluster, cluster.leaderOf(at), {
        isolation: READ_COMMITTED,
        waitMs: 0,
        maxBytes: READ_BYTES,
        from: [{ ...at, offset, maxBytes: READ_BYTES }],
      });
      if (found === undefined) throw refused(`${topic}/${partition}`, 'CORRUPT_MESSAGE');
      if (found.error !== null) throw refused(`${topic}/${partition}`, found.error);
      return found;
    });

  return {
    topics: () =>
      withRetries(retryPolicy, 'listing topics', async () =>
        (await cluster.describe(null))
          .filter(({ error }) => error === null)
          .map(({ topic }) => topic),
      ),
    ends: async (topic, of) =>
      partitions.offsets(
        await all(topic),
        LATEST,
        of === 'all' ? READ_UNCOMMITTED : READ_COMMITTED,
      ),
    begins: async (topic) => partitions.offsets(await all(topic), EARLIEST),
    async *batches(topic, partition, from, end) {
      await partitions.count(topic);
      for (let at = from; at < end; ) {
        const { batches, ...found } = await fetch(topic, partition, at);
        const visible = new Set(found.visible);
        // Compaction may have removed all that was there.
        if (batches.length === 0) return;
        for (const batch of batches) {
          if (Number(batch.firstOffset) >= end) return;
          const next = Number(batch.firstOffset) + batch.lastOffsetDelta + 1;
          if (next <= at) continue;
          yield* copiesOf(batch, at, visible.has(batch));
          at = next;
        }
      }
    },
    async newestTime(topic) {
      const [at] = await all(topic);
      if (at === undefined) return null;
      const [end = 0] = await partitions.offsets([at], LATEST);
      if (end === 0) return null;
      const { batches } = await fetch(topic, 0, end - 1);
      return batches.length === 0 ? null : Number(batches.at(-1)?.maxTimestamp);
    },
    committed: async (group, topic) => committed(group, await all(topic)),
    async close() {
      closed = true;
      await cluster.close();
    },
  };
};

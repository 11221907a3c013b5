/**
 * Changes to the embedded database that `millrace repair` makes: damaged rows are removed, lost
 * offsets filled, and views made to be computed anew. No platform may run on the database.
 */
import type { DatabaseSync } from 'node:sqlite';
import { hasCode } from '#domain/errors.ts';
import { erasedRecord, type OutgoingRecord } from '#domain/ports/log.ts';
import { featuresTopic, lateTopic } from '#domain/ports/topics.ts';
import { encodeBatches } from '#infra/sqlite/batch-codec.ts';
import type { Database } from '#infra/sqlite/database.ts';
import { type LogReads, logReads, logWrites, type PartitionRow } from '#infra/sqlite/log-tables.ts';
import type { LostRange } from '#infra/sqlite/verify.ts';

export interface RecoveredRecord {
  readonly offset: number;
  readonly logTime: number;
  readonly schemaId: number;
  readonly value: Uint8Array;
}

export interface DatabaseRepair {
  readonly partitions: (topic: string) => readonly PartitionRow[];
  /** Removes the batches of a partition that overlap these offsets and fail their checks. */
  readonly removeDamaged: (range: LostRange) => void;
  /** Writes records at the offsets that they had; those of a range must be without a gap. */
  readonly fill: (partition: PartitionRow, records: readonly RecoveredRecord[]) => void;
  /**
   * Makes every generation of a view be computed from the first event: its updates so far are
   * removed, and the offsets go on behind them. The decisions about late events stay. No saved
   * state of the view may be left: it would count the events once more.
   */
  readonly resetView: (view: string) => void;
  readonly removePosition: (consumer: string, topic: string) => void;
}

/** With what an erasure left between them, so that there is no gap. Both are in their order. */
export const withErased = (
  records: readonly RecoveredRecord[],
  erased: readonly number[],
): readonly RecoveredRecord[] => {
  const had = new Set(records.map(({ offset }) => offset));
  const gaps = erased
    .filter((offset) => !had.has(offset))
    .map((offset): RecoveredRecord => {
      const near = records.findLast((record) => record.offset < offset) ?? records[0];
      return { ...erasedRecord('', 0), offset, logTime: near?.logTime ?? 0 };
    });
  return gaps.length === 0 ? records : [...records, ...gaps].sort((a, b) => a.offset - b.offset);
};

const isDamage = (error: unknown): boolean => hasCode(error, 'MR_DATA_DAMAGED');

/** The positions of a consumer; none where they are damaged. */
const nextOf =
  (reads: LogReads) =>
  (consumer: string, topic: string): Map<number, number> => {
    try {
      return new Map(reads.positions(consumer, topic).map((p) => [p.partition, p.next]));
    } catch (error) {
      if (isDamage(error)) return new Map();
      throw error;
    }
  };

const newestEnd = ({ end }: PartitionRow): number => end;

export const databaseRepair = (database: Database): DatabaseRepair => {
  const db: DatabaseSync = database.db;
  const reads = logReads(db);
  const positionsOf = nextOf(reads);
  const writes = logWrites(db);
  const removeBatch = db.prepare('DELETE FROM log_batch WHERE partition_id = ? AND base = ?');
  const removeAll = db.prepare('DELETE FROM log_batch WHERE partition_id = ?');
  const setBegin = db.prepare('UPDATE log_partition SET begin = ? WHERE id = ?');
  const removePosition = db.prepare('DELETE FROM log_position WHERE consumer = ? AND topic = ?');
  const consumers = db.prepare(
    `SELECT DISTINCT consumer, topic FROM log_position
     WHERE consumer GLOB 'compute.*' AND substr(consumer, 1, length(?)) = ?`,
  );

  return {
    partitions: (topic) => reads.partitionsOf(topic),
    removeDamaged: ({ partition, from, to }) =>
      database.transaction(() => {
        for (const { base, count } of reads.ranges(partition)) {
          if (base >= to || base + count <= from) continue;
          try {
            reads.exactBatch(partition, base);
          } catch (error) {
            if (!isDamage(error)) throw error;
            removeBatch.run(partition.id, base);
          }
        }
      }),
    fill: (partition, records) =>
      database.transaction(() => {
        for (let at = 0; at < records.length; ) {
          const { logTime, offset } = records[at] as RecoveredRecord;
          let next = at;
          while (records[next]?.logTime === logTime) next++;
          const run = records.slice(at, next).map(
            ({ schemaId, value }): OutgoingRecord => ({
              topic: partition.topic,
              partition: partition.partition,
              key: null,
              schemaId,
              value,
            }),
          );
          let base = offset;
          for (const batch of encodeBatches(run)) {
            writes.batch(partition, base, logTime, batch);
            base += batch.count;
          }
          at = next;
        }
      }),
    resetView: (view) =>
      database.transaction(() => {
        const features = featuresTopic(view);
        const prefix = `compute.${view}.`;
        const end = Math.max(0, ...reads.partitionsOf(features).map(newestEnd));
        for (const { id } of reads.partitionsOf(features)) {
          removeAll.run(id);
          setBegin.run(end, id);
        }
        const found = consumers.all(prefix, prefix) as { consumer: string; topic: string }[];
        for (const { consumer, topic } of found) {
          if (!/^\d+$/.test(consumer.slice(prefix.length))) continue;
          const decided = positionsOf(`${consumer}.decided`, topic);
          for (const [partition, offset] of positionsOf(consumer, topic))
            if (offset > (decided.get(partition) ?? 0)) decided.set(partition, offset);
          removePosition.run(consumer, topic);
          for (const { partition } of reads.partitionsOf(topic)) {
            writes.position({ consumer, topic, partition, offset: 0 });
            const offset = decided.get(partition) ?? 0;
            writes.position({ consumer: `${consumer}.decided`, topic, partition, offset });
          }
          const keeper = `${consumer}.fill`;
          writes.position({ consumer: keeper, topic: features, partition: 0, offset: end });
          // The updates had the newest one.
          removePosition.run(`${consumer}.watermark`, lateTopic(view));
        }
      }),
    removePosition: (consumer, topic) => void removePosition.run(consumer, topic),
  };
};

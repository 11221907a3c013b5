/** Reads the log over any connection: the writer's own, or that of a worker thread. */
import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '#domain/errors.ts';
import { isErased, type Log, type LogRecord } from '#domain/ports/log.ts';
import { decodeBatch } from '#infra/sqlite/batch-codec.ts';
import { type LogReads, logReads, type PartitionRow } from '#infra/sqlite/log-tables.ts';

export type LogReader = Pick<Log, 'topics' | 'read' | 'begin' | 'end' | 'offsetsAt' | 'committed'>;

export const readRecords = (
  reads: LogReads,
  partition: PartitionRow,
  offset: number,
  maxBytes: number,
): LogRecord[] => {
  let records: LogRecord[] = [];
  let bytes = 0;
  let next = Math.max(offset, partition.begin);
  while (next < partition.end) {
    const batch = reads.batch(partition, next);
    if (batch === null) break;
    const found = decodeBatch(batch, next).filter((record) => !isErased(record));
    records = records.length === 0 ? found : records.concat(found);
    bytes += batch.data.length;
    next = batch.base + batch.count;
    // A read that gives nothing is at the end, so it goes on where all was erased.
    if (bytes >= maxBytes && records.length > 0) break;
  }
  return records;
};

/** Always reads the tables: another connection may have written since. */
export const sqliteLogReader = (db: DatabaseSync): LogReader => {
  const reads = logReads(db);
  const partitions = (topic: string): readonly PartitionRow[] => {
    const found = reads.partitionsOf(topic);
    if (found.length === 0)
      throw new MillraceError('MR_NOT_FOUND', `The log has no topic "${topic}".`, { topic });
    return found;
  };
  return {
    async topics() {
      const count = new Map<string, number>();
      for (const { topic } of reads.partitions()) count.set(topic, (count.get(topic) ?? 0) + 1);
      return [...count].map(([topic, n]) => ({ topic, partitions: n }));
    },
    async read(topic, partition, offset, maxBytes) {
      const found = partitions(topic)[partition];
      return found === undefined ? [] : readRecords(reads, found, offset, maxBytes);
    },
    begin: async (topic) => partitions(topic).map((p) => p.begin),
    end: async (topic) => partitions(topic).map((p) => p.end),
    offsetsAt: async (topic, time) => partitions(topic).map((p) => reads.offsetAt(p, time)),
    async committed(consumer, topic) {
      const positions = new Map(reads.positions(consumer, topic).map((p) => [p.partition, p.next]));
      return partitions(topic).map((p) => positions.get(p.partition) ?? 0);
    },
  };
};

/** One partition of a topic, read batch by batch. */
import type { Log, LogRecord } from '#domain/ports/log.ts';

const READ_BYTES = 4 * 1024 * 1024;

export interface PartitionRange {
  /** the first offset wanted; 0 if absent */
  readonly from?: number;
  /** only records below this offset; absent: until a read finds no more records */
  readonly end?: number;
  /** about how many bytes of records a batch holds at most; 4 MiB if absent */
  readonly maxBytes?: number;
}

/**
 * The records of the range, in order, in batches that are never empty. A batch is read when the
 * consumer wants it: at most one is in memory.
 */
export async function* readPartition(
  log: Pick<Log, 'read'>,
  topic: string,
  partition: number,
  { from = 0, end = Number.POSITIVE_INFINITY, maxBytes = READ_BYTES }: PartitionRange = {},
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  for (let offset = from; offset < end; ) {
    const records = await log.read(topic, partition, offset, maxBytes);
    const last = records.at(-1);
    if (last === undefined) return;
    const wanted = last.offset < end ? records : records.filter((record) => record.offset < end);
    if (wanted.length > 0) yield wanted;
    offset = last.offset + 1;
  }
}

/**
 * The read positions of a task in its topics. While it catches up it reads durable batches, always
 * the one with the oldest log time over all its partitions, so that it sees the partitions in the
 * order in which the live run saw them (commits of the same millisecond excepted). Once it has
 * joined, it takes what the current transaction has appended.
 */
import { type ConsumerPosition, isErased, type LogRecord } from '#domain/ports/log.ts';
import type { LogPartition, OpenTransaction, TaskHost } from '#domain/ports/stream-task.ts';

export interface TaskCursor {
  /** The next durable records, at most `limit`; empty at the end, or until `load` has loaded. */
  take(limit: number): readonly LogRecord[];
  /** Loads archived records, where `take` needs some next; null: it needs none. */
  load(): Promise<void> | null;
  /** The records that a transaction has appended to its topics and that it has not processed. */
  appended(transaction: OpenTransaction): readonly LogRecord[];
  /** `records` were processed: the positions to commit with their output. */
  advance(records: readonly LogRecord[]): readonly ConsumerPosition[];
  position(): readonly ConsumerPosition[];
  lag(): number;
  /** Back to the committed positions. */
  reset(): void;
}

interface Buffered {
  /** without the erased ones */
  readonly records: readonly LogRecord[];
  at: number;
  /** the offset to read next */
  readonly next: number;
}

export const taskCursor = (
  host: TaskHost,
  consumer: string,
  topics: readonly string[],
): TaskCursor => {
  const next = new Map<LogPartition, number>();
  const buffers = new Map<LogPartition, Buffered>();

  const partitions = (): readonly LogPartition[] =>
    topics.flatMap((topic) => host.partitions(topic) ?? []);
  let resets = 0;
  /** Erased records that were read: a position before one means the position after it. */
  const erased = new Map<LogPartition, Set<number>>();
  const nextOf = (partition: LogPartition): number => {
    let offset = Math.max(
      partition.archived ? 0 : partition.begin,
      next.get(partition) ?? host.position(consumer, partition.topic, partition.partition),
    );
    const gaps = erased.get(partition);
    if (gaps !== undefined) while (gaps.has(offset)) offset++;
    return offset;
  };

  const buffer = (partition: LogPartition, found: readonly LogRecord[]): Buffered => {
    const records = found.filter((record) => !isErased(record));
    if (records.length < found.length) {
      const gaps = erased.get(partition) ?? new Set<number>();
      for (const record of found) if (isErased(record)) gaps.add(record.offset);
      erased.set(partition, gaps);
    }
    const last = found.at(-1);
    const buffered = { records, at: 0, next: last === undefined ? 0 : last.offset + 1 };
    buffers.set(partition, buffered);
    return buffered;
  };

  /** The partition's buffer, if it has at least one record left; else the next offset to read. */
  const held = (partition: LogPartition): Buffered | number => {
    const buffered = buffers.get(partition);
    if (buffered !== undefined && buffered.at < buffered.records.length) return buffered;
    return Math.max(buffered?.next ?? 0, nextOf(partition));
  };
  const isTrimmed = ({ begin }: LogPartition, from: Buffered | number): boolean =>
    typeof from === 'number' && from < begin;
  /** The partition's buffer with at least one record left; null at its end. */
  const fill = (partition: LogPartition): Buffered | 'to load' | null => {
    for (;;) {
      const from = held(partition);
      if (typeof from !== 'number') return from;
      if (from >= partition.end) return null;
      if (isTrimmed(partition, from)) return 'to load';
      const found = host.read(partition, from);
      const buffered = buffer(partition, found);
      if (buffered.records.length > 0) return buffered;
      if (found.length === 0) return null;
    }
  };

  /** null: at the end, or something has to be loaded first */
  const oldest = (): Buffered | null => {
    let best: Buffered | null = null;
    let time = Number.POSITIVE_INFINITY;
    for (const partition of partitions()) {
      const buffered = fill(partition);
      if (buffered === 'to load') return null;
      const head = buffered?.records[buffered.at]?.logTime ?? time;
      if (head < time) [best, time] = [buffered, head];
    }
    return best;
  };

  return {
    take(limit) {
      const taken: LogRecord[] = [];
      while (taken.length < limit) {
        const buffered = oldest();
        if (buffered === null) break;
        // Of an archive, the records of many commits are read at once.
        const { records } = buffered;
        const time = records[buffered.at]?.logTime;
        while (taken.length < limit && records[buffered.at]?.logTime === time)
          taken.push(records[buffered.at++] as LogRecord);
      }
      return taken;
    },
    load() {
      const missing = partitions().filter((partition) => isTrimmed(partition, held(partition)));
      if (missing.length === 0) return null;
      const before = resets;
      const loadOne = async (partition: LogPartition): Promise<void> => {
        const records = await host.readArchived(partition, held(partition) as number);
        if (resets === before) buffer(partition, records);
      };
      return Promise.all(missing.map(loadOne)).then(() => undefined);
    },
    appended(transaction) {
      let found: readonly LogRecord[] | null = null;
      for (const partition of partitions()) {
        const fresh = transaction.after(partition, nextOf(partition));
        if (fresh.length > 0) found = found === null ? fresh : found.concat(fresh);
      }
      return found ?? [];
    },
    advance(records) {
      const moved = new Map<LogPartition, number>();
      for (let i = 0; i < records.length; i++) {
        const record = records[i] as LogRecord;
        const following = records[i + 1];
        if (
          following !== undefined &&
          following.partition === record.partition &&
          following.topic === record.topic
        )
          continue;
        moved.set(
          host.partitions(record.topic)?.[record.partition] as LogPartition,
          record.offset + 1,
        );
      }
      for (const [partition, offset] of moved) next.set(partition, offset);
      return [...moved].map(([{ topic, partition }, offset]) => ({
        consumer,
        topic,
        partition,
        offset,
      }));
    },
    position: () =>
      partitions().map((p) => ({
        consumer,
        topic: p.topic,
        partition: p.partition,
        offset: nextOf(p),
      })),
    lag: () => partitions().reduce((sum, p) => sum + Math.max(0, p.end - nextOf(p)), 0),
    reset() {
      resets++;
      next.clear();
      buffers.clear();
    },
  };
};

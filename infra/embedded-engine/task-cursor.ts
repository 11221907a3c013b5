/**
 * Where a task stands in its topics. Behind the end it reads batches from the tables, always the
 * one with the oldest log time over all its partitions, so that a catch-up sees the partitions in
 * the order in which the live run saw them (commits of one millisecond excepted). Joined, it takes
 * what the present transaction has staged.
 */
import type { ConsumerPosition, LogRecord } from '#domain/ports/log.ts';
import type { LogMetadata, Partition } from '#infra/sqlite/log-metadata.ts';
import type { Staging } from '#infra/sqlite/staging.ts';

export interface TaskCursor {
  /** The next records from the tables, at most `limit`; empty at the end. */
  take(limit: number): readonly LogRecord[];
  staged(staging: Staging): readonly LogRecord[];
  /** `records` were processed: the positions to commit with their output. */
  advance(records: readonly LogRecord[]): readonly ConsumerPosition[];
  position(): readonly ConsumerPosition[];
  lag(): number;
  /** Back to the committed positions. */
  reset(): void;
}

export type ReadBatch = (partition: Partition, offset: number) => readonly LogRecord[];

interface Buffered {
  readonly records: readonly LogRecord[];
  at: number;
}

export const taskCursor = (
  book: LogMetadata,
  consumer: string,
  topics: readonly string[],
  readBatch: ReadBatch,
): TaskCursor => {
  const next = new Map<Partition, number>();
  const buffers = new Map<Partition, Buffered>();

  const partitions = (): readonly Partition[] => topics.flatMap((topic) => book.find(topic) ?? []);
  const nextOf = (partition: Partition): number =>
    Math.max(
      partition.begin,
      next.get(partition) ?? book.position(consumer, partition.topic, partition.partition),
    );

  /** The partition's buffer with at least one record left; null at its end. */
  const fill = (partition: Partition): Buffered | null => {
    const held = buffers.get(partition);
    if (held !== undefined && held.at < held.records.length) return held;
    const last = held?.records.at(-1);
    const from = Math.max(last === undefined ? 0 : last.offset + 1, nextOf(partition));
    if (from >= partition.end) return null;
    const buffered = { records: readBatch(partition, from), at: 0 };
    buffers.set(partition, buffered);
    return buffered.records.length > 0 ? buffered : null;
  };

  const oldest = (): Buffered | null => {
    let best: Buffered | null = null;
    let time = Number.POSITIVE_INFINITY;
    for (const partition of partitions()) {
      const buffered = fill(partition);
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
        const to = Math.min(buffered.records.length, buffered.at + limit - taken.length);
        for (let i = buffered.at; i < to; i++) taken.push(buffered.records[i] as LogRecord);
        buffered.at = to;
      }
      return taken;
    },
    staged(staging) {
      let found: LogRecord[] | null = null;
      for (const partition of partitions()) {
        const fresh = staging.after(partition, nextOf(partition));
        if (fresh.length > 0) found = found === null ? fresh : found.concat(fresh);
      }
      return found ?? [];
    },
    advance(records) {
      const moved = new Map<Partition, number>();
      for (let i = 0; i < records.length; i++) {
        const record = records[i] as LogRecord;
        const following = records[i + 1];
        if (
          following !== undefined &&
          following.partition === record.partition &&
          following.topic === record.topic
        )
          continue;
        moved.set(book.topic(record.topic)[record.partition] as Partition, record.offset + 1);
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
      next.clear();
      buffers.clear();
    },
  };
};

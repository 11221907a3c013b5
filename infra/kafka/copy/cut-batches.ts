/**
 * Cuts copied topics at a log time, so that each transaction is kept in all of its partitions or in
 * none.
 *
 * The records of a transaction have the times at which the partitions' leaders appended them, so a
 * time can lie between two of them. A producer has one transaction at a time, and its records come
 * before its decision, the decision before its markers, and all markers before the next
 * transaction. So the batches of a producer that lack their marker at the cut are of one
 * transaction, and it was decided by then if another partition has a marker of the producer that
 * is later than the first of these batches. If both have the same millisecond, the marker may also
 * be that of the transaction before: then the cut moves back to before that millisecond.
 */
import type { CopiedBatch } from './copied-batch.ts';

export interface CopiedPartition {
  readonly topic: string;
  readonly partition: number;
  /** first offset, next offset */
  readonly begin: number;
  readonly end: number;
  /** from its begin; each call reads it again */
  readonly batches: () => AsyncIterable<CopiedBatch>;
}

export interface CutPartition {
  readonly partition: CopiedPartition;
  /** next offset at the moment */
  readonly end: number;
  /** whether its begin is later than the moment: what was there by then was trimmed */
  readonly isTrimmed: boolean;
  /** first offsets of batches whose transaction was not decided by then */
  readonly hidden: ReadonlySet<number>;
}

export interface CutLog {
  /** the last log time that is kept, epoch ms: not later than the time that was given */
  readonly time: number;
  readonly partitions: readonly CutPartition[];
}

interface Open {
  readonly since: number;
  readonly batches: number[];
}

interface Scanned {
  readonly end: number;
  readonly isTrimmed: boolean;
  readonly open: ReadonlyMap<string, Open>;
  /** by producer: time of its newest marker */
  readonly markers: ReadonlyMap<string, number>;
}

const scan = async ({ begin, end, batches }: CopiedPartition, time: number): Promise<Scanned> => {
  const open = new Map<string, Open>();
  const markers = new Map<string, number>();
  let kept = 0;
  for await (const batch of batches()) {
    // A copy that was made before the log was trimmed has earlier ones, too.
    if (batch.next <= begin) continue;
    if (batch.time > time)
      return { end: batch.first, isTrimmed: kept === 0 && begin > 0, open, markers };
    kept++;
    const { producer } = batch;
    if (producer === null) continue;
    if (batch.isMarker) {
      markers.set(producer, Math.max(batch.time, markers.get(producer) ?? 0));
      open.delete(producer);
    } else if (batch.records.length > 0) {
      const mine = open.get(producer);
      if (mine === undefined) open.set(producer, { since: batch.time, batches: [batch.first] });
      else mine.batches.push(batch.first);
    }
  }
  return { end, isTrimmed: false, open, markers };
};

/** By producer: since when its transaction is open, and its newest marker anywhere. */
const transactionsOf = (
  scanned: readonly Scanned[],
): Map<string, { since: number; marker: number }> => {
  const found = new Map<string, { since: number; marker: number }>();
  for (const { open } of scanned)
    for (const [producer, { since }] of open)
      found.set(producer, {
        since: Math.min(since, found.get(producer)?.since ?? since),
        marker: Number.NEGATIVE_INFINITY,
      });
  for (const { markers } of scanned)
    for (const [producer, time] of markers) {
      const mine = found.get(producer);
      if (mine !== undefined) mine.marker = Math.max(mine.marker, time);
    }
  return found;
};

/**
 * @param isAtomic whether the topic's transactions are kept whole; those of other topics are cut by
 * their records' times
 */
export const cutBatches = async (
  partitions: readonly CopiedPartition[],
  time: number,
  isAtomic: (topic: string) => boolean,
): Promise<CutLog> => {
  for (let at = time; ; ) {
    const scanned: Scanned[] = [];
    for (const partition of partitions) scanned.push(await scan(partition, at));
    const atomic = scanned.filter((_, i) => isAtomic(partitions[i]?.topic ?? ''));
    const transactions = transactionsOf(atomic);
    const ties = [...transactions.values()].filter(({ since, marker }) => since === marker);
    if (ties.length > 0) {
      at = Math.min(...ties.map(({ since }) => since)) - 1;
      continue;
    }
    const isUndecided = (producer: string): boolean => {
      const { since, marker } = transactions.get(producer) ?? { since: 0, marker: 0 };
      return marker < since;
    };
    return {
      time: at,
      partitions: scanned.map(({ end, isTrimmed, open }, i) => {
        const partition = partitions[i] as CopiedPartition;
        const hidden = [...open].flatMap(([producer, { batches }]) =>
          isAtomic(partition.topic) && isUndecided(producer) ? batches : [],
        );
        return { partition, end, isTrimmed, hidden: new Set(hidden) };
      }),
    };
  }
};

/** Which consumers' positions follow the end of a partition (past-tables.ts), as committed. */
import type { ConsumerPosition, OutgoingRecord } from '#domain/ports/log.ts';
import type { Partition } from '#infra/sqlite/log-metadata.ts';
import type { PastPosition } from '#infra/sqlite/past-tables.ts';

export interface Followers {
  /**
   * How a transaction changes who follows: the rows to write with it. It changes nothing.
   * @param records what it appends
   * @param positions what it commits; keys are consumer, topic and partition, a line each
   */
  readonly changes: (
    records: ReadonlyMap<Partition, readonly OutgoingRecord[]>,
    positions: ReadonlyMap<string, ConsumerPosition>,
  ) => readonly PastPosition[];
  /** These changes are committed. */
  readonly settle: (changes: readonly PastPosition[]) => void;
}

export const followers = (
  find: (topic: string) => readonly Partition[] | null,
  past: readonly PastPosition[],
): Followers => {
  const byPartition = new Map<Partition, Set<string>>();

  const of = (partition: Partition): Set<string> => {
    let found = byPartition.get(partition);
    if (found === undefined) byPartition.set(partition, (found = new Set()));
    return found;
  };

  const settle = (changes: readonly PastPosition[]): void => {
    for (const { consumer, topic, partition, next } of changes) {
      const at = find(topic)?.[partition];
      if (at === undefined) continue;
      if (next === null) of(at).add(consumer);
      else of(at).delete(consumer);
    }
  };
  settle(past);

  return {
    changes(records, positions) {
      const changed: PastPosition[] = [];
      for (const { consumer, topic, partition, offset } of positions.values()) {
        const at = find(topic)?.[partition];
        const end = at === undefined ? null : at.end + (records.get(at)?.length ?? 0);
        if (offset !== end) changed.push({ consumer, topic, partition, next: offset });
        else if (!of(at as Partition).has(consumer))
          changed.push({ consumer, topic, partition, next: null });
      }
      for (const at of records.keys()) {
        const { topic, partition, end } = at;
        for (const consumer of byPartition.get(at) ?? [])
          if (!positions.has(`${consumer}\n${topic}\n${partition}`))
            changed.push({ consumer, topic, partition, next: end });
      }
      return changed;
    },
    settle,
  };
};

/** How much is stored where: for the status. */
import type { PlatformStatus } from '#domain/api/operations.ts';
import type { HistorySnapshot, HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import type { KeptRecords } from '#domain/ports/stream-task.ts';
import { hasHistory } from '#domain/ports/topics.ts';

/** What only the profile that stores it knows. */
export interface StorageSizes {
  /** of the log; `free`: of these, what new records will reuse */
  readonly log: () => Eventually<{ readonly bytes: number; readonly free: number }>;
  readonly kept: (topic: string) => Eventually<readonly KeptRecords[]>;
}

type Eventually<T> = T | Promise<T>;

type KeptEvents = NonNullable<PlatformStatus['sources'][number]['kept']>;

/** What the log itself still has of a source; its other events are in the history only. */
export const keptEvents = (partitions: readonly KeptRecords[]): KeptEvents => {
  const times = partitions.flatMap(({ oldest }) => oldest ?? []);
  return {
    events: partitions.reduce((sum, { begin, end }) => sum + end - begin, 0),
    oldest: times.length === 0 ? null : Math.min(...times),
  };
};

/** Of a table; null: there is none yet, or it is damaged. */
export const newestSnapshot = (
  history: Pick<HistoryTables, 'snapshot'>,
  topic: string,
): Promise<HistorySnapshot | null> => history.snapshot(topic).catch(() => null);

/** @param rollups names of tables of rollups */
export const storageOf = async (
  log: Pick<Log, 'topics'>,
  history: Pick<HistoryTables, 'snapshot'>,
  sizes: StorageSizes,
  rollups: readonly string[],
): Promise<NonNullable<PlatformStatus['storage']>> => {
  const topics = (await log.topics()).map(({ topic }) => topic).filter(hasHistory);
  const all = [...topics, ...rollups];
  const tables = await Promise.all(all.map((topic) => newestSnapshot(history, topic)));
  const { bytes: logBytes, free: logFreeBytes } = await sizes.log();
  const historyBytes = tables.reduce((sum, table) => sum + (table?.bytes ?? 0), 0);
  return { logBytes, logFreeBytes, historyBytes };
};

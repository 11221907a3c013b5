/** How much is stored where: for the status. */
import type { PlatformStatus } from '#domain/api/operations.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import type { KeptRecords } from '#domain/ports/stream-task.ts';
import { featureLogTopic, featuresTopic, rawTopic } from '#domain/ports/topics.ts';

/** What only the profile that stores it knows. */
export interface StorageSizes {
  /** the file of the log; `free`: of these, what new records will reuse */
  readonly log: () => { readonly bytes: number; readonly free: number };
  readonly kept: (topic: string) => readonly KeptRecords[];
}

type KeptEvents = NonNullable<PlatformStatus['sources'][number]['kept']>;

/** What the log itself still has of a source; its other events are in the history only. */
export const keptEvents = (partitions: readonly KeptRecords[]): KeptEvents => {
  const times = partitions.flatMap(({ oldest }) => oldest ?? []);
  return {
    events: partitions.reduce((sum, { begin, end }) => sum + end - begin, 0),
    oldest: times.length === 0 ? null : Math.min(...times),
  };
};

const WITH_HISTORY = [rawTopic(''), featuresTopic(''), featureLogTopic('')];

/** Bytes of a table's files; null: there is none yet, or it is damaged. */
const historyBytes = async (
  history: Pick<HistoryTables, 'snapshot'>,
  topic: string,
): Promise<number | null> => {
  const snapshot = await history.snapshot(topic).catch(() => null);
  return snapshot?.bytes ?? null;
};

export const storageOf = async (
  log: Pick<Log, 'topics'>,
  history: Pick<HistoryTables, 'snapshot'>,
  sizes: StorageSizes,
): Promise<NonNullable<PlatformStatus['storage']>> => {
  const topics = (await log.topics()).filter(({ topic }) =>
    WITH_HISTORY.some((prefix) => topic.startsWith(prefix)),
  );
  const bytes = await Promise.all(topics.map(({ topic }) => historyBytes(history, topic)));
  const { bytes: logBytes, free: logFreeBytes } = sizes.log();
  return { logBytes, logFreeBytes, historyBytes: bytes.reduce<number>((a, b) => a + (b ?? 0), 0) };
};

/**
 * Copies the history of the stack, and then fixes the moment of the log, so that no record is in
 * neither. Flink's tables do not state their end offsets, and a table may end before its topic
 * begins although nothing is lost: the offsets between are those of transactions' markers. So the
 * begins are read before the tables are copied: of what the log lacked by then, the tables have all
 * that there is.
 */
import { hasHistory } from '#domain/ports/topics.ts';
import type { BatchReader } from '#infra/kafka/copy/read-batches.ts';
import { copyWithoutGap, type TableCopy } from '#infra/profiles/backup-files.ts';
import { type LogMoment, type LogMomentOptions, logMoment } from './stack-log-copy.ts';

export interface HistoryCopyOptions extends LogMomentOptions {
  readonly putTables: () => Promise<readonly TableCopy[]>;
}

export interface HistoryAndLog extends LogMoment {
  readonly tables: readonly TableCopy[];
}

/** By topic. */
const beginsOf = async (reader: BatchReader): Promise<ReadonlyMap<string, readonly number[]>> => {
  const topics = (await reader.topics()).filter(hasHistory);
  return new Map(
    await Promise.all(topics.map(async (topic) => [topic, await reader.begins(topic)] as const)),
  );
};

/** @returns the tables of the topics of this platform */
export const copyHistoryAndLog = (options: HistoryCopyOptions): Promise<HistoryAndLog> =>
  copyWithoutGap(async () => {
    const begins = await beginsOf(options.reader);
    const tables = await options.putTables();
    const log = await logMoment(options);
    const mine = new Set(log.topics.map(({ topic }) => topic));
    return {
      ...log,
      tables: tables
        .filter(({ topic }) => mine.has(topic))
        .map((table) => ({ ...table, endOffsets: begins.get(table.topic) ?? [] })),
    };
  });

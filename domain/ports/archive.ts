/**
 * Where the embedded log reads raw events that it no longer has: their history. With an archive, a
 * topic raw.<source> can be read from its first offset, whatever was trimmed, so no reader of the
 * log needs to know of trimming.
 *
 * Promises (projections/archive/archive.unit.test.ts, infra/sqlite/archived-log.unit.test.ts):
 * - Records have the offsets, log times and rows that the log had, in the order of offsets. Their
 *   Avro may be that of another version of the source; it decodes to the same row. Keys and headers
 *   are gone.
 * - A record that was deleted from the history is refused (MR_HISTORY_TRIMMED).
 * - Another record that is missing is an error, never a gap. An erased one is an erased record.
 */
import type { LogRecord } from '#domain/ports/log.ts';
import { isRawTopic } from './topics.ts';

export interface ArchivedPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface Archive {
  /**
   * The records from `from` on, below `below`: at least one, and some at a time.
   * @throws MR_HISTORY_TRIMMED where the record was deleted; MR_DATA_DAMAGED where the history
   * lacks it
   */
  read(at: ArchivedPartition, from: number, below: number): Promise<readonly LogRecord[]>;
  /** The first offset below `below` whose log time is past `time`; null: there is none. */
  offsetAt(at: ArchivedPartition, below: number, time: number): Promise<number | null>;
}

/** Topics whose older records can be read from an archive. */
export const isArchived = isRawTopic;

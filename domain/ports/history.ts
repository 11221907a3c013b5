/**
 * The history: every raw event and every feature update, as Iceberg tables partitioned by day.
 *
 * Promises (tests/contracts/history.contract.ts):
 * - The topics' records from offset 0 to `through` are in the tables exactly once, whatever was
 *   killed when: a commit carries the offsets it reaches in its snapshot's summary, and writing
 *   resumes there.
 * - Reads go by one snapshot: what is committed meanwhile is not seen.
 */
import type { RawEvent, Row, Value } from '#domain/values/value.ts';

export interface HistoryColumn {
  readonly name: string;
  /**
   * Iceberg primitive type: string, int, long, float, double, boolean, timestamptz, date, binary,
   * list<…>
   */
  readonly type: string;
  readonly required: boolean;
}

export interface EventQuery {
  readonly source: string;
  /** source field → value: only events with these values */
  readonly where?: Readonly<Record<string, Value>>;
  /** event time, inclusive, epoch ms */
  readonly from?: number;
  readonly to?: number;
  /** by partition: only offsets below (from the pinned `known`) */
  readonly below?: readonly number[];
  /** id of the snapshot to read, from `snapshot`; absent: the newest */
  readonly snapshot?: number;
}

/** A table as one commit left it. */
export interface HistorySnapshot {
  readonly topic: string;
  readonly id: number;
  /** next offset by partition */
  readonly endOffsets: readonly number[];
  /** epoch ms */
  readonly committedAt: number;
  readonly rows: number;
}

/**
 * Strings by code: `values[codes[i]]`, −1 is null. One dictionary serves all batches of a scan and
 * grows with them.
 */
export interface CodedColumn {
  readonly codes: Int32Array;
  readonly values: readonly string[];
}

/**
 * Numbers, timestamps (epoch ms), dates (days) and booleans (0, 1) as doubles, null as NaN; strings
 * coded; anything else as values.
 */
export type ScannedColumn = Float64Array | CodedColumn | readonly Value[];

export interface ScannedColumns {
  readonly count: number;
  readonly eventTime: Float64Array;
  readonly partition: Float64Array;
  readonly offset: Float64Array;
  readonly logTime: Float64Array;
  readonly columns: Readonly<Record<string, ScannedColumn>>;
}

/**
 * What a history of open tables offers beside: pinned snapshots, columns, and the files for other
 * engines.
 */
export interface HistoryTables extends History {
  /** The newest snapshot; null where nothing was committed yet. */
  snapshot(topic: string): Promise<HistorySnapshot | null>;
  /** As `scan`, by columns: fields that the table has not are null throughout. */
  scanColumns(
    query: EventQuery & { readonly fields: readonly string[] },
  ): AsyncIterable<ScannedColumns>;
  /**
   * Rows of a topic's table as they are, those with these values, ordered by partition and offset.
   * `from`: of log times from there on, epoch ms.
   */
  rows(
    topic: string,
    query: { readonly where?: Readonly<Record<string, Value>>; readonly from?: number },
  ): AsyncIterable<readonly Row[]>;
  /** Makes few files of many and forgets old snapshots; changes no answer. */
  maintain(topic: string): Promise<void>;
  /** Absolute paths of the snapshot's Parquet files (newest snapshot where none is given). */
  dataFiles(topic: string, snapshotId?: number): Promise<readonly string[]>;
}

export interface History {
  /** Next offset by partition that the table of this topic reaches. */
  endOffsets(topic: string): Promise<readonly number[]>;
  /** Writes what the log has up to its end (or `upTo`, next offsets) and commits. */
  sync(topic: string, upTo?: readonly number[]): Promise<void>;
  /** Raw events in the tables, ordered by (event time, partition, offset). */
  events(query: EventQuery): Promise<readonly RawEvent[]>;
  /**
   * The same, streamed in batches, for queries that do not fit in memory. `fields`: the row's
   * fields to read.
   */
  scan(
    query: EventQuery & { readonly fields: readonly string[] },
  ): AsyncIterable<readonly RawEvent[]>;
  /** Rows of features.<view>'s table, for audit: filtered by equality, ordered by offset. */
  updates(view: string, where: Readonly<Record<string, Value>>): Promise<readonly Row[]>;
  close(): Promise<void>;
}

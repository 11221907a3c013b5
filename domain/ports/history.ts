/**
 * The history: every raw event and every feature update, as Iceberg tables partitioned by day.
 *
 * Promises (tests/contracts/history.contract.ts):
 * - A topic's records from offset 0 up to `endOffsets` are in its table exactly once, whatever was
 *   killed when: a commit has the offsets that it reaches in its snapshot's summary, and writing
 *   continues from there.
 * - A read uses one snapshot: commits during the read are not seen.
 * - After a trim, `events`, `scan` and `scanColumns` that start before the horizon are refused
 *   (MR_HISTORY_TRIMMED): they would lack events.
 */
import type { PeriodRange } from '#domain/rollups/periods.ts';
import type { Horizon } from '#domain/sources/horizon.ts';
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
  /** source field → value: only events that have these values */
  readonly where?: Readonly<Record<string, Value>>;
  /** only events that have all the values of one of these, which all name the same fields */
  readonly anyOf?: readonly Readonly<Record<string, Value>>[];
  /** event time, inclusive, epoch ms */
  readonly from?: number;
  readonly to?: number;
  /** by partition: only offsets below these, which follow from the pinned `known` */
  readonly below?: readonly number[];
  /** id of the snapshot to read, from `snapshot`; absent: the newest */
  readonly snapshot?: bigint;
  /** what is left, where older events were deleted; absent: a query that needs them is refused */
  readonly remaining?: boolean;
  /** the row's fields to read; absent: all */
  readonly fields?: readonly string[];
}

/** Offsets [from, below) of a partition. */
export interface OffsetRange {
  readonly partition: number;
  readonly from: number;
  readonly below: number;
}

/** A table after one commit. */
export interface HistorySnapshot {
  readonly topic: string;
  /** other engines use 63 bits */
  readonly id: bigint;
  /** next offset by partition */
  readonly endOffsets: readonly number[];
  /** epoch ms */
  readonly committedAt: number;
  readonly rows: number;
  /** of its data files */
  readonly bytes: number;
  /** null: no event was deleted */
  readonly horizon: Horizon | null;
  /** of the table of a rollup, the periods that are there; absent: its writer does not record it */
  readonly periods?: readonly PeriodRange[];
}

/** A column as the files of a table have it. */
export interface HistoryFileColumn extends HistoryColumn {
  /** Iceberg's id of the field, which its files have too */
  readonly id: number;
  /** whether the strings are JSON documents */
  readonly json: boolean;
}

/** A table at one snapshot, for other engines. */
export interface HistoryFiles {
  readonly snapshot: HistorySnapshot;
  readonly columns: readonly HistoryFileColumn[];
  /** URIs (FileIO) of its Parquet files. One that was written before a column exists lacks it. */
  readonly files: readonly string[];
}

/** Which events of a source are to be deleted: the first ones of each partition, as many as fit. */
export interface TrimHistory {
  /** epoch ms: only events whose event time and log time are before it */
  readonly before: number;
  /** by partition: only events below these offsets */
  readonly below: readonly number[];
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
 * What a history of open tables offers in addition: pinned snapshots, columns, and the files for
 * other engines.
 */
export interface HistoryTables extends History {
  /** The newest snapshot; null where nothing was committed yet. */
  snapshot(topic: string): Promise<HistorySnapshot | null>;
  /** As `scan`, by columns: fields that the table does not have are null throughout. */
  scanColumns(
    query: EventQuery & { readonly fields: readonly string[] },
  ): AsyncIterable<ScannedColumns>;
  /**
   * The rows of a topic's table that have these values, with all columns, ordered by partition and
   * offset. `from`: only rows with this log time (epoch ms) or a later one.
   */
  rows(
    topic: string,
    query: { readonly where?: Readonly<Record<string, Value>>; readonly from?: number },
  ): AsyncIterable<readonly Row[]>;
  /** Raw events of a source by offset, with all columns, in the order of offsets. */
  eventsAt(source: string, range: OffsetRange): Promise<readonly RawEvent[]>;
  /** How many rows the newest snapshot has of these offsets. Its files are checked, too. */
  count(topic: string, range: OffsetRange): Promise<number>;
  /** The first of these offsets whose log time (epoch ms) is past `time`; null: there is none. */
  offsetAt(topic: string, range: OffsetRange, time: number): Promise<number | null>;
  /** Where the history of raw.<source> begins; null: it has all events. */
  horizon(topic: string): Promise<Horizon | null>;
  /**
   * Deletes events from the history of raw.<source>, and moves its horizon in the same commit.
   * Their files are deleted once no recent snapshot needs them. Absent: this history keeps all.
   */
  trim?(topic: string, what: TrimHistory): Promise<void>;
  /** Merges small files and expires old snapshots; changes no answer. */
  maintain(topic: string): Promise<void>;
  /**
   * Topics whose tables could not be read or written when that was last tried, with the reason.
   * Absent: it is not known.
   */
  problems?(): ReadonlyMap<string, string>;
  /**
   * Events that the log deleted before the table had them; null: there are none. Absent: the log
   * deletes only what the history has.
   */
  lost?(topic: string): Promise<Error | null>;
  /** URIs (FileIO) of a snapshot's Parquet files; of the newest one where none is given. */
  dataFiles(topic: string, snapshotId?: bigint): Promise<readonly string[]>;
  /** The newest snapshot with its columns and files; null where nothing was committed yet. */
  tableFiles(topic: string): Promise<HistoryFiles | null>;
}

export interface History {
  /** Next offset by partition that the table of this topic reaches. */
  endOffsets(topic: string): Promise<readonly number[]>;
  /** Writes the log's records up to its end, or up to these next offsets, and commits. */
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
  /** Rows of the table of features.<view> that have these values, ordered by offset. */
  updates(view: string, where: Readonly<Record<string, Value>>): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/**
 * The history: every raw event and every feature update, as Iceberg tables partitioned by day.
 *
 * Promises (tests/contracts/history.contract.ts):
 * - The topics' records from offset 0 to `through` are in the tables exactly once, whatever was killed when: a commit carries the
 *   offsets it reaches in its snapshot's summary, and writing resumes there.
 * - Reads go by one snapshot: what is committed meanwhile is not seen.
 */
import type { RawEvent, Row, Value } from '#domain/values/value.ts';

export interface HistoryColumn {
  readonly name: string;
  /** Iceberg primitive type: string, int, long, float, double, boolean, timestamptz, date, binary, list<…> */
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
}

export interface History {
  /** Next offset by partition that the table of this topic reaches. */
  through(topic: string): Promise<readonly number[]>;
  /** Writes what the log has up to its end (or `upTo`, next offsets) and commits. */
  sync(topic: string, upTo?: readonly number[]): Promise<void>;
  /** Raw events in the tables, ordered by (event time, partition, offset). */
  events(query: EventQuery): Promise<readonly RawEvent[]>;
  /** The same, streamed in batches, for queries that do not fit in memory. `fields`: the row's fields to read. */
  scan(query: EventQuery & { readonly fields: readonly string[] }): AsyncIterable<readonly RawEvent[]>;
  /** Rows of features.<view>'s table, for audit: filtered by equality, ordered by offset. */
  updates(view: string, where: Readonly<Record<string, Value>>): Promise<readonly Row[]>;
  close(): Promise<void>;
}

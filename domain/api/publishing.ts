/** What producers can request. Times are epoch ms; refusals are thrown as MillraceError. */
import type { Problem } from '#domain/errors.ts';
import type { Row } from '#domain/values/value.ts';
import type { Caller } from './caller.ts';

export interface RejectedEvent extends Problem {
  /** index in the batch */
  readonly index: number;
  readonly field?: string;
}

export interface PublishRequest {
  readonly source: string;
  /** parsed JSON objects, not yet validated */
  readonly events: readonly unknown[];
  /** idempotent producing: `sequence` is the number of events[0] in the producer's own count */
  readonly producer?: { readonly id: string; readonly sequence: number };
  /** whether to answer only when reads of the source's views include these events */
  readonly untilReadable?: boolean;
}

export type ImportRequest = Omit<PublishRequest, 'untilReadable'> & {
  /** for the audit log */
  readonly reason?: string;
};

export interface PublishResult {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly RejectedEvent[];
  /** wait for it with `after` */
  readonly position: string;
}

/** A complete snapshot of a dimension. */
export interface SnapshotRequest {
  readonly source: string;
  /** epoch ms, from which on the rows are the state of the table */
  readonly time: number;
  /** all rows, as parsed JSON objects; an iteration that fails publishes nothing */
  readonly rows: AsyncIterable<readonly unknown[]>;
  /** allows a snapshot without rows: every row of the table is then gone */
  readonly force?: { readonly reason: string };
}

export interface SnapshotResult {
  readonly time: number;
  readonly added: number;
  readonly changed: number;
  /** not published again */
  readonly unchanged: number;
  /** in the table before and not in the snapshot: a tombstone was published */
  readonly gone: number;
  /** wait for it with `after` */
  readonly position: string;
}

export interface TakenSnapshot extends Omit<SnapshotResult, 'position'> {
  readonly takenAt: number;
  readonly actor: string;
  /** why a snapshot without rows was published */
  readonly reason: string | null;
}

export interface RejectedRecord {
  readonly position: string;
  readonly logTime: number;
  readonly code: string;
  readonly field: string | null;
  readonly message: string;
  readonly event: unknown;
  /** when (epoch ms) and by whom it was published again; null: not yet */
  readonly resent: { readonly at: number; readonly by: string } | null;
}

export interface RejectedPage {
  readonly total: number;
  readonly records: readonly RejectedRecord[];
  readonly next: string | null;
}

/** Publishing raw events, exporting them, and rejected events. */
export interface Publishing {
  publish(request: PublishRequest, caller: Caller): Promise<PublishResult>;
  /** Publishes what a complete snapshot of a dimension changes. */
  snapshot(request: SnapshotRequest, caller: Caller): Promise<SnapshotResult>;
  /** The snapshots of a dimension that were taken, oldest first. */
  snapshots(source: string, caller?: Caller): Promise<readonly TakenSnapshot[]>;
  /** The next sequence number that the platform expects of a numbered producer. */
  producerSequence(source: string, producer: string, caller?: Caller): Promise<number>;
  /** Imports events from before this log, each with the time at which it was known. */
  importHistory(request: ImportRequest, caller: Caller): Promise<PublishResult>;
  /** The next sequence number that the platform expects of a numbered import. */
  importSequence(source: string, producer: string, caller?: Caller): Promise<number>;
  /** All accepted events of a source, in the form in which they can be published again. */
  exportEvents(source: string, caller?: Caller): Promise<AsyncIterable<readonly Row[]>>;
  rejected(
    source: string,
    query: { readonly after?: string; readonly limit?: number },
    caller?: Caller,
  ): Promise<RejectedPage>;
  /**
   * Publishes corrected events in place of rejected ones; without `events`, the same again. Each is
   * published at most once: those that were resent before count as duplicates.
   */
  resendRejected(
    source: string,
    request: { readonly positions: readonly string[]; readonly events?: readonly unknown[] },
    caller: Caller,
  ): Promise<PublishResult>;
}

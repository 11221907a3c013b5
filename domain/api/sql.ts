/**
 * SQL over the platform's tables: raw events, logged answers, rollups. Times are epoch ms; refusals
 * are thrown as MillraceError.
 */
import type { SqlLimits } from '#domain/ports/sql-engine.ts';
import type { SqlBatch, SqlColumn } from '#domain/sql-results/sql-type.ts';
import type { Caller } from './caller.ts';

/** What a table has the rows of. */
export interface SqlTableOf {
  readonly kind: 'source' | 'feature-service' | 'feature-view';
  /** of the source, service or view */
  readonly of: string;
}

export interface SqlTableRef extends SqlTableOf {
  /** in lower case, such as raw_flights */
  readonly name: string;
}

export interface SqlTableColumn {
  readonly name: string;
  /** as definitions write it: long, timestamp, array<string> */
  readonly type: string;
  readonly description: string | null;
}

export interface SqlTableInfo extends SqlTableRef {
  readonly description: string;
  readonly columns: readonly SqlTableColumn[];
}

export interface SqlRequest {
  readonly sql: string;
  /** absent: the platform's own */
  readonly engine?: string;
  /** only what the log had accepted by then, epoch ms; absent, or later than now: now */
  readonly known?: number;
  readonly limits?: Partial<SqlLimits>;
  /** ends the statement */
  readonly signal?: AbortSignal;
}

/** A table that a statement read, and its state. */
export interface SqlTableRead {
  readonly name: string;
  /**
   * next offset of each partition, such as raw.flights@0:12; of a view, the end of its newest
   * period
   */
  readonly position: string;
  /** of the Iceberg table; null: it has none yet */
  readonly snapshot: string | null;
}

export interface SqlAnswer {
  readonly engine: string;
  readonly columns: readonly SqlColumn[];
  readonly rows: number;
  /** every event that the log had accepted by then, and none later, is in the tables */
  readonly known: number;
  readonly tables: readonly SqlTableRead[];
  /** Read once, to its end or not: then the statement has ended. */
  readonly batches: AsyncIterable<SqlBatch>;
  /** Ends the statement, where the batches are not read. Idempotent. */
  readonly close: () => void;
}

export const DEFAULT_SQL_LIMITS: SqlLimits = { seconds: 30, rows: 100_000 };
export const MAX_SQL_LIMITS: SqlLimits = { seconds: 300, rows: 1_000_000 };

/** Answers a statement with the rights of its caller. @throws as Sql.query */
export type RunStatement = (request: SqlRequest, caller?: Caller) => Promise<SqlAnswer>;

/** What the caller of a statement may read. */
export interface SqlAccess {
  /**
   * Called with the names of the tables that the statement reads, before they are read.
   * @throws where one of them must not be read
   */
  readonly check: (names: readonly string[]) => void;
  /** whether the caller may know of a table */
  readonly visible: (table: SqlTableOf) => boolean;
}

export interface Sql {
  /** @param visible absent: all are */
  tables(
    caller?: Caller,
    visible?: (table: SqlTableOf) => boolean,
  ): Promise<readonly SqlTableInfo[]>;
  /**
   * Answers one read-only statement.
   * @throws as SqlEngine.query; MR_PARAMETER_INVALID for unknown engines and limits
   */
  query(request: SqlRequest, caller?: Caller, access?: SqlAccess): Promise<SqlAnswer>;
}

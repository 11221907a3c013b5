/**
 * An engine that answers SQL of users over tables of the platform.
 *
 * Promises (tests/contracts/sql-engine.contract.ts has a test for each):
 * - It reads and nothing else. One statement is accepted, and it must be a query; there is no way
 *   to change a table, a setting or a file.
 * - A statement reaches the tables that it is given, and nothing else of the machine: no file, no
 *   network, no environment, and no catalog that shows where the tables are stored. An engine on
 *   servers of its own has a user there, which is the second fence.
 * - `tables` is called once, with the names of all tables that the statement reads. What it returns
 *   is pinned, so all of a statement reads one state of each table.
 * - Time, memory and rows are limited. A statement that exceeds a limit is refused whole
 *   (MR_SQL_LIMIT); a result is never cut. When the answer resolves, the number of rows is known.
 * - An aborted statement ends at once, and so does one whose batches are no longer read.
 * - A statement does not delay other work of the process, and cannot end it.
 */
import type { SqlBatch, SqlColumn } from '#domain/sql-results/sql-type.ts';

/** How an engine finds the rows of a table. */
export type StoredFormat = 'iceberg' | 'paimon-primary-key';

/** A table that engines open by name, in a catalog, at one snapshot. */
export interface StoredTable {
  readonly format: StoredFormat;
  /** raw, served, rollup */
  readonly namespace: string;
  readonly name: string;
  readonly snapshot: bigint;
}

/** A column of a table, stored in its Parquet files under Iceberg's id of the field. */
export interface SqlFileColumn {
  /** as queries name it */
  readonly name: string;
  /** as the stored table names it */
  readonly field: string;
  /** null: no file has it, so it is null in all rows */
  readonly fieldId: number | null;
  /** Iceberg's type: string, long, timestamptz, list<…> */
  readonly type: string;
}

/** Rows as they are stored. */
export interface SqlFiles {
  readonly columns: readonly SqlFileColumn[];
  /** URIs (FileIO) of Parquet files; a column that a file lacks is null there */
  readonly files: readonly string[];
  /** the same rows for engines that open tables by name; null: nothing was written yet */
  readonly stored: StoredTable | null;
}

/** The columns of a history: names that no key and no feature has. */
export interface HistoryNames {
  readonly validFrom: string;
  readonly validTo: string;
  readonly knownFrom: string;
  readonly knownTo: string;
}

/** Periods that were rolled up, with or without rows; epoch ms. */
export interface RolledUp {
  readonly from: number;
  readonly to: number;
  readonly everyMs: number;
  /** of the rollup by shorter periods, if there are two */
  readonly shorter: boolean;
}

/**
 * Which rows of a rollup a table has (docs/guides/sql.md): those that hold of one end of a period,
 * epoch ms (null: of the newest there is), those that hold of all, or the values between changes.
 * Each as the rows were at the log time `known`.
 */
export type SqlRollup = { readonly known: number } & SqlRollupRows;

type SqlRollupRows =
  | { readonly rows: 'newest'; readonly end: number | null }
  | { readonly rows: 'daily' }
  | {
      readonly rows: 'history';
      readonly keys: readonly string[];
      readonly features: readonly string[];
      readonly names: HistoryNames;
      /** the rollup of the view by longer periods, with columns of the same names */
      readonly longer: SqlFiles | null;
      /** what is known of periods besides their rows */
      readonly periods: readonly RolledUp[];
      /** the end of the newest period that is there, epoch ms; null: that of the newest row */
      readonly newest: number | null;
    };

/** A table at one state. */
export interface SqlTable extends SqlFiles {
  readonly name: string;
  /** of a rollup, whose rows are computed from those that are stored; absent: they are the same */
  readonly rollup?: SqlRollup;
  /**
   * only rows below these offsets, by partition. `partition` and `offset` are the names of the
   * columns that have them.
   */
  readonly below?: {
    readonly partition: string;
    readonly offset: string;
    readonly offsets: readonly number[];
  };
}

export interface SqlLimits {
  readonly seconds: number;
  readonly rows: number;
}

export interface SqlQuery {
  readonly sql: string;
  /**
   * @param names as the statement writes them, in lower case, each once
   * @throws where one of them does not exist
   */
  readonly tables: (names: readonly string[]) => Promise<readonly SqlTable[]>;
  readonly limits: SqlLimits;
  readonly signal?: AbortSignal;
}

export interface SqlResult {
  readonly columns: readonly SqlColumn[];
  readonly rows: number;
  /** Read once. Ending the iteration ends the statement. */
  readonly batches: AsyncIterable<SqlBatch>;
  /** Ends the statement. Idempotent. */
  readonly close: () => void;
}

export interface SqlEngine {
  /** as requests name it */
  readonly name: string;
  /**
   * @throws MR_SQL_INVALID: not SQL, or wrong for these tables; MR_SQL_REFUSED: more than a query
   * of tables; MR_SQL_LIMIT; MR_OVERLOADED where too many statements run; MR_SQL_TABLE_UNREADABLE
   * where the engine reads such a table wrongly; MR_SQL_ENGINE_UNAVAILABLE, MR_SQL_ENGINE_FAILED of
   * engines on servers of their own; a DOMException AbortError
   */
  readonly query: (query: SqlQuery) => Promise<SqlResult>;
  /** Ends all statements. */
  readonly close: () => Promise<void>;
}

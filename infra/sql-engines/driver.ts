/**
 * The client of one engine. It runs a statement that was checked and reads the answer; limits of
 * the result, authorization and tables are remote-engine.ts's.
 *
 * Promises:
 * - The engine ends the statement soon after `signal` is aborted, and so does the answer.
 * - Values are exact: no number passes through a double that is not one.
 * - What the engine says is an error of the platform (engine-errors.ts).
 */
import type { SqlLimits } from '#domain/ports/sql-engine.ts';
import type { RemoteEngine } from '#domain/sql/tables/engine-names.ts';
import type { SqlBatch, SqlColumn } from '#domain/sql-results/sql-type.ts';

export interface DriverRequest {
  readonly sql: string;
  readonly limits: SqlLimits;
  /** for engines that limit the memory of a statement */
  readonly memoryMb: number;
  readonly signal: AbortSignal;
}

export interface DriverAnswer {
  readonly columns: readonly SqlColumn[];
  /** Read once. Ending the iteration ends the statement. */
  readonly batches: AsyncIterable<SqlBatch>;
}

export interface Driver {
  readonly engine: RemoteEngine;
  readonly run: (request: DriverRequest) => Promise<DriverAnswer>;
  readonly close: () => Promise<void>;
}

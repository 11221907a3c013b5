/**
 * The messages between the engine and the process of a statement:
 *
 *   engine → prepare → process: the tables that it names
 *   engine → run → process: the columns and the number of rows, or why it failed
 *   engine → next → process: the next batch, until there is none
 */
import type { ErrorCode, ErrorDetails } from '#domain/errors.ts';
import type { SqlLimits } from '#domain/ports/sql-engine.ts';
import type { SqlColumn } from '#domain/sql-results/sql-type.ts';
import type { OpenedTable } from './session.ts';

export interface ProcessLimits extends SqlLimits {
  /** DuckDB's own limit */
  readonly memoryMb: number;
  /** of the whole process, which has parts that DuckDB does not count */
  readonly processMb: number;
}

export type Request =
  | { readonly do: 'prepare'; readonly sql: string; readonly limits: ProcessLimits }
  | { readonly do: 'run'; readonly tables: readonly OpenedTable[] }
  | { readonly do: 'next' };

export type Answer =
  | { readonly is: 'prepared'; readonly tables: readonly string[] }
  | { readonly is: 'ran'; readonly columns: readonly SqlColumn[]; readonly rows: number }
  | {
      readonly is: 'batch' /** as packed-batch.ts packs it; null: there is no more */;
      readonly batch: Uint8Array | null;
    }
  | {
      readonly is: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
    };

/** The exit status of a process that found itself larger than its limit. */
export const TOO_LARGE = 77;

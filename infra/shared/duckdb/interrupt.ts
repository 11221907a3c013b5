/** A cancellation ends the statement that a connection of DuckDB runs. */
import type { DuckDBConnection } from '@duckdb/node-api';

/** @returns to be called when the connection is no longer used */
export const interruptOnAbort = (
  connection: DuckDBConnection,
  signal: AbortSignal | undefined,
): (() => void) => {
  const interrupt = (): void => connection.interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  return () => signal?.removeEventListener('abort', interrupt);
};

/**
 * DuckDB as a library: a small instance for each reader or writer of Parquet, with limits on memory
 * and threads.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

export interface DuckDbOptions {
  /** DuckDB's own text, such as '512MB' */
  readonly memoryLimit?: string;
  readonly threads?: number;
  /** a local path, made when a sort does not fit in memory; absent: such a sort fails */
  readonly spillDirectory?: string;
}

export interface DuckDb {
  connect(): Promise<DuckDBConnection>;
  close(): void;
}

export const openDuckDb = async ({
  memoryLimit = '512MB',
  threads = 1,
  spillDirectory,
}: DuckDbOptions = {}): Promise<DuckDb> => {
  if (spillDirectory !== undefined) mkdirSync(dirname(spillDirectory), { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: memoryLimit,
    threads: String(threads),
    temp_directory: spillDirectory ?? '',
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
  });
  return {
    async connect() {
      const connection = await instance.connect();
      await connection.run(`SET TimeZone = 'UTC'`);
      return connection;
    },
    close: () => instance.closeSync(),
  };
};

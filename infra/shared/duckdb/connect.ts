/**
 * DuckDB as a library: one small instance each for whoever reads or writes Parquet, its memory and
 * threads capped.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

export interface DuckDbOptions {
  /** DuckDB's own text, such as '512MB' */
  readonly memoryLimit?: string;
  readonly threads?: number;
  /** where sorts spill that do not fit; absent: they fail */
  readonly spillDirectory?: string;
}

export interface DuckDb {
  connect(): Promise<DuckDBConnection>;
  close(): void;
}

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export const openDuckDb = async ({
  memoryLimit = '512MB',
  threads = 1,
  spillDirectory,
}: DuckDbOptions = {}): Promise<DuckDb> => {
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

/** Files as DuckDB reads and writes them: CSV and Parquet, in file order, in bounded memory. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '#domain/errors.ts';

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export interface OpenDuckDb {
  readonly connection: DuckDBConnection;
  close(): void;
}

export const openDuckDb = async (): Promise<OpenDuckDb> => {
  // a native library of many megabytes: only for the commands that read such files
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '512MB',
    threads: '1',
    temp_directory: '',
    autoinstall_known_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return {
    connection,
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
};

/** Runs `body` with a connection; DuckDB's complaints become ours, with the file's name. */
export const withDuckDb = async <T>(
  file: string,
  body: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> => {
  const { connection, close } = await openDuckDb();
  try {
    return await body(connection);
  } catch (error) {
    throw fileError(file, error);
  } finally {
    close();
  }
};

export const fileError = (file: string, error: unknown): Error => {
  if (
    error instanceof Error &&
    !(error instanceof MillraceError) &&
    /^[A-Z][\w ]+ Error:/.test(error.message)
  ) {
    return new MillraceError('MR_FILE_INVALID', `${file}: ${error.message.trim()}`, { file });
  }
  return error as Error;
};

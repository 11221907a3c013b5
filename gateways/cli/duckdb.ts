/** DuckDB for the files of a command: in file order, with bounded memory. */
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { MillraceError } from '#domain/errors.ts';
import type { Query } from '#domain/sql/duckdb/parquet-table.ts';
import {
  STRING_BYTES,
  type Strings,
  stringVectorReader,
} from '#domain/sql/duckdb/string-vector.ts';

interface OpenDuckDb {
  readonly connection: DuckDBConnection;
  close(): void;
}

export const openDuckDb = async (): Promise<OpenDuckDb> => {
  // A native library of many megabytes, loaded only by the commands that read such files.
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

/** Reads a column of strings of a result's chunk. Its strings are valid until the next is read. */
export type StringColumn = (chunk: DuckDBDataChunk, index: number) => Strings;

export const stringColumn = async (): Promise<StringColumn> => {
  const { default: duckdb } = await import('@duckdb/node-bindings');
  const reader = stringVectorReader();
  return (chunk, index) => {
    const count = chunk.rowCount;
    const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
    const bytes = duckdb.vector_get_data(vector, count * STRING_BYTES) as Uint8Array<ArrayBuffer>;
    const valid = duckdb.vector_get_validity(
      vector,
      Math.ceil(count / 64) * 8,
    ) as Uint8Array | null;
    return reader.read(
      bytes,
      count,
      (row) => valid !== null && (((valid[row >> 3] as number) >> (row & 7)) & 1) === 0,
      (offset, length) =>
        duckdb.get_data_from_pointer(bytes.buffer, bytes.byteOffset + offset, length),
    );
  };
};

export const queryOf =
  (connection: DuckDBConnection): Query =>
  async (sql) =>
    (await connection.runAndReadAll(sql)).getRows();

/** Runs `body` with a connection. Errors of DuckDB become MR_FILE_INVALID, with the file's name. */
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
    const [what] = error.message.split('\n\n');
    return new MillraceError('MR_FILE_INVALID', `${file}: ${what?.trim()}`, { file });
  }
  return error as Error;
};

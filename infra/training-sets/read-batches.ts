/**
 * The rows of a Parquet output in batches, with their types: however large the file is, a few
 * batches are in memory.
 */
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { DatasetBatches } from '#domain/api/datasets.ts';
import { columnName, parquetRows } from '#domain/sql/duckdb/parquet-files.ts';
import { parquetTable } from '#domain/sql/duckdb/parquet-table.ts';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { type ReadColumn, readColumn, sqlValue } from './sql-columns.ts';

/** Chunks of 2,048 rows that make a batch. */
const CHUNKS = 8;

const batchOf = (columns: readonly ReadColumn[], chunks: readonly DuckDBDataChunk[]): SqlBatch => ({
  rows: chunks.reduce((sum, { rowCount }) => sum + rowCount, 0),
  columns: columns.map(({ type }, c) =>
    chunks.flatMap((chunk) => chunk.getColumnValues(c).map((value) => sqlValue(type, value))),
  ),
});

async function* batchesOf(
  connection: DuckDBConnection,
  close: () => void,
  from: string,
  columns: readonly ReadColumn[],
): AsyncGenerator<SqlBatch> {
  try {
    const result = await connection.stream(
      `SELECT ${columns.map(({ sql }) => sql).join(', ')} FROM ${from}`,
    );
    let chunks: DuckDBDataChunk[] = [];
    for (;;) {
      const chunk = await result.fetchChunk();
      const isEnd = chunk === null || chunk.rowCount === 0;
      if (!isEnd) chunks.push(chunk);
      if (chunks.length === CHUNKS || (isEnd && chunks.length > 0)) {
        yield batchOf(columns, chunks);
        chunks = [];
      }
      if (isEnd) return;
    }
  } finally {
    close();
  }
}

export const readBatches = async (file: string): Promise<DatasetBatches> => {
  const duckDb = await openDuckDb({ memoryLimit: '256MB' });
  const connection = await duckDb.connect();
  const close = (): void => {
    connection.closeSync();
    duckDb.close();
  };
  try {
    await connection.run('SET preserve_insertion_order = true');
    const { names, types } = await parquetTable(
      async (sql) => (await connection.runAndReadAll(sql)).getRows(),
      file,
    );
    const columns = types.map((type, i) => readColumn(columnName(i), type));
    return {
      columns: columns.map(({ type }, i) => ({ name: names[i] as string, type })),
      batches: batchesOf(connection, close, parquetRows(file, names.length), columns),
    };
  } catch (error) {
    close();
    throw error;
  }
};

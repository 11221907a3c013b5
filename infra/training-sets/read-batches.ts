/**
 * The rows of a Parquet output in batches, with their types: however large the file is, a few
 * batches are in memory.
 */
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { DatasetBatches } from '#domain/api/datasets.ts';
import { columnKind, elementType } from '#domain/sql/duckdb/column-kind.ts';
import { columnName, parquetRows } from '#domain/sql/duckdb/parquet-files.ts';
import { parquetTable } from '#domain/sql/duckdb/parquet-table.ts';
import type { SqlBatch, SqlType, SqlValue } from '#domain/sql-results/sql-type.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';

/** Chunks of 2,048 rows that make a batch. */
const CHUNKS = 8;

interface ReadColumn {
  readonly type: SqlType;
  /** DuckDB's expression for it */
  readonly sql: string;
}

const LONG = /^(BIGINT|UINTEGER)$/;
const WIDE = /^(UBIGINT|U?HUGEINT)$/;

/** What Arrow has no type for here is text, as DuckDB writes it. */
const readColumn = (sql: string, type: string): ReadColumn => {
  const as = (form: Exclude<SqlType['form'], 'list' | 'struct'>, cast: string): ReadColumn => ({
    type: { form, name: form },
    sql: cast,
  });
  switch (columnKind(type)) {
    case 'boolean':
      return as('boolean', sql);
    case 'whole':
      if (WIDE.test(type)) return as('string', `CAST(${sql} AS VARCHAR)`);
      return LONG.test(type)
        ? as('long', `CAST(${sql} AS BIGINT)`)
        : as('int', `CAST(${sql} AS INTEGER)`);
    case 'real':
      return as(type === 'FLOAT' ? 'float' : 'double', sql);
    case 'decimal':
      return {
        type: { form: 'decimal', name: type.toLowerCase().replace(' ', '') },
        sql: `CAST(${sql} AS VARCHAR)`,
      };
    case 'date':
      return as('date', sql);
    case 'time':
      return as(
        'timestamp',
        type === 'TIMESTAMP WITH TIME ZONE' ? sql : `timezone('UTC', CAST(${sql} AS TIMESTAMP))`,
      );
    case 'bytes':
      return as('bytes', sql);
    case 'list': {
      const element = readColumn('item', elementType(type));
      const items = `list_transform(${sql}, lambda item: ${element.sql})`;
      return { type: { form: 'list', name: 'list', element: element.type }, sql: items };
    }
    default:
      return as('string', `CAST(${sql} AS VARCHAR)`);
  }
};

interface Micros {
  readonly micros: bigint;
}
interface Days {
  readonly days: number;
}
interface Bytes {
  readonly bytes: Uint8Array;
}
interface Items {
  readonly items: readonly unknown[];
}

const plain = (type: SqlType, value: unknown): SqlValue => {
  if (value === null || value === undefined) return null;
  switch (type.form) {
    case 'timestamp':
      return (value as Micros).micros;
    case 'date':
      return (value as Days).days;
    case 'bytes':
      return (value as Bytes).bytes;
    case 'list':
      return (value as Items).items.map((item) => plain(type.element, item));
    default:
      return value as SqlValue;
  }
};

const batchOf = (columns: readonly ReadColumn[], chunks: readonly DuckDBDataChunk[]): SqlBatch => ({
  rows: chunks.reduce((sum, { rowCount }) => sum + rowCount, 0),
  columns: columns.map(({ type }, c) =>
    chunks.flatMap((chunk) => chunk.getColumnValues(c).map((value) => plain(type, value))),
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

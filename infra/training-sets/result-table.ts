/** Copies columns from JavaScript into a DuckDB table, 2,048 rows at a time. */
import {
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBTimestampTZValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import type { FieldType, Scalar, Value } from '#domain/values/value.ts';
import { CHUNK_ROWS, type ColumnWriter } from '#infra/shared/duckdb/column-parts.ts';
import { columnWriter } from '#infra/shared/duckdb/column-writer.ts';
import { icebergType } from './duckdb-types.ts';

const element = (type: FieldType, value: Scalar): DuckDBValue => {
  switch (type.base) {
    case 'long':
      return BigInt(value as number);
    case 'timestamp':
      return new DuckDBTimestampTZValue(BigInt(value as number) * 1000n);
    case 'date':
      return new DuckDBDateValue(value as number);
    case 'bytes':
      return new DuckDBBlobValue(Buffer.from(value as string, 'base64'));
    default:
      return value;
  }
};

const setter = (type: FieldType, column: ColumnWriter): ((row: number, value: Value) => void) => {
  const set = (): ((row: number, value: Value) => void) => {
    if (type.array)
      return (row, value) =>
        column.setList(
          row,
          (value as readonly Scalar[]).map((item) => (item === null ? null : element(type, item))),
        );
    if (type.base === 'string') return (row, value) => column.setText(row, value as string);
    if (type.base === 'bytes') {
      return (row, value) => {
        const bytes = Buffer.from(value as string, 'base64');
        column.setBytes(row, bytes, 0, bytes.length);
      };
    }
    return (row, value) => column.setNumber(row, Number(value));
  };
  const present = set();
  return (row, value) => {
    if (value === null) column.setNull(row);
    else present(row, value);
  };
};

export interface TableFiller {
  /** sets a value of the current row, by the column's index; NaN is null */
  set(column: number, value: Value): void;
  setNumber(column: number, value: number): void;
  /** of a string column, in UTF-8 */
  setBytes(column: number, bytes: Uint8Array, start: number, end: number): void;
  setNull(column: number): void;
  next(): void;
  close(): void;
}

/** The columns are named c0, c1, …: names of a user may be equal to DuckDB. */
export const createTable = async (
  connection: DuckDBConnection,
  table: string,
  columns: readonly FieldType[],
): Promise<TableFiller> => {
  const writers = columns.map((type) => columnWriter(icebergType(type)));
  const setters = columns.map((type, i) => setter(type, writers[i] as ColumnWriter));
  const types = writers.map(({ type }) => type);
  await connection.run(
    `CREATE TABLE ${table} (${types.map((type, i) => `${columnName(i)} ${type}`).join(', ')})`,
  );
  const appender = await connection.createAppender(table);
  let row = 0;
  const flush = (): void => {
    if (row === 0) return;
    const chunk = DuckDBDataChunk.create(types, row);
    writers.forEach((writer, i) => {
      writer.flush(chunk, i);
    });
    appender.appendDataChunk(chunk);
    row = 0;
  };
  return {
    set: (column, value) => (setters[column] as (row: number, value: Value) => void)(row, value),
    setNumber(column, value) {
      const writer = writers[column] as ColumnWriter;
      if (Number.isNaN(value)) writer.setNull(row);
      else writer.setNumber(row, value);
    },
    setBytes: (column, bytes, start, end) =>
      (writers[column] as ColumnWriter).setBytes(row, bytes, start, end),
    setNull: (column) => (writers[column] as ColumnWriter).setNull(row),
    next() {
      if (++row === CHUNK_ROWS) flush();
    },
    close() {
      flush();
      appender.closeSync();
    },
  };
};

/**
 * Writes columns to DuckDB, 2,048 rows at a time.
 *
 * Numbers are collected in typed arrays in DuckDB's own layout and passed on with one copy per
 * column. Strings and blobs: `bytes-writer.ts`.
 */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DOUBLE,
  type DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
  FLOAT,
  INTEGER,
  LIST,
  listValue,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { bytesWriter } from './bytes-writer.ts';
import { CHUNK_ROWS, type ColumnWriter, createValidity, noSetters } from './column-parts.ts';

/** Writes the rows of a column that were gathered in memory. */
const flushRows = (
  chunk: DuckDBDataChunk,
  index: number,
  rows: ArrayBuffer,
  bytesPerRow: number,
  validity: ReturnType<typeof createValidity>,
): void => {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
  duckdb.copy_data_to_vector(vector, 0, rows, 0, chunk.rowCount * bytesPerRow);
  validity.flush(vector);
};

const numberWriter = (
  type: DuckDBType,
  data: Int32Array | Float32Array | Float64Array | Uint8Array,
): ColumnWriter => {
  const validity = createValidity();
  return {
    ...noSetters,
    type,
    setNull: validity.setNull,
    setNumber(row, value) {
      data[row] = value;
    },
    flush: (chunk, index) =>
      flushRows(chunk, index, data.buffer as ArrayBuffer, data.BYTES_PER_ELEMENT, validity),
  };
};

/**
 * 64-bit integers from doubles, as two halves, without a bigint per row. The product of a time and
 * its scale has more digits than a double, so the halves are multiplied.
 */
const longWriter = (type: DuckDBType, scale: number): ColumnWriter => {
  const validity = createValidity();
  const halves = new Int32Array(CHUNK_ROWS * 2);
  return {
    ...noSetters,
    type,
    setNull: validity.setNull,
    setNumber(row, value) {
      const high = Math.floor(value / 4_294_967_296);
      const low = (value - high * 4_294_967_296) * scale;
      const carry = Math.floor(low / 4_294_967_296);
      halves[row * 2] = low - carry * 4_294_967_296;
      halves[row * 2 + 1] = high * scale + carry;
    },
    flush: (chunk, index) => flushRows(chunk, index, halves.buffer, 8, validity),
  };
};

const listWriter = (element: DuckDBType): ColumnWriter => {
  let lists: (readonly DuckDBValue[] | null)[] = [];
  return {
    ...noSetters,
    type: LIST(element),
    setNull(row) {
      lists[row] = null;
    },
    setList(row, items) {
      lists[row] = items;
    },
    flush(chunk, index) {
      chunk.setColumnValues(
        index,
        lists.slice(0, chunk.rowCount).map((items) => (items === null ? null : listValue(items))),
      );
      lists = [];
    },
  };
};

export const DUCKDB_TYPES: Readonly<Record<string, DuckDBType>> = {
  int: INTEGER,
  long: BIGINT,
  float: FLOAT,
  double: DOUBLE,
  boolean: BOOLEAN,
  timestamptz: TIMESTAMPTZ,
  date: DATE,
  string: VARCHAR,
  binary: BLOB,
};

/** By Iceberg type name; `list<…>` for lists of the scalar ones. */
export const columnWriter = (type: string): ColumnWriter => {
  switch (type) {
    case 'int':
      return numberWriter(INTEGER, new Int32Array(CHUNK_ROWS));
    case 'date':
      return numberWriter(DATE, new Int32Array(CHUNK_ROWS));
    case 'float':
      return numberWriter(FLOAT, new Float32Array(CHUNK_ROWS));
    case 'double':
      return numberWriter(DOUBLE, new Float64Array(CHUNK_ROWS));
    case 'boolean':
      return numberWriter(BOOLEAN, new Uint8Array(CHUNK_ROWS));
    case 'long':
      return longWriter(BIGINT, 1);
    case 'timestamptz':
      return longWriter(TIMESTAMPTZ, 1000);
    case 'string':
      return bytesWriter(VARCHAR);
    case 'binary':
      return bytesWriter(BLOB);
    default: {
      const element = DUCKDB_TYPES[type.slice('list<'.length, -1)];
      if (!type.startsWith('list<') || element === undefined)
        throw new TypeError(`no column for the type ${type}`);
      return listWriter(element);
    }
  }
};

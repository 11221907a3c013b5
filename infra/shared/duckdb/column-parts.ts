/** What the writers of columns have in common. */
import type { DuckDBDataChunk, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';

export const CHUNK_ROWS = 2048;

export interface ColumnWriter {
  readonly type: DuckDBType;
  setNull(row: number): void;
  /** int, long, float, double, boolean (0, 1), date (days), timestamptz (epoch ms) */
  setNumber(row: number, value: number): void;
  /** string (UTF-8) or binary; the bytes are copied */
  setBytes(row: number, bytes: Uint8Array, start: number, end: number): void;
  /** string */
  setText(row: number, text: string): void;
  /** a list's elements, as DuckDB values */
  setList(row: number, items: readonly DuckDBValue[]): void;
  /**
   * true: some string began with a byte order mark, which DuckDB's client drops from the statistics
   * that it reports
   */
  readonly hasMark: boolean;
  /** copies the rows into column `index` of the chunk, and starts an empty set of rows */
  flush(chunk: DuckDBDataChunk, index: number): void;
}

export interface Validity {
  setNull(row: number): void;
  /** @param always also where no row is null: the vector may have nulls that are none */
  flush(vector: duckdb.Vector, always?: boolean): void;
}

export const createValidity = (): Validity => {
  const bits = new Uint8Array(CHUNK_ROWS / 8).fill(255);
  let nulls = false;
  return {
    setNull(row) {
      bits[row >> 3] = (bits[row >> 3] as number) & ~(1 << (row & 7));
      nulls = true;
    },
    flush(vector, always = false) {
      if (!nulls && !always) return;
      duckdb.vector_ensure_validity_writable(vector);
      duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength);
      bits.fill(255);
      nulls = false;
    },
  };
};

const wrongKind = (): never => {
  throw new TypeError('a column received a value of another type');
};
export const noSetters = {
  setNumber: wrongKind,
  setBytes: wrongKind,
  setText: wrongKind,
  setList: wrongKind,
  hasMark: false,
};

/** Rows by columns that files are decoded into, and from which some are taken in another order. */
import { gatherCodes, gatherNumbers } from '#domain/values/row-order.ts';
import { type IcebergField, typeName } from './schema.ts';

/** Numbers, or codes of texts. */
export type Column = Float64Array | Int32Array;

export interface UnsortedRows {
  /** by field, with room for more rows */
  readonly columns: readonly Column[];
  count: number;
}

export const noRows = (fields: readonly IcebergField[]): UnsortedRows => ({
  columns: fields.map((field) =>
    typeName(field) === 'string' ? new Int32Array(0) : new Float64Array(0),
  ),
  count: 0,
});

/** The values of these rows, in their order. */
export const picked = (column: Column, rows: Uint32Array): Column =>
  column instanceof Float64Array ? gatherNumbers(column, rows) : gatherCodes(column, rows);

/** Keeps only these rows. */
export const keep = (rows: UnsortedRows, kept: Uint32Array): void => {
  for (const column of rows.columns) column.set(picked(column, kept));
  rows.count = kept.length;
};

/** The rows with room for so many more. */
export const withRoom = (rows: UnsortedRows, more: number): UnsortedRows => {
  const needed = rows.count + more;
  if ((rows.columns[0] as Column).length >= needed) return rows;
  const capacity = Math.max(needed, 2 * rows.count);
  const columns = rows.columns.map((column) => {
    const larger =
      column instanceof Float64Array ? new Float64Array(capacity) : new Int32Array(capacity);
    larger.set(column.subarray(0, rows.count));
    return larger;
  });
  return { columns, count: rows.count };
};

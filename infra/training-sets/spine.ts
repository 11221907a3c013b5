/**
 * The rows for which a training set is made. A spine's columns belong to the user: they are kept in
 * a table under names of our own (`c0`, `c1`, …), because DuckDB has columns of its own and takes
 * names that differ only in case for equal. The user's names are only in the output.
 */
import type { FieldType } from '#domain/values/value.ts';
import type { SpineColumns } from './spine-columns.ts';

export const SPINE_TABLE = 'spine';
/** The number of a row, from 0. */
export const ROW_COLUMN = 'row_no';

/** A column of the spine in an output. */
export interface KeptColumn {
  readonly name: string;
  /** an expression over the table `s` */
  readonly sql: string;
  /** DuckDB's type of the expression */
  readonly type: string;
  /** a timestamp without a zone that was read as one in UTC */
  readonly zoned: boolean;
  /** its values as they were read, for an output with types; absent: those of `sql` */
  readonly typed?: TypedValues;
}

export interface TypedValues {
  readonly type: FieldType;
  readonly values: Float64Array;
}

export interface Spine extends SpineColumns {
  readonly names: readonly string[];
  /** the times that values are read at; absent: the rows' own */
  readonly readTimes?: Float64Array;
  readonly rows: number;
  /** the columns in an output with types */
  readonly kept: readonly KeptColumn[];
  /** a CSV file's header and its rows, which are texts in `c0`: they are copied to a CSV output */
  readonly lines: { readonly header: string } | null;
}

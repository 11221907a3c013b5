/** What a user's Parquet file has: its columns, in order, under their own names. */
import { describe, parquetColumns, parquetRows, parquetSchema } from './parquet-files.ts';

/** Runs a query and returns its rows. */
export type Query = (sql: string) => Promise<readonly (readonly unknown[])[]>;

export interface ParquetTable {
  readonly names: readonly string[];
  /** DuckDB's types */
  readonly types: readonly string[];
  /** by column: why it cannot be read as it is; null: it can */
  readonly unreadable: readonly (string | null)[];
}

/** DuckDB reads longer decimals as doubles, with wrong digits. */
const MAX_PRECISION = 38;

const whyUnreadable = (precision: number | null): string | null =>
  precision !== null && precision > MAX_PRECISION
    ? `has decimals of ${precision} digits, and at most ${MAX_PRECISION} can be read: write it as text or as a shorter decimal`
    : null;

export const parquetTable = async (query: Query, path: string): Promise<ParquetTable> => {
  const columns = parquetColumns(await query(parquetSchema(path)));
  const described = await query(describe(parquetRows(path, columns.length)));
  return {
    names: columns.map(({ name }) => name),
    types: described.map(([, type]) => String(type)),
    unreadable: columns.map(({ precision }) => whyUnreadable(precision)),
  };
};

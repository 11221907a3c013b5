/** What a user's Parquet file has: its columns, in order, under their own names. */
import { MillraceError } from '#domain/errors.ts';
import {
  columnName,
  describe,
  parquetColumns,
  parquetRows,
  parquetSchema,
} from './parquet-files.ts';

/** Runs a query and returns its rows. */
export type Query = (sql: string) => Promise<readonly (readonly unknown[])[]>;

export interface ParquetTable {
  readonly names: readonly string[];
  /** DuckDB's types */
  readonly types: readonly string[];
  /** by column: why it cannot be read as it is; null: it can */
  readonly unreadable: readonly (string | null)[];
  /** by column: nanoseconds with a zone, which are not exact as they are read */
  readonly zonedNanos: readonly boolean[];
}

/** DuckDB reads longer decimals as doubles, with wrong digits. */
const MAX_PRECISION = 38;

const ZONED_NANOS = /isAdjustedToUTC=1.*NANOS=NanoSeconds/;

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
    zonedNanos: columns.map(({ logicalType }) => ZONED_NANOS.test(logicalType ?? '')),
  };
};

/**
 * Whether some of these columns has a time that was rounded the wrong way: one of nanoseconds with
 * a zone, before 1970.
 */
export const needsExactNanos = async (
  query: Query,
  path: string,
  { names, zonedNanos }: ParquetTable,
  wanted: readonly number[],
): Promise<boolean> => {
  const zoned = wanted.filter((column) => zonedNanos[column]);
  if (zoned.length === 0) return false;
  const earliest = zoned.map((column) => `min(epoch_us(${columnName(column)}))::DOUBLE`);
  const [row] = await query(
    `SELECT ${earliest.join(', ')} FROM ${parquetRows(path, names.length)}`,
  );
  return (row ?? []).some((micros) => micros !== null && Number(micros) <= 0);
};

/** @returns the table of a copy without zones, which differs from it in nothing else */
export const tableWithoutZones = async (
  query: Query,
  path: string,
  original: ParquetTable,
): Promise<ParquetTable> => {
  const table = await parquetTable(query, path);
  const same = table.types.every((type, i) =>
    original.zonedNanos[i] ? type === 'TIMESTAMP_NS' : type === original.types[i],
  );
  if (!same || table.types.length !== original.types.length)
    throw new MillraceError('MR_INTERNAL', 'the zones of a Parquet file could not be cleared');
  return table;
};

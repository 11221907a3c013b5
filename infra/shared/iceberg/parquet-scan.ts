/**
 * Reads a table's Parquet files with DuckDB as Iceberg specifies: columns by field id, widened to
 * the schema's types, null if a file lacks the column.
 */
import { parquetByFieldId } from '#domain/sql/duckdb/parquet-files.ts';
import { type IcebergField, typeName } from './schema.ts';

/** By Iceberg type. */
export const SQL_TYPES: Readonly<Record<string, string>> = {
  int: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  date: 'DATE',
  string: 'VARCHAR',
  binary: 'BLOB',
};

export const sqlType = (type: string): string =>
  type.startsWith('list<') ? `${SQL_TYPES[type.slice(5, -1)]}[]` : (SQL_TYPES[type] as string);

/** A relation over the files, with exactly these columns. */
export const readParquet = (paths: readonly string[], fields: readonly IcebergField[]): string =>
  parquetByFieldId(
    paths,
    fields.map((field) => ({
      id: field.id,
      name: field.name,
      type: sqlType(typeName(field)),
    })),
  );

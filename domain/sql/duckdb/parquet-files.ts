/**
 * Parquet files as relations of DuckDB. No other code names DuckDB's file readers, so that no file
 * is read by a guess:
 *
 * - a path is the path of one file, also if it has the characters of a pattern (`*`, `?`, `[`), of
 *   a home directory or of a URL;
 * - folder names such as `day=2026-01-01` are no columns;
 * - a user's columns are read by position, as `c0`, `c1`, …: DuckDB takes names that differ only in
 *   case for equal, renames one of them, and has columns of its own (`rowid`, `filename`, …).
 */
import { identifier, literal } from './names.ts';

/** A path that names one file, as DuckDB's readers take it. */
export const fileLiteral = (path: string): string =>
  literal((path.startsWith('/') ? path : `./${path}`).replaceAll(/[*?[]/g, '[$&]'));

const list = (paths: readonly string[]): string => `[${paths.map(fileLiteral).join(', ')}]`;

/** Its own name in SQL for a column of a user's table, by its index. */
export const columnName = (index: number): string => `c${index}`;

const OPTIONS = 'hive_partitioning = false, union_by_name = false';

/** The rows of a user's file, in its order, with the columns c0, c1, … */
export const parquetRows = (path: string, columns: number): string => {
  const names = Array.from({ length: columns }, (_, i) => columnName(i));
  return `(SELECT * FROM read_parquet(${fileLiteral(path)}, ${OPTIONS}) AS file(${names.join(', ')}))`;
};

/** Files whose columns have the same meaning by name. A column that a file lacks is null there. */
export const parquetByName = (paths: readonly string[]): string =>
  `read_parquet(${list(paths)}, hive_partitioning = false, union_by_name = true)`;

export interface FieldColumn {
  /** Iceberg's id of the field */
  readonly id: number;
  readonly name: string;
  /** DuckDB's type */
  readonly type: string;
}

/** Files of an Iceberg table, by field id: exactly these columns, null if a file lacks one. */
export const parquetByFieldId = (
  paths: readonly string[],
  fields: readonly FieldColumn[],
): string => {
  const columns = fields.map(
    ({ id, name, type }) =>
      `${id}: {name: ${literal(name)}, type: ${literal(type)}, default_value: NULL}`,
  );
  return `read_parquet(${list(paths)}, hive_partitioning = false, schema = MAP {${columns.join(', ')}})`;
};

/** One row: the number of rows of the files. */
export const parquetCount = (paths: readonly string[]): string =>
  `SELECT sum(num_rows)::DOUBLE FROM parquet_file_metadata(${list(paths)})`;

/** The elements of a file's schema, depth first: the input of `parquetColumns`. */
export const parquetSchema = (path: string): string =>
  `SELECT name, num_children::INTEGER, precision::INTEGER, logical_type FROM parquet_schema(${fileLiteral(path)})`;

/** The elements of each file's schema, depth first: file, name, number of children, types. */
export const parquetSchemas = (paths: readonly string[]): string =>
  `SELECT file_name, name, coalesce(num_children, 0)::INTEGER, concat_ws(' ', type, converted_type, logical_type) FROM parquet_schema(${list(paths)})`;

/** The name and type of each column of a relation, in order. */
export const describe = (relation: string): string => `DESCRIBE SELECT * FROM ${relation}`;

export interface ParquetColumn {
  readonly name: string;
  /** decimal digits, of a decimal column */
  readonly precision: number | null;
  readonly logicalType: string | null;
}

/** The columns of a file under the names that they have in it. */
export const parquetColumns = (
  elements: readonly (readonly unknown[])[],
): readonly ParquetColumn[] => {
  const columns: ParquetColumn[] = [];
  /** after the element at `at` and all that it contains */
  const after = (at: number): number => {
    const children = Number(elements[at]?.[1] ?? 0);
    let next = at + 1;
    for (let i = 0; i < children; i++) next = after(next);
    return next;
  };
  for (let at = 1; at < elements.length; at = after(at)) {
    const [name, , precision, logicalType] = elements[at] as readonly unknown[];
    columns.push({
      name: String(name),
      precision: precision === null ? null : Number(precision),
      logicalType: logicalType === null ? null : String(logicalType),
    });
  }
  return columns;
};

/** Columns of a query as the columns of a file, under the user's names. */
export const selectAs = (columns: readonly { readonly sql: string; readonly name: string }[]) =>
  columns.map(({ sql, name }) => `${sql} AS ${identifier(name)}`).join(', ');

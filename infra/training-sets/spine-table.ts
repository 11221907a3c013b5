/** A spine from a table of typed columns, such as those of a file. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { columnKind } from '#domain/sql/duckdb/column-kind.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import type { ParquetTable, Query } from '#domain/sql/duckdb/parquet-table.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import { readColumns, readingOf, TIME } from './parquet-readings.ts';
import type { KeptColumn, Spine } from './spine.ts';
import type { ReadColumn } from './spine-columns.ts';
import { TIME_TYPE, type Wanted } from './spine-reader.ts';

/** A column of the table as it is in the file: `original` is that of the file. */
const keptColumn = (
  index: number,
  original: ParquetTable,
  table: ParquetTable,
  zoned: boolean,
): KeptColumn => {
  const [name, sql] = [original.names[index] as string, `s.${columnName(index)}`];
  const [type, now] = [original.types[index] as string, table.types[index] as string];
  return type === now
    ? { name, sql, type, zoned }
    : { name, sql: `timezone('UTC', CAST(${sql} AS TIMESTAMP))`, type, zoned: false };
};

/**
 * The spine in the spine's table, whose columns are those of `table` and the row number.
 * @param original the columns as they are in an output
 */
export const tableSpine = async (
  connection: DuckDBConnection,
  query: Query,
  {
    original,
    table,
    rows,
  }: { readonly original: ParquetTable; readonly table: ParquetTable; readonly rows: number },
  { keys, request }: Pick<Wanted, 'keys' | 'request'>,
): Promise<Spine> => {
  const { names } = original;
  const wanted = [TIME, ...keys, ...request];
  const readings = wanted.map((named) => readingOf(named, table, rows));
  const [time, ...columns] = await readColumns(connection, query, readings, rows);
  const read = columns as readonly ReadColumn[];
  const times = (time as ReadColumn).values() as Float64Array;
  const inUtc = new Set(
    wanted.filter(({ type }) => type.base === 'timestamp').map(({ name }) => name),
  );
  const untyped = columnKind(original.types[names.indexOf(TIME_COLUMN)] as string) !== 'time';
  return {
    names,
    rows,
    times,
    keys: Object.fromEntries(keys.map(({ name }, i) => [name, (read[i] as ReadColumn).coded()])),
    request: Object.fromEntries(
      request.map(({ name, type }, i) => [
        name,
        { type, values: (read[keys.length + i] as ReadColumn).values() },
      ]),
    ),
    kept: names.map((name, i) => ({
      ...keptColumn(i, original, table, inUtc.has(name)),
      ...(name === TIME_COLUMN && untyped ? { typed: { type: TIME_TYPE, values: times } } : {}),
    })),
    lines: null,
  };
};

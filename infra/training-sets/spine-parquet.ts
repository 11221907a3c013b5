/** A spine from a Parquet file: its columns keep their types. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { fail, MillraceError } from '#domain/errors.ts';
import { columnKind } from '#domain/sql/duckdb/column-kind.ts';
import { columnName, parquetCount, parquetRows } from '#domain/sql/duckdb/parquet-files.ts';
import {
  needsExactNanos,
  type ParquetTable,
  parquetTable,
  type Query,
  tableWithoutZones,
} from '#domain/sql/duckdb/parquet-table.ts';
import { refuseRowsAbove } from '#domain/training-sets/row-memory.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import { naiveCopy } from '#infra/shared/files/naive-copy.ts';
import type { OutputFormat } from './output-file.ts';
import { readColumns, readingOf, TIME } from './parquet-readings.ts';
import { type KeptColumn, ROW_COLUMN, SPINE_TABLE, type Spine } from './spine.ts';
import type { ReadColumn } from './spine-columns.ts';
import { TIME_TYPE, type Wanted } from './spine-reader.ts';
import { checkNames, checkParquetNames } from './spine-refusals.ts';

/** @throws MR_SPINE_INVALID where a column would not be what it is in the file */
const checkReadable = ({ names, unreadable }: ParquetTable): void => {
  unreadable.forEach((why, i) => {
    if (why !== null)
      fail('MR_SPINE_INVALID', `column ${JSON.stringify(names[i])} of the spine ${why}`, {
        column: names[i],
      });
  });
};

const load = async (
  connection: DuckDBConnection,
  query: Query,
  path: string,
  columns: number,
): Promise<number> => {
  await connection.run(
    `CREATE TABLE ${SPINE_TABLE} AS SELECT *, row_number() OVER () - 1 AS ${ROW_COLUMN} FROM ${parquetRows(path, columns)}`,
  );
  const [counted] = await query(`SELECT count(*)::DOUBLE FROM ${SPINE_TABLE}`);
  const [written] = await query(parquetCount([path]));
  const rows = Number(counted?.[0]);
  if (rows !== Number(written?.[0]))
    throw new MillraceError(
      'MR_INTERNAL',
      `the spine has ${Number(written?.[0])} rows, and ${rows} were loaded`,
    );
  if (rows === 0) fail('MR_SPINE_INVALID', 'the spine has no rows: give at least one', {});
  return rows;
};

/** The file, or a copy of it whose times are exact. */
const exactFile = async (
  query: Query,
  path: string,
  table: ParquetTable,
  wanted: readonly NamedType[],
): Promise<{ readonly path: string; readonly table: ParquetTable; remove(): Promise<void> }> => {
  const columns = wanted.map(({ name }) => table.names.indexOf(name));
  if (!(await needsExactNanos(query, path, table, columns)))
    return { path, table, remove: async () => undefined };
  const copy = await naiveCopy(path);
  try {
    return { ...copy, table: await tableWithoutZones(query, copy.path, table) };
  } catch (error) {
    await copy.remove();
    throw error;
  }
};

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

export const parquetSpine = async (
  connection: DuckDBConnection,
  path: string,
  { keys, request, maxRows }: Wanted,
  output: OutputFormat | null,
): Promise<Spine> => {
  const query: Query = async (sql) => (await connection.runAndReadAll(sql)).getRows();
  const original = await parquetTable(query, path);
  const { names } = original;
  checkNames(names, keys, request);
  if (output === 'parquet') checkParquetNames(names);
  checkReadable(original);
  const [counted] = await query(parquetCount([path]));
  refuseRowsAbove(maxRows, Number(counted?.[0] ?? 0));
  const wanted = [TIME, ...keys, ...request];
  const file = await exactFile(query, path, original, wanted);
  const { table } = file;
  const rows = await load(connection, query, file.path, names.length).finally(file.remove);
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

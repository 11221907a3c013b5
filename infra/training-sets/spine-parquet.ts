/** A spine from a Parquet file: its columns keep their types. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { fail, MillraceError } from '#domain/errors.ts';
import { parquetCount, parquetRows } from '#domain/sql/duckdb/parquet-files.ts';
import {
  needsExactNanos,
  type ParquetTable,
  parquetTable,
  type Query,
  tableWithoutZones,
} from '#domain/sql/duckdb/parquet-table.ts';
import { refuseRowsAbove } from '#domain/training-sets/row-memory.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import { naiveCopy } from '#infra/shared/files/naive-copy.ts';
import type { OutputFormat } from './output-file.ts';
import { TIME } from './parquet-readings.ts';
import { ROW_COLUMN, SPINE_TABLE, type Spine } from './spine.ts';
import type { Wanted } from './spine-reader.ts';
import { checkNames, checkParquetNames } from './spine-refusals.ts';
import { tableSpine } from './spine-table.ts';

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

export const parquetSpine = async (
  connection: DuckDBConnection,
  path: string,
  { keys, request, maxRows, signal }: Wanted,
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
  signal?.throwIfAborted();
  return tableSpine(connection, query, { original, table, rows }, { keys, request });
};

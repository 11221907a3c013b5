/**
 * A DuckDB with the tables of one statement and nothing else: in memory, without extensions to
 * load, and, before the statement is run, without access to any file but those of its tables and
 * without settings that could be changed.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { SqlFiles, SqlTable } from '#domain/ports/sql-engine.ts';
import { identifier, literal } from '#domain/sql/duckdb/names.ts';
import { parquetByFieldId } from '#domain/sql/duckdb/parquet-files.ts';
import { DUCKDB_ROLLUPS } from '#domain/sql/tables/duckdb.ts';
import { rollupRows } from '#domain/sql/tables/rollup-rows.ts';
import { sqlType } from '#infra/shared/iceberg/parquet-scan.ts';

export const openSession = async (memoryLimit: string): Promise<DuckDBConnection> => {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: memoryLimit,
    threads: '1',
    // What does not fit in memory is refused, not written to the disk.
    temp_directory: '',
    max_temp_directory_size: '0KB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_unsigned_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  return connection;
};

/** Its files as paths on the local disk. */
export type OpenedTable = SqlTable;

type Column = SqlFiles['columns'][number];

const NULL = ({ type }: Column): string => `NULL::${sqlType(type)}`;

const selected = (columns: readonly Column[], value: (column: Column, i: number) => string) =>
  columns.map((column, i) => `${value(column, i)} AS ${identifier(column.name)}`).join(', ');

const below = ({ columns, below: cut }: OpenedTable): string => {
  if (cut === undefined) return '';
  const own = (wanted: string): string => `c${columns.findIndex(({ name }) => name === wanted)}`;
  const each = cut.offsets.map(
    (offset, partition) =>
      `(${own(cut.partition)} = ${partition} AND ${own(cut.offset)} < ${offset})`,
  );
  return ` WHERE ${each.length === 0 ? 'false' : each.join(' OR ')}`;
};

const storedRows = ({ columns, files }: SqlFiles, where = ''): string => {
  if (files.length === 0) return `SELECT ${selected(columns, NULL)} WHERE false`;
  // A column of a user may have any name, so here each has one of its own.
  const fields = columns.flatMap(({ fieldId, type }, i) =>
    fieldId === null ? [] : [{ id: fieldId, name: `c${i}`, type: sqlType(type) }],
  );
  const value = (column: Column, i: number): string =>
    column.fieldId === null ? NULL(column) : `c${i}`;
  return `SELECT ${selected(columns, value)} FROM ${parquetByFieldId(files, fields)}${where}`;
};

const rowsOf = (table: OpenedTable): string => {
  const { rollup } = table;
  const sql = storedRows(table, below(table));
  if (rollup === undefined) return sql;
  const columns = table.columns.map(({ name }) => name);
  return rollupRows(DUCKDB_ROLLUPS, { sql, columns }, rollup, (longer) => storedRows(longer));
};

const filesOf = ({ files, rollup }: OpenedTable): readonly string[] =>
  rollup?.rows === 'history' ? [...files, ...(rollup.longer?.files ?? [])] : files;

/** Makes the tables and locks the session, which then runs what a user wrote. */
export const lockWith = async (
  connection: DuckDBConnection,
  tables: readonly OpenedTable[],
): Promise<void> => {
  for (const table of tables)
    await connection.run(`CREATE VIEW ${identifier(table.name)} AS ${rowsOf(table)}`);
  const files = tables.flatMap(filesOf);
  await connection.run(`SET allowed_paths = [${files.map(literal).join(', ')}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
};

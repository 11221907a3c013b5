/** One of two files that are compared, as a table of DuckDB, which spills what does not fit. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { fail } from '#domain/errors.ts';
import { cellText } from '#domain/files/csv-block.ts';
import { csvBlocks } from '#domain/files/csv-rows.ts';
import type { CsvHeader } from '#domain/files/csv-table.ts';
import { readCell } from '#domain/files/file-cell.ts';
import { columnName, parquetRows } from '#domain/sql/duckdb/parquet-files.ts';
import { parquetTable } from '#domain/sql/duckdb/parquet-table.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import { fieldType } from '#domain/values/field-type.ts';
import { formatTime } from '#domain/values/time.ts';
import { readTextFile } from '#infra/shared/files/text-file.ts';
import { outputFormat } from './output-file.ts';
import { createTable, type TableFiller } from './result-table.ts';
import { TIME_TYPE } from './spine-reader.ts';

export interface DiffSide {
  /** a relation with the columns c0, c1, …, and the number of the row */
  readonly from: string;
  readonly names: readonly string[];
  /** DuckDB's, by column */
  readonly types: readonly string[];
  /** an expression of the time that is equal for equal times */
  readonly time: { readonly sql: string; readonly type: string };
}

export const ROW_NUMBER = 'row_no';

const ZONED = 'TIMESTAMP WITH TIME ZONE';

const parquetSide = async (
  connection: DuckDBConnection,
  table: string,
  path: string,
): Promise<DiffSide> => {
  const { names, types } = await parquetTable(
    async (sql) => (await connection.runAndReadAll(sql)).getRows(),
    path,
  );
  await connection.run(
    `CREATE TABLE ${table} AS SELECT *, row_number() OVER () - 1 AS ${ROW_NUMBER} FROM ${parquetRows(path, names.length)}`,
  );
  const at = names.indexOf(TIME_COLUMN);
  const [column, type] = [columnName(at), types[at] as string];
  const sql = type === ZONED ? column : `timezone('UTC', CAST(${column} AS TIMESTAMP))`;
  return { from: table, names, types, time: { sql, type: ZONED } };
};

const TEXT = fieldType('string', true);

/** All cells are texts; a time has one form, however it is written. */
const csvSide = async (
  connection: DuckDBConnection,
  table: string,
  path: string,
): Promise<DiffSide> => {
  let header: CsvHeader | null = null;
  const blocks = csvBlocks(
    readTextFile(path, (what) => fail('MR_DATASET_FAILED', `${path} ${what}`, { file: path })),
    {
      refuse: (line, what) =>
        fail('MR_DATASET_FAILED', `${path}, line ${line}: ${what}`, { file: path, line }),
      delimiter: ',',
      onHeader(found) {
        header = found;
        return found.names.indexOf(TIME_COLUMN);
      },
    },
  );
  let names: readonly string[] = [];
  let filler: TableFiller | null = null;
  for await (const block of blocks) {
    if (header === null) continue;
    ({ names } = header as CsvHeader);
    const columns = names.length;
    const timeAt = names.indexOf(TIME_COLUMN);
    filler ??= await createTable(
      connection,
      table,
      Array.from({ length: columns + 1 }, () => TEXT),
    );
    for (let row = 0; row < block.rows; row++) {
      const first = block.firstCells[row] as number;
      for (let i = 0; i < columns; i++) filler.set(i, cellText(block, first + i));
      const text = cellText(block, first + timeAt);
      const ms = text === null ? undefined : readCell(TIME_TYPE, text);
      filler.set(columns, typeof ms === 'number' ? formatTime(ms) : text);
      filler.next();
    }
  }
  filler?.close();
  return {
    from: `(SELECT *, rowid AS ${ROW_NUMBER} FROM ${table})`,
    names,
    types: names.map(() => 'VARCHAR'),
    time: { sql: columnName(names.length), type: 'VARCHAR' },
  };
};

export const diffSide = (
  connection: DuckDBConnection,
  table: string,
  path: string,
): Promise<DiffSide> =>
  (outputFormat(path) === 'csv' ? csvSide : parquetSide)(connection, table, path);

/** Writes a Parquet file's rows as CSV. */
import { CSV_LINES, csvCell, csvLines, csvName } from '#domain/sql/duckdb/csv-text.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import { columnName, parquetRows } from '#domain/sql/duckdb/parquet-files.ts';
import { parquetTable } from '#domain/sql/duckdb/parquet-table.ts';
import { queryOf, withDuckDb } from './duckdb.ts';

export const parquetToCsv = (file: string, out: string): Promise<void> =>
  withDuckDb(file, async (connection) => {
    const { names, types } = await parquetTable(queryOf(connection), file);
    const cells = types.map((type, i) => csvCell(columnName(i), type));
    const lines = csvLines(names.map(csvName).join(','), cells, parquetRows(file, names.length));
    await connection.run(`COPY (${lines}) TO ${literal(out)} (${CSV_LINES})`);
  });

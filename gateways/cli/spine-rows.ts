/** The rows of a spine, for a server on another machine, which cannot open the file. */
import { fail } from '#domain/errors.ts';
import { csvRows } from '#domain/files/csv-rows.ts';
import { delimiterOfName, formatOfName } from '#domain/files/file-kind.ts';
import { columnKind } from '#domain/sql/duckdb/column-kind.ts';
import { jsonText } from '#domain/sql/duckdb/csv-text.ts';
import { columnName, parquetRows } from '#domain/sql/duckdb/parquet-files.ts';
import { parquetTable } from '#domain/sql/duckdb/parquet-table.ts';
import { queryOf, withDuckDb } from './duckdb.ts';
import { readPieces, requireRegularFile } from './publish/read-pieces.ts';

type SpineRow = Readonly<Record<string, unknown>>;

const csvSpine = async (file: string): Promise<readonly SpineRow[]> => {
  const refuse = (line: number, what: string): never =>
    fail('MR_SPINE_INVALID', `the spine ${file}, line ${line}: ${what}`, { file, line });
  let names: readonly string[] = [];
  const all: SpineRow[] = [];
  const rows = csvRows(readPieces(file), {
    refuse,
    delimiter: delimiterOfName(file),
    onHeader: (header) => {
      ({ names } = header);
      return names.indexOf('event_timestamp');
    },
  });
  for await (const some of rows)
    for (const { cells } of some)
      all.push(Object.fromEntries(names.map((name, i) => [name, cells[i] ?? null])));
  return all;
};

/** JSON that a number of JavaScript cannot round: digits that it has not are a text. */
const exactJson = (sql: string, type: string): string => {
  const kind = columnKind(type);
  const json = jsonText(sql, type);
  if (kind === 'decimal') return `'"' || ${json} || '"'`;
  if (kind !== 'whole') return json;
  return `(CASE WHEN TRY_CAST(${sql} AS BIGINT) BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER} THEN ${json} ELSE '"' || ${json} || '"' END)`;
};

const parquetSpine = (file: string): Promise<readonly SpineRow[]> =>
  withDuckDb(file, async (connection) => {
    const query = queryOf(connection);
    const { names, types } = await parquetTable(query, file);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined)
      fail('MR_SPINE_INVALID', `the spine has two columns ${JSON.stringify(twice)}: rename one`, {
        column: twice,
      });
    const cells = types.map((type, i) => `coalesce(${exactJson(columnName(i), type)}, 'null')`);
    const rows = await query(
      `SELECT '[' || ${cells.join(` || ',' || `)} || ']' FROM ${parquetRows(file, names.length)}`,
    );
    return rows.map(([row]) => {
      const values = JSON.parse(String(row)) as readonly unknown[];
      return Object.fromEntries(names.map((name, i) => [name, values[i]]));
    });
  });

export const spineRows = async (file: string): Promise<readonly SpineRow[]> => {
  await requireRegularFile(file);
  return formatOfName(file) === 'parquet' ? parquetSpine(file) : csvSpine(file);
};

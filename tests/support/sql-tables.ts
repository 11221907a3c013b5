/** Tables of an SQL engine's tests, as Parquet files in a directory of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { SqlTable } from '#domain/ports/sql-engine.ts';
import { fileUri } from '#infra/files/file-uri.ts';

export interface SqlTestTables {
  readonly directory: string;
  readonly numbers: SqlTable;
  readonly older: SqlTable;
  /** a file of no table */
  readonly secret: string;
  readonly remove: () => void;
}

const columns: SqlTable['columns'] = [
  { name: 'n', field: 'n', fieldId: 1, type: 'long' },
  { name: 'text', field: 'text', fieldId: 2, type: 'string' },
  { name: 'partition', field: 'partition', fieldId: 3, type: 'int' },
  { name: 'offset', field: 'offset', fieldId: 4, type: 'long' },
];

export const sqlTestTables = async (): Promise<SqlTestTables> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-sql-'));
  const path = (name: string): string => join(directory, name);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const write = (select: string, name: string, ids: string): Promise<unknown> =>
    connection.run(`COPY (${select}) TO '${path(name)}' (FORMAT parquet, FIELD_IDS {${ids}})`);
  const place = 'range % 2 AS p, range // 2 AS o FROM range(5000)';
  await write(
    `SELECT range AS n, 'n' || range AS t, ${place}`,
    'n.parquet',
    'n: 1, t: 2, p: 3, o: 4',
  );
  await write(`SELECT range AS n, ${place}`, 'older.parquet', 'n: 1, p: 3, o: 4');
  await write(`SELECT 'secret' AS s`, 'secret.parquet', 's: 1');
  connection.closeSync();
  instance.closeSync();
  const table = (name: string, file: string): SqlTable => ({
    name,
    columns,
    files: [fileUri(path(file))],
    stored: null,
  });
  return {
    directory,
    numbers: table('numbers', 'n.parquet'),
    older: table('older', 'older.parquet'),
    secret: path('secret.parquet'),
    remove: () => rmSync(directory, { recursive: true }),
  };
};

/** Writes small files of raw events, feature updates and spines, and reads what was written. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { literal } from '#domain/sql/duckdb/names.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';

export interface Workplace {
  readonly directory: string;
  path(name: string): string;
  /** writes a query's rows, as Parquet or CSV by the extension */
  write(name: string, sql: string): Promise<string>;
  rows(path: string): Promise<readonly (readonly unknown[])[]>;
  query(sql: string): Promise<readonly (readonly unknown[])[]>;
  close(): void;
}

export const workplace = async (): Promise<Workplace> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-datasets-'));
  const duckDb = await openDuckDb({});
  const connection = await duckDb.connect();
  await connection.run('SET preserve_insertion_order = true');
  const path = (name: string): string => join(directory, name);
  const query = async (sql: string): Promise<readonly (readonly unknown[])[]> =>
    (await connection.runAndReadAll(sql)).getRowsJson();
  return {
    directory,
    path,
    query,
    async write(name, sql) {
      await connection.run(
        `COPY (${sql}) TO ${literal(path(name))} (FORMAT ${name.endsWith('.csv') ? 'csv' : 'parquet'})`,
      );
      return path(name);
    },
    rows: (file) => query(`SELECT * FROM ${literal(file)}`),
    close() {
      connection.closeSync();
      duckDb.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

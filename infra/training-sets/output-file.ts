/**
 * Writes a query's rows to a Parquet or CSV file that a user named: whole under its name, or not at
 * all. Output files are on the local disk and not part of the warehouse, so this module, and no
 * other here, writes files without FileIO.
 */
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { fail, MillraceError } from '#domain/errors.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import { isDiskFull, makeDirectory, syncPath } from '#infra/shared/files/durable-file.ts';

export type OutputFormat = 'parquet' | 'csv';

export const outputFormat = (path: string): OutputFormat => {
  const extension = extname(path).toLowerCase();
  if (extension === '.parquet') return 'parquet';
  if (extension === '.csv') return 'csv';
  return fail('MR_BODY_INVALID', `the output file "${path}" ends in neither .parquet nor .csv`, {
    out: path,
  });
};

/** Where the rows are written first: beside the output, so that a rename moves them. */
export const temporaryPath = (path: string, id: string = randomUUID()): string =>
  join(dirname(path), `.${basename(path)}.${id}.tmp`);

export const writeQuery = async (
  connection: DuckDBConnection,
  sql: string,
  path: string,
  temporary = temporaryPath(path),
  signal?: AbortSignal,
): Promise<void> => {
  const options =
    outputFormat(path) === 'parquet'
      ? 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536'
      : 'FORMAT csv, HEADER true';
  try {
    await makeDirectory(dirname(path));
    await connection.run(`COPY (${sql}) TO ${literal(temporary)} (${options})`);
    signal?.throwIfAborted();
    await syncPath(temporary);
    await rename(temporary, path);
    await syncPath(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    if (isDiskFull(error))
      throw new MillraceError(
        'MR_DISK_FULL',
        `the disk that holds ${path} is full; no part of the file was kept`,
        { path },
      );
    throw error;
  }
};

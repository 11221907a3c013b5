/**
 * Writes rows to a Parquet or CSV file that a user named: whole under its name, or not at
 * all. Output files are on the local disk and not part of the warehouse, so this module, and no
 * other here, writes files without FileIO.
 */
import { randomUUID } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { link, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { fail, MillraceError } from '#domain/errors.ts';
import { CSV_LINES, csvCell, csvLines, csvName } from '#domain/sql/duckdb/csv-text.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import { selectAs } from '#domain/sql/duckdb/parquet-files.ts';
import { isDiskFull, makeDirectory, syncPath } from '#infra/shared/files/durable-file.ts';
import { outputExists } from './user-files.ts';

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

/** Where an engine's files of a join are: among what is spilled beside the temporary file. */
export const joinDirectory = (path: string): string => join(`${path}.spill`, 'join');

/** Removes a temporary file, and what was spilled beside it. */
export const discard = async (path: string): Promise<void> => {
  await rm(path, { force: true });
  await rm(`${path}.spill`, { recursive: true, force: true });
};

export interface OutputColumn {
  readonly name: string;
  /** an expression over `from` */
  readonly sql: string;
  /** DuckDB's type of it */
  readonly type: string;
  /** a timestamp without a zone that is one in UTC */
  readonly zoned?: boolean;
}

export interface OutputRows {
  readonly from: string;
  readonly columns: readonly OutputColumn[];
  /** for CSV: text that comes first in each line, as it is */
  readonly lines?: { readonly header: string; readonly sql: string } | null;
  /** how many rows `from` must have */
  readonly rows: number;
}

const querySql = ({ from, columns, lines = null }: OutputRows, format: OutputFormat): string => {
  if (format === 'parquet') return `COPY (SELECT ${selectAs(columns)} FROM ${from}) TO`;
  const names = columns.map(({ name }) => csvName(name));
  const header = [...(lines === null ? [] : [lines.header]), ...names].join(',');
  const cells = columns.map(({ sql, type, zoned }) => csvCell(sql, type, zoned));
  return `COPY (${csvLines(header, [...(lines === null ? [] : [lines.sql]), ...cells], from)}) TO`;
};

const OPTIONS: Readonly<Record<OutputFormat, string>> = {
  parquet: 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536',
  csv: CSV_LINES,
};

export interface WriteOptions {
  readonly temporary?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** whether a file of that name is replaced; default: that is refused */
  readonly overwrite?: boolean | undefined;
  /** called with the whole file before it gets its name, which it does not if this throws */
  readonly inspect?: ((file: string, output: OutputRows) => Promise<void>) | undefined;
}

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Gives a finished file its name. A file that got the name in the meantime stays as it is. */
const giveName = async (temporary: string, path: string, overwrite: boolean): Promise<void> => {
  if (overwrite) return rename(temporary, path);
  try {
    await link(temporary, path);
    await rm(temporary);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') outputExists(path);
    if (!NO_LINKS.has(code)) throw error;
    // A file system without links: there is a moment between the look and the rename.
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) outputExists(path);
    await rename(temporary, path);
  }
};

export const writeRows = async (
  connection: DuckDBConnection,
  output: OutputRows,
  path: string,
  options: WriteOptions = {},
): Promise<void> => {
  const { temporary = temporaryPath(path), signal, overwrite = false, inspect } = options;
  const format = outputFormat(path);
  try {
    await makeDirectory(dirname(path));
    const copied = await connection.runAndReadAll(
      `${querySql(output, format)} ${literal(temporary)} (${OPTIONS[format]})`,
    );
    const count = Number(copied.getRows()[0]?.[0]);
    if (count !== output.rows)
      throw new MillraceError(
        'MR_INTERNAL',
        `${path} must have ${output.rows} rows, and ${count} were written`,
        { path },
      );
    signal?.throwIfAborted();
    await inspect?.(temporary, output);
    signal?.throwIfAborted();
    await syncPath(temporary);
    await giveName(temporary, path, overwrite);
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

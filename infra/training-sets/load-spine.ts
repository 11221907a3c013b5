/** Loads a spine: all its columns, in its order. */
import { stat } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { fail } from '#domain/errors.ts';
import { formatOfName } from '#domain/files/file-kind.ts';
import type { TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import type { OutputFormat } from './output-file.ts';
import type { Spine } from './spine.ts';
import { csvSpine } from './spine-csv.ts';
import { parquetSpine } from './spine-parquet.ts';
import type { Wanted } from './spine-reader.ts';
import { rowsSpine } from './spine-rows.ts';

/** A pipe is read only once and a device has no end. */
const requireFile = async (path: string): Promise<void> => {
  const refuse = (what: string): never =>
    fail('MR_SPINE_INVALID', `${what}: give the path of a Parquet or CSV file`, { file: path });
  const found = await stat(path).catch((error: NodeJS.ErrnoException) =>
    refuse(error.code === 'ENOENT' ? `there is no file "${path}"` : error.message),
  );
  if (found.isDirectory()) refuse(`the spine "${path}" is a directory`);
  if (!found.isFile()) refuse(`the spine "${path}" is not a regular file`);
};

const fromFile = async (
  connection: DuckDBConnection,
  path: string,
  wanted: Wanted,
  output: OutputFormat | null,
): Promise<Spine> => {
  const format = formatOfName(path);
  if (format !== 'parquet' && format !== 'csv')
    return fail(
      'MR_SPINE_INVALID',
      `the spine "${path}" ends in neither .parquet nor .csv: give one of these`,
      { file: path },
    );
  await requireFile(path);
  if (format === 'csv') return csvSpine(connection, path, wanted, output);
  try {
    return await parquetSpine(connection, path, wanted, output);
  } catch (error) {
    if (error instanceof Error && error.name === 'MillraceError') throw error;
    const [line] = String((error as Error).message).split('\n\n');
    return fail(
      'MR_SPINE_INVALID',
      `the spine "${path}" cannot be read: ${line}. Correct the file, or write it again`,
      { file: path },
    );
  }
};

/** @param output the format of the output that keeps the columns; null: none does */
export const loadSpine = (
  connection: DuckDBConnection,
  spine: TrainingSetJob['spine'],
  wanted: Wanted,
  output: OutputFormat | null,
): Promise<Spine> =>
  'file' in spine
    ? fromFile(connection, spine.file, wanted, output)
    : rowsSpine(connection, spine.rows, wanted, output);

/** Loads a spine: all its columns, in its order. */
import { stat } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { fail } from '#domain/errors.ts';
import { formatOfName, isArrowName } from '#domain/files/file-kind.ts';
import type { TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import { rowsThatFit } from '#domain/training-sets/row-memory.ts';
import type { TrainingSetPlan } from '#domain/training-sets/training-set-plan.ts';
import type { OutputFormat } from './output-file.ts';
import type { Spine } from './spine.ts';
import { csvSpine } from './spine-csv.ts';
import { eventsSpine } from './spine-events.ts';
import { gridSpine } from './spine-grid.ts';
import { parquetSpine } from './spine-parquet.ts';
import type { Wanted } from './spine-reader.ts';
import { rowsSpine } from './spine-rows.ts';

/** A pipe is read only once and a device has no end. */
export const requireFile = async (path: string): Promise<void> => {
  const refuse = (what: string): never =>
    fail('MR_SPINE_INVALID', `${what}: give the path of a Parquet, CSV or Arrow file`, {
      file: path,
    });
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
  if (isArrowName(path)) {
    await requireFile(path);
    // Arrow's library takes a tenth of a second to load.
    const { arrowSpine } = await import('./spine-arrow.ts');
    return arrowSpine(connection, path, wanted, output);
  }
  const format = formatOfName(path);
  if (format !== 'parquet' && format !== 'csv')
    return fail(
      'MR_SPINE_INVALID',
      `the spine "${path}" ends in neither .parquet nor .csv nor .arrow: give one of these`,
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

/**
 * @param output the format of the output that keeps the columns; null: none does
 * @throws the reason of the signal, soon after it is aborted
 */
export const loadSpine = (
  connection: DuckDBConnection,
  job: Pick<TrainingSetJob, 'spine' | 'spineSource' | 'sources' | 'periods' | 'rowMemory'>,
  plan: TrainingSetPlan,
  output: OutputFormat | null,
  signal?: AbortSignal,
): Promise<Spine> => {
  const { spine, spineSource: source } = job;
  const wanted: Wanted = {
    keys: plan.keys,
    request: plan.request,
    maxRows: Math.min(
      rowsThatFit(plan, job.rowMemory),
      job.periods?.maxRows ?? Number.POSITIVE_INFINITY,
    ),
    signal,
  };
  if ('file' in spine) return fromFile(connection, spine.file, wanted, output);
  if ('rows' in spine) return rowsSpine(connection, spine.rows, wanted, output);
  if ('grid' in spine) return gridSpine(connection, spine.grid, job, plan, wanted);
  const raw = job.sources[spine.events.source];
  if (source === undefined || raw === undefined)
    return fail('MR_DATASET_FAILED', 'the job of the data set has no source of its spine', {});
  return eventsSpine(connection, spine.events, { source, raw }, plan, wanted);
};

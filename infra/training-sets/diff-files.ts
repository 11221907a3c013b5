/** Compares two outputs in an instance of DuckDB of their own, with a limit on its memory. */
import { rm } from 'node:fs/promises';
import type { RowDiff } from '#domain/datasets/row-diff.ts';
import { MillraceError } from '#domain/errors.ts';
import type { RowDiffRequest } from '#domain/ports/training-set-builder.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { interruptOnAbort } from '#infra/shared/duckdb/interrupt.ts';
import { isDiskFull } from '#infra/shared/files/durable-file.ts';
import { diffRows } from './diff-rows.ts';

const ended = (): Error => new DOMException('The comparison was ended.', 'AbortError');

/**
 * @param spill a directory for what does not fit in memory; it is removed
 * @throws as TrainingSetBuilder.diffRows
 */
export const diffFiles = async (
  { files, keys, examples, signal }: RowDiffRequest,
  spill: string,
  memoryLimit = '512MB',
): Promise<RowDiff> => {
  const duckDb = await openDuckDb({ memoryLimit, threads: 2, spillDirectory: spill });
  const connection = await duckDb.connect();
  const done = interruptOnAbort(connection, signal);
  try {
    signal?.throwIfAborted();
    return await diffRows(connection, files, {
      keys,
      examples,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw ended();
    if (isDiskFull(error))
      throw new MillraceError(
        'MR_DISK_FULL',
        `the disk of ${spill} is full: two data sets that are compared need it for what does not fit in memory`,
      );
    throw error;
  } finally {
    done();
    connection.closeSync();
    duckDb.close();
    await rm(spill, { recursive: true, force: true });
  }
};

/**
 * The memory that the rows of a training set take while they are joined. The spine's own columns
 * and the output are not in it: those are DuckDB's, which spills what does not fit. Texts are
 * counted by their references: each distinct one is there once.
 */
import { fail } from '#domain/errors.ts';
import type { TrainingSetPlan } from './training-set-plan.ts';

/** What one training set may take for its rows. */
export const ROW_MEMORY_BYTES = 2 * 2 ** 30;

/** time, time of the read, order, sorted time */
const TIME_BYTES = 8 + 8 + 4 + 8;
const CODE_BYTES = 4;
const VALUE_BYTES = 8;

export const bytesOfRow = ({ keys, request, values, columns }: TrainingSetPlan): number =>
  TIME_BYTES +
  2 * CODE_BYTES * (keys.length + 1) +
  VALUE_BYTES * (request.length + values.length) +
  columns.filter(({ status }) => status !== null).length;

export const rowsThatFit = (plan: TrainingSetPlan, bytes = ROW_MEMORY_BYTES): number =>
  Math.floor(bytes / bytesOfRow(plan));

/** @throws MR_DATASET_TOO_LARGE */
export const refuseRowsAbove = (maxRows: number, rows: number): void => {
  if (rows > maxRows)
    fail(
      'MR_DATASET_TOO_LARGE',
      `the data set would have ${rows} rows or more, and the memory for its rows is enough for ${maxRows}: make several data sets of at most that many rows`,
      { rows, maxRows },
    );
};

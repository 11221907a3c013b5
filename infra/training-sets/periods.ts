/** Rows that are ends of half-open periods: what is read for them, and which are written. */
import { instantsOf } from '#domain/datasets/check-spine.ts';
import { coveredFrom } from '#domain/plan/covered-from.ts';
import type { TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import type { TrainingSetPlan } from '#domain/training-sets/training-set-plan.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { EventScan } from './event-files.ts';
import type { WrittenColumn } from './results.ts';

type Job = Pick<TrainingSetJob, 'spine' | 'periods'>;

/**
 * The event times of all events that can change a row; absent: all events are read. So a rollup of
 * yesterday does not read the years before.
 */
export const periodsRead = (
  { spine, periods }: Job,
  { views }: TrainingSetPlan,
): EventScan['within'] => {
  if (periods === undefined || !('grid' in spine)) return undefined;
  const { from, every } = spine.grid;
  return {
    from: Math.min(...views.map(({ plan }) => coveredFrom(plan, from))),
    before: from + (instantsOf(spine.grid) - 1) * every,
  };
};

/** By row, whether it is written; undefined: all are. */
export const marksOf = ({ periods }: Job, rows: number): Float64Array | undefined =>
  periods === undefined ? undefined : new Float64Array(rows);

export const countMarked = (marks: Float64Array): number =>
  marks.reduce((sum, mark) => sum + mark, 0);

/** The marks as a column of the results, which is not written itself. */
export const markColumn = (marks: Float64Array): Omit<WrittenColumn, 'name'> => ({
  type: fieldType('int'),
  values: marks,
});

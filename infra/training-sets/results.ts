/** The results of a training set: what the joins fill, and the columns that are written of it. */
import { fail } from '#domain/errors.ts';
import type { PlannedValues } from '#domain/ports/training-set-builder.ts';
import { type ResultValues, resultValues } from '#domain/training-sets/columns.ts';
import {
  STATUS_TYPE,
  type StatusCodes,
  statusCodes,
  statusesOfValues,
} from '#domain/training-sets/statuses.ts';
import type { TrainingSetPlan } from '#domain/training-sets/training-set-plan.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import type { PartResult, ViewTask } from './join-part.ts';

/** of a planned value */
export type Result = PlannedValues;

export interface Results {
  /** by planned value */
  readonly values: readonly Result[];
  /** by row, whether it is written; absent: all are */
  readonly marks?: Float64Array | undefined;
}

export interface WrittenColumn {
  readonly name: string;
  readonly type: FieldType;
  readonly values: ResultValues | StatusCodes;
}

/** By planned value: every value null, every status not-found. */
export const emptyResults = (plan: TrainingSetPlan, rows: number): readonly Result[] => {
  const wanted = new Set(
    plan.columns.flatMap(({ value, status }) => (status === null ? [] : [value])),
  );
  return plan.values.map(({ from, type }, i) => ({
    values: resultValues(type, rows),
    // Those of on-demand features follow from their values.
    ...(from === 'feature' && wanted.has(i) ? { statuses: statusCodes(rows) } : {}),
  }));
};

const scatter = <T>(from: readonly T[], rows: Uint32Array, into: T[]): void => {
  for (let i = 0; i < rows.length; i++) into[rows[i] as number] = from[i] as T;
};
const scatterNumbers = <T extends Float64Array | Uint8Array>(
  from: T,
  rows: Uint32Array,
  into: T,
): void => {
  for (let i = 0; i < rows.length; i++) into[rows[i] as number] = from[i] as number;
};

/** Puts what was joined of a view in a part. @param rows their numbers in the spine */
export const putPart = (
  { values, marks }: Results,
  { outputs }: ViewTask,
  rows: Uint32Array,
  found: PartResult,
): void => {
  for (const [i, { value }] of outputs.entries()) {
    const result = values[value] as Result;
    const [own, statuses] = [found.values[i] as ResultValues, found.statuses[i] ?? null];
    if (own instanceof Float64Array) scatterNumbers(own, rows, result.values as Float64Array);
    else scatter(own, rows, result.values as Value[]);
    if (statuses !== null) scatterNumbers(statuses, rows, result.statuses as StatusCodes);
  }
  if (found.marks !== null) scatterNumbers(found.marks, rows, marks as Float64Array);
};

/** Each feature, followed by its statuses where they are wanted. */
export const writtenColumns = (
  plan: TrainingSetPlan,
  results: readonly Result[],
): readonly WrittenColumn[] =>
  plan.columns.flatMap(({ name, type, value, status }): WrittenColumn[] => {
    const { values, statuses } = results[value] as Result;
    const column = { name, type, values };
    if (status === null) return [column];
    return [
      column,
      { name: status, type: STATUS_TYPE, values: statuses ?? statusesOfValues(values) },
    ];
  });

/** @throws MR_SPINE_INVALID where a column of the spine has the name of a result */
export const refuseCollisions = (plan: TrainingSetPlan, spine: readonly string[]): void => {
  const names = new Map(spine.map((name) => [name.toLowerCase(), name]));
  const refuse = (column: string | null, what: string): void => {
    const taken = column === null ? undefined : names.get(column.toLowerCase());
    if (taken !== undefined)
      fail(
        'MR_SPINE_INVALID',
        `the spine has a column "${taken}", and the data set has ${what}: rename the column`,
        { column: taken },
      );
  };
  for (const { name, status } of plan.columns) {
    refuse(name, `a feature "${name}"`);
    refuse(status, `the statuses of "${name}" in a column "${status}"`);
  }
};

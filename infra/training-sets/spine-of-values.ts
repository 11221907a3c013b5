/** Rows of run-time values as a spine: there, a number that looks like seconds is no time. */
import {
  planTrainingSet,
  type TrainingSetTarget,
} from '#domain/training-sets/training-set-plan.ts';
import { formatTime, isTime } from '#domain/values/time.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { TIME_COLUMN } from './spine.ts';

const asText = (value: Value | undefined): Value | undefined =>
  typeof value === 'number' && isTime(value) ? formatTime(value) : value;

export const spineOfValues = (target: TrainingSetTarget, rows: readonly Row[]): readonly Row[] => {
  const { keys, request } = planTrainingSet(target);
  const times = [...keys, ...request].filter(
    ({ type }) => type.base === 'timestamp' && !type.array,
  );
  const names = [TIME_COLUMN, ...times.map(({ name }) => name)];
  return rows.map((row) => ({
    ...row,
    ...Object.fromEntries(
      names.flatMap((name) => {
        const value = asText(row[name]);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  }));
};

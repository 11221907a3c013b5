/** The spine of a training set, and run-time values as its rows. */
import { formatDate, isDate } from '#domain/values/date.ts';
import { formatTime, isTime } from '#domain/values/time.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { type NamedType, planTrainingSet, type TrainingSetTarget } from './training-set-plan.ts';

/** The column of a spine that has the time of each row. */
export const TIME_COLUMN = 'event_timestamp';

/** A time or a date as text; any other value as it is. */
export const asText = ({ base, array }: NamedType['type'], value: Value): Value => {
  if (typeof value !== 'number' || array) return value;
  if (base === 'timestamp' && isTime(value)) return formatTime(value);
  return base === 'date' && isDate(value) ? formatDate(value) : value;
};

/**
 * Times and dates become texts: as a number, a time can look like seconds, which a spine may not
 * have, and an output shows texts as they are.
 */
export const spineOfValues = (target: TrainingSetTarget, rows: readonly Row[]): readonly Row[] => {
  const { keys, request } = planTrainingSet(target);
  const time: NamedType = {
    name: TIME_COLUMN,
    type: { base: 'timestamp', array: false, nullable: false },
  };
  const types = new Map([...keys, ...request, time].map(({ name, type }) => [name, type]));
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => {
        const type = types.get(name);
        return [name, type === undefined ? value : asText(type, value)];
      }),
    ),
  );
};

/** Computes an on-demand feature for every row, from request inputs and from earlier values. */
import type { Row, Value } from '#domain/values/value.ts';
import { type ResultColumn, setValue, valueAt } from './columns.ts';
import type { PlannedValue } from './training-set-plan.ts';

type Column = Pick<ResultColumn, 'type' | 'values'>;

/**
 * @param into the column of `value`, which is filled
 * @param columns the columns of all planned values
 */
export const computeOnDemand = (
  value: PlannedValue & { readonly from: 'on-demand' },
  into: Column,
  columns: readonly Column[],
  request: Readonly<Record<string, Column>>,
): void => {
  const inputs = value.inputs.map(
    ({ parameter, from }) =>
      [
        parameter,
        ('value' in from ? columns[from.value] : request[from.request]) as Column,
      ] as const,
  );
  const row: Record<string, Value> = Object.fromEntries(
    inputs.map(([parameter]) => [parameter, null]),
  );
  for (let i = 0; i < into.values.length; i++) {
    for (const [parameter, column] of inputs) row[parameter] = valueAt(column, i);
    setValue(into.values, i, value.evaluate(row as Row));
  }
};

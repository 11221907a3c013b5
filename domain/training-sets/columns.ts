/** Result columns of a training set: one value for each row of the spine. */
import type { FieldType, Value } from '#domain/values/value.ts';

/**
 * Numbers, timestamps, dates and booleans (0, 1) as doubles, null as NaN (no value is NaN);
 * everything else as values.
 */
export type ResultValues = Float64Array | Value[];

export interface ResultColumn {
  readonly name: string;
  readonly type: FieldType;
  readonly values: ResultValues;
}

export const isNumberType = (type: FieldType): boolean =>
  !type.array && type.base !== 'string' && type.base !== 'bytes';

/** All null. */
export const resultValues = (type: FieldType, rows: number): ResultValues =>
  isNumberType(type) ? new Float64Array(rows).fill(Number.NaN) : new Array<Value>(rows).fill(null);

export const setValue = (values: ResultValues, row: number, value: Value): void => {
  if (values instanceof Float64Array) values[row] = value === null ? Number.NaN : (value as number);
  else values[row] = value;
};

export const valueAt = (
  { type, values }: Pick<ResultColumn, 'type' | 'values'>,
  row: number,
): Value => {
  const value = values[row] as Value;
  if (!(values instanceof Float64Array)) return value;
  if (Number.isNaN(value)) return null;
  return type.base === 'boolean' ? value === 1 : value;
};

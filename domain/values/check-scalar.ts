/** Whether a run-time value belongs to a type (null apart): the table of value.ts as code. */
import { isDate } from './date.ts';
import { isTime } from './time.ts';
import type { FieldType, ScalarType, Value } from './value.ts';

const CHECKS: Readonly<Record<ScalarType, (value: unknown) => boolean>> = {
  string: (v) => typeof v === 'string' && v.isWellFormed(),
  int: (v) => typeof v === 'number' && Number.isInteger(v) && v >= -2147483648 && v <= 2147483647,
  long: Number.isSafeInteger,
  float: (v) => typeof v === 'number' && Number.isFinite(Math.fround(v)),
  double: Number.isFinite,
  boolean: (v) => typeof v === 'boolean',
  timestamp: (v) => typeof v === 'number' && isTime(v),
  date: (v) => typeof v === 'number' && isDate(v),
  bytes: (v) => typeof v === 'string' && Buffer.from(v, 'base64').toString('base64') === v,
};

export const checkScalar = (type: FieldType, value: Value): boolean =>
  type.array ? Array.isArray(value) && value.every(CHECKS[type.base]) : CHECKS[type.base](value);

/**
 * `cast` in Flink SQL: the conversions of `functions-cast.ts`. Where Flink's CAST differs, a
 * function of the Java module takes its place.
 */

import { isNumeric } from '#domain/values/field-type.ts';
import type { ScalarType } from '#domain/values/value.ts';
import type { TypedSql } from '../dialect.ts';
import { flinkDouble } from './types.ts';

const DAY = 86_400_000;

const fromNumber = (x: string, to: ScalarType): string => {
  switch (to) {
    case 'int':
      return `MR_TO_INT(${x})`;
    case 'long':
      return `MR_TO_LONG(${x})`;
    case 'float':
      return `MR_TO_FLOAT(${x})`;
    case 'double':
      return `MR_FINITE(${x})`;
    case 'timestamp':
      return `MR_TO_TIME(${x})`;
    case 'date':
      return `MR_TO_DATE(${x})`;
    case 'boolean':
      return `(${x} <> 0)`;
    default:
      return `MR_NUMBER_TEXT(${x})`;
  }
};

const fromText = (sql: string, to: ScalarType): string => {
  if (to === 'boolean') return `(CASE ${sql} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END)`;
  if (to === 'timestamp') return `MR_PARSE_TIME(${sql})`;
  if (to === 'date') return `MR_PARSE_DATE(${sql})`;
  return fromNumber(`MR_PARSE_NUMBER(${sql})`, to);
};

export const flinkCast = (value: TypedSql, to: ScalarType): string => {
  const { sql, type } = value;
  const from = type.base;
  if (from === to) return sql;
  switch (from) {
    case 'string':
      return fromText(sql, to);
    case 'boolean':
      return to === 'string'
        ? `(CASE ${sql} WHEN TRUE THEN 'true' WHEN FALSE THEN 'false' END)`
        : fromNumber(`(CASE ${sql} WHEN TRUE THEN 1e0 WHEN FALSE THEN 0e0 END)`, to);
    case 'timestamp':
      if (to === 'string') return `MR_FORMAT_TIME(${sql})`;
      if (to === 'date') return `CAST(FLOOR(${flinkDouble(value)} / ${DAY}e0) AS INT)`;
      return fromNumber(flinkDouble(value), to);
    case 'date':
      if (to === 'string') return `MR_FORMAT_DATE(${sql})`;
      if (to === 'timestamp') return `(${sql} * CAST(${DAY} AS BIGINT))`;
      return fromNumber(flinkDouble(value), to);
    default:
      return isNumeric(type) ? fromNumber(flinkDouble(value), to) : sql;
  }
};

/**
 * Values in Flink SQL. Timestamps are epoch ms and dates are days, as in rows, so that the time
 * zone of a session cannot change them; bytes are base64 text.
 */
import { isNumeric } from '#domain/values/field-type.ts';
import type { FieldType, Scalar, ScalarType } from '#domain/values/value.ts';
import type { TypedSql } from '../dialect.ts';

export const FLINK_TYPES: Readonly<Record<ScalarType, string>> = {
  string: 'STRING',
  int: 'INT',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'BIGINT',
  date: 'INT',
  bytes: 'STRING',
};

export const flinkType = (type: FieldType): string =>
  type.array ? `ARRAY<${FLINK_TYPES[type.base]}>` : FLINK_TYPES[type.base];

export const flinkDouble = ({ sql, type }: TypedSql): string =>
  type.base === 'double' ? sql : `CAST(${sql} AS DOUBLE)`;

export const flinkConvert = ({ sql, type }: TypedSql, to: FieldType): string =>
  type.base === to.base && type.array === to.array ? sql : `CAST(${sql} AS ${flinkType(to)})`;

export const flinkText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export const flinkName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** The cast keeps Flink's planner from choosing a narrower type for the literal. */
export const flinkLiteral = (value: Scalar | null, type: FieldType): string => {
  if (value === null) return `CAST(NULL AS ${flinkType(type)})`;
  if (typeof value === 'string') return flinkText(value);
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (isNumeric(type) && (type.base === 'double' || type.base === 'float'))
    return `CAST('${String(value)}' AS ${flinkType(type)})`;
  return `CAST(${value} AS ${flinkType(type)})`;
};

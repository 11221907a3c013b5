/**
 * How Millrace's values stand in Flink SQL: one place, so that expressions, aggregates and tables
 * agree.
 */
import { isNumeric } from '#domain/values/field-type.ts';
import type { FieldType, Scalar, ScalarType } from '#domain/values/value.ts';

/**
 * Times are epoch ms and dates days, as in rows, so that no time zone of a session can touch them;
 * bytes are base64 text.
 */
const FLINK: Readonly<Record<ScalarType, string>> = {
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
  type.array ? `ARRAY<${FLINK[type.base]}>` : FLINK[type.base];

export const flinkDouble = ({
  sql,
  type,
}: {
  readonly sql: string;
  readonly type: FieldType;
}): string => (type.base === 'double' ? sql : `CAST(${sql} AS DOUBLE)`);

export const flinkAs = (
  { sql, type }: { readonly sql: string; readonly type: FieldType },
  to: FieldType,
): string =>
  type.base === to.base && type.array === to.array ? sql : `CAST(${sql} AS ${flinkType(to)})`;

export const flinkText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export const flinkName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** A literal of a type: the cast keeps the planner from narrowing it. */
export const flinkLiteral = (value: Scalar | null, type: FieldType): string => {
  if (value === null) return `CAST(NULL AS ${flinkType(type)})`;
  if (typeof value === 'string') return flinkText(value);
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (isNumeric(type) && (type.base === 'double' || type.base === 'float'))
    return `CAST('${String(value)}' AS ${flinkType(type)})`;
  return `CAST(${value} AS ${flinkType(type)})`;
};

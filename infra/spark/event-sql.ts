/** The raw events of a join, in Spark's SQL: one query for files of equal columns. */
import type { FileGroup, JoinTask } from '#domain/ports/join-engine.ts';
import { type EventSyntax, eventQuery } from '#domain/training-sets/event-query.ts';
import type { JoinField, JoinOutput } from '#domain/training-sets/join-plan.ts';
import { isNumeric } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';

const MICROS_PER_DAY = 86_400_000_000;

const name = (column: string): string => `\`${column.replaceAll('`', '``')}\``;

const SYNTAX: EventSyntax = {
  name,
  micros: (column, { base }) =>
    base === 'date'
      ? `unix_date(${name(column)}) * ${MICROS_PER_DAY}L`
      : `unix_micros(${name(column)})`,
};

/** Numbers, times (ms) and dates (days) are doubles, as everywhere in a join. */
const scalarType = ({ base }: FieldType): string =>
  base === 'string' || base === 'boolean' ? base : base === 'bytes' ? 'binary' : 'double';

const fieldType = (type: FieldType): string =>
  type.array ? `array<${scalarType(type)}>` : scalarType(type);

const scalarSql = (sql: string, type: FieldType): string => {
  if (type.base === 'timestamp') return `CAST(unix_millis(${sql}) AS double)`;
  if (type.base === 'date') return `CAST(unix_date(${sql}) AS double)`;
  return isNumeric({ ...type, array: false }) ? `CAST(${sql} AS double)` : sql;
};

const fieldSql = (field: JoinField, columns: ReadonlySet<string>): string => {
  const { type } = field;
  if (!columns.has(field.name)) return `CAST(NULL AS ${fieldType(type)})`;
  const column = name(field.name);
  return type.array
    ? `transform(${column}, item -> ${scalarSql('item', type)})`
    : scalarSql(column, type);
};

/** The columns by which events and rows are sorted, and an event's values. */
export const sortedColumns = (fields: readonly JoinField[]): string =>
  [
    'key STRING, ms BIGINT, kind INT, us BIGINT, part INT, off BIGINT, time BIGINT',
    ...fields.map(({ type }, i) => `f${i} ${fieldType(type)}`),
  ].join(', ');

const OUTPUTS: Readonly<Record<JoinOutput, string>> = {
  number: 'DOUBLE',
  text: 'STRING',
  numbers: 'ARRAY<DOUBLE>',
  texts: 'ARRAY<STRING>',
};

export const joinedColumns = ({ plan: { outputs }, withStatus }: JoinTask): string =>
  [
    'row_no BIGINT',
    ...outputs.map((output, i) => `c${i} ${OUTPUTS[output]}`),
    ...(withStatus ? outputs.map((_, i) => `s${i} INT`) : []),
  ].join(', ');

export interface SparkEvents {
  readonly files: readonly string[];
  readonly select: readonly string[];
  readonly where: string;
}

/** Paths on the local disk, as Spark writes and reads them: for a reader, a path is a pattern. */
export const writtenLocation = (path: string): string => `file://${path}`;
export const readLocation = (path: string): string =>
  writtenLocation(path.replaceAll(/[\\*?[\]{}]/g, '\\$&'));

/** Events with the columns us, part, off, time (µs) and the fields. */
export const sparkEvents = (
  { events, plan: { fields } }: JoinTask,
  { files, columns }: FileGroup,
): SparkEvents => {
  const present = new Set(columns);
  const { eventTime, visible, where } = eventQuery(events, present, SYNTAX);
  return {
    files: files.map(readLocation),
    where,
    select: [
      `${visible} AS us`,
      'CAST(`_partition` AS INT) AS part',
      'CAST(`_offset` AS BIGINT) AS off',
      `${eventTime} AS time`,
      ...fields.map((field, i) => `${fieldSql(field, present)} AS f${i}`),
    ],
  };
};

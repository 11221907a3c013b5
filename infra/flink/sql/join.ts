/**
 * A point-in-time join in Flink SQL: events and rows in one relation, sorted by entity and time,
 * and an aggregate over each entity's part of it, by the Java module.
 *
 *   events     the source's table at the pinned snapshot: key, times, place in the log, fields
 *   rows       the rows of the data set: key, time, number
 *   MR_JOIN    OVER (PARTITION BY key ORDER BY time …): the values, at each row
 */
import { type JoinTask, resultColumns } from '#domain/ports/join-engine.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { flinkName, flinkText } from '#domain/sql/flink/types.ts';
import { type EventSyntax, eventQuery } from '#domain/training-sets/event-query.ts';
import type { JoinOutput } from '#domain/training-sets/join-plan.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';
import { historyTable } from './names.ts';

export const JOIN_CATALOG = 'joins';
export const JOIN_DATABASE = 'j';
/** the only partition of the tables: Iceberg's tables here have one */
export const ONE_DAY = 'one_day';

/** As columns of the source's table. */
const COLUMN_TYPE: Readonly<Record<ScalarType, string>> = {
  string: 'STRING',
  int: 'INT',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP_LTZ(6)',
  date: 'DATE',
  bytes: 'BYTES',
};

const columnType = ({ base, array }: FieldType): string =>
  array ? `ARRAY<${COLUMN_TYPE[base]}>` : COLUMN_TYPE[base];

const OUTPUT_TYPE: Readonly<Record<JoinOutput, string>> = {
  number: 'DOUBLE',
  text: 'STRING',
  numbers: 'ARRAY<DOUBLE>',
  texts: 'ARRAY<STRING>',
};

const SYNTAX: EventSyntax = {
  name: flinkName,
  micros: (column, { base }) =>
    base === 'date'
      ? `MR_MICROS(CAST(${flinkName(column)} AS TIMESTAMP_LTZ(6)))`
      : `MR_MICROS(${flinkName(column)})`,
};

const long = (value: number): string => `CAST(${value} AS BIGINT)`;

/** Tables of a join, and the file of its plan, as Flink's servers have them. */
export interface JoinPlaces {
  readonly rows: string;
  readonly joined: string;
  readonly plan: string;
}

const table = (name: string): string =>
  [JOIN_CATALOG, JOIN_DATABASE, name].map(flinkName).join('.');

const META = ['_partition', '_offset', '_log_time'];

/** null: the source's table has no snapshot, so there are no events */
const eventsSql = ({ events, plan: { fields } }: JoinTask, plan: string): string | null => {
  const { source, raw } = events;
  if (events.groups.length === 0) return null;
  const columns = new Set([...Object.keys(sourceFields(source)), ...META]);
  const { visible, eventTime, where } = eventQuery(events, columns, SYNTAX);
  const names = fields.map((_, i) => `f${i}`);
  const values = fields.map(
    ({ name, type }, i) => `CAST(${flinkName(name)} AS ${columnType(type)}) AS f${i}`,
  );
  const pinned =
    raw.snapshot === undefined ? '' : ` /*+ OPTIONS('snapshot-id' = ${flinkText(raw.snapshot)}) */`;
  return `SELECT * FROM (
  SELECT MR_JOIN_KEY(ROW(${names.join(', ')}), part, off, ${flinkText(plan)}) AS k,
    MR_FLOOR_MS(us) AS ms, 0 AS kind, us, part, off, MR_FLOOR_MS(time_us) AS time_ms,
    ${names.join(', ')}
  FROM (
    SELECT ${visible} AS us, ${eventTime} AS time_us,
      \`_partition\` AS part, \`_offset\` AS off, ${values.join(', ')}
    FROM ${historyTable('raw', source.name)}${pinned}
    WHERE ${where}
  )
) WHERE k IS NOT NULL`;
};

const rowsSql = ({ plan: { fields } }: JoinTask, rows: string): string =>
  `SELECT \`key\` AS k, \`ms\` AS ms, 1 AS kind, ${long(0)} AS us, 0 AS part, \`row_no\` AS off,
    ${long(0)} AS time_ms, ${fields.map(({ type }, i) => `CAST(NULL AS ${columnType(type)}) AS f${i}`).join(', ')}
  FROM ${table(rows)}`;

/** The outputs, and their statuses if they are wanted. */
const shapeOf = (task: JoinTask): string => {
  const { outputs } = task.plan;
  const types = [...outputs.map((output) => OUTPUT_TYPE[output]), ...outputs.map(() => 'INT')];
  const [, ...names] = resultColumns(task);
  return `ROW<${names.map((name, i) => `${name} ${types[i]}`).join(', ')}>`;
};

export const joinSql = (task: JoinTask, { rows, joined, plan }: JoinPlaces): string => {
  const events = eventsSql(task, plan);
  const [, ...names] = resultColumns(task);
  const fields = task.plan.fields.map((_, i) => `f${i}`).join(', ');
  return `INSERT INTO ${table(joined)}
SELECT o.row_no, ${names.map((name) => `o.r.${name}`).join(', ')}, DATE '1970-01-01'
FROM (
  SELECT kind, off AS row_no,
    MR_JOIN(CAST(NULL AS ${shapeOf(task)}), ROW(${fields}), kind, ms, time_ms, part, off, ${flinkText(plan)})
      OVER (PARTITION BY k ORDER BY ms, kind, us, part, off
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS r
  FROM (
${events === null ? '' : `${events}\nUNION ALL\n`}${rowsSql(task, rows)}
  )
) AS o
WHERE o.kind = 1`;
};

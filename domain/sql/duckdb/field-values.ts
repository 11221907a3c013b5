/**
 * What a typed column of a file means as a field of a source, a key or a request input, in DuckDB's
 * SQL. `publish` and spines use the same expressions, so that a cell means the same value in both,
 * or is refused in both. Text is read by `domain/files/file-cell.ts`.
 */
import { MAX_DATE, MIN_DATE } from '#domain/values/date.ts';
import { MAX_TIME, MIN_TIME } from '#domain/values/time.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';
import { type ColumnKind, columnKind, elementType } from './column-kind.ts';
import { epochDays, epochMs, isMidnight, midnightDays, timeText } from './times.ts';

const NUMBERS: readonly ColumnKind[] = ['whole', 'decimal', 'real'];

const ACCEPTED: Readonly<Record<ScalarType, readonly ColumnKind[]>> = {
  string: ['text', ...NUMBERS],
  int: ['text', ...NUMBERS],
  long: ['text', ...NUMBERS],
  float: ['text', ...NUMBERS],
  double: ['text', ...NUMBERS],
  boolean: ['text', 'boolean'],
  timestamp: ['text', 'time', ...NUMBERS],
  date: ['text', 'date', 'time'],
  bytes: ['text', 'bytes'],
};

/** Whether some cell of such a column can be a value of the type. */
export const accepts = (column: string, { base, array }: FieldType): boolean => {
  const kind = columnKind(column);
  if (!array) return ACCEPTED[base].includes(kind);
  return (
    kind === 'text' || (kind === 'list' && ACCEPTED[base].includes(columnKind(elementType(column))))
  );
};

/** Whether the cells are text that must be parsed, which SQL does not do. */
export const isParsed = (column: string, { base, array }: FieldType): boolean =>
  columnKind(column) === 'text' && (array || base !== 'string');

/** Doubles are whole and equal to their digits within ±(2^53 − 1). */
const SAFE = '9007199254740991';
const RANGES: Readonly<Partial<Record<ScalarType, string>>> = {
  int: '-2147483648 AND 2147483647',
  long: `-${SAFE} AND ${SAFE}`,
  timestamp: `${MIN_TIME} AND ${MAX_TIME}`,
};

/** As a BIGINT; null where it is not whole, or has more digits than a BIGINT. */
const wholeSql = (sql: string, kind: ColumnKind): string => {
  const whole = `TRY_CAST(${sql} AS BIGINT)`;
  if (kind === 'real')
    return `(CASE WHEN ${sql} = trunc(${sql}) AND abs(${sql}) <= ${SAFE} THEN ${whole} END)`;
  if (kind === 'decimal')
    return `(CASE WHEN regexp_full_match(CAST(${sql} AS VARCHAR), '-?[0-9]+([.]0+)?') THEN ${whole} END)`;
  return whole;
};

/** As a DOUBLE, the nearest to the digits; null where it is not finite. */
const realSql = (sql: string, kind: ColumnKind, column: string): string => {
  if (kind === 'real') return `(CASE WHEN isfinite(${sql}) THEN CAST(${sql} AS DOUBLE) END)`;
  return kind === 'decimal' || column.endsWith('HUGEINT')
    ? `CAST(CAST(${sql} AS VARCHAR) AS DOUBLE)`
    : `CAST(${sql} AS DOUBLE)`;
};

const inRange = (sql: string, range: string): string =>
  `(CASE WHEN ${sql} BETWEEN ${range} THEN ${sql} END)`;

/** In [1e9, 1e11), a number of milliseconds is almost surely one of seconds. */
const SECONDS_FROM = 1_000_000_000;
const SECONDS_TO = 10_000_000_000;
const isSeconds = (sql: string): string => `(${sql} >= ${SECONDS_FROM} AND ${sql} < ${SECONDS_TO})`;

/**
 * The cell as a value, null where it is refused: a VARCHAR for string and bytes (base64), a BIGINT
 * for int, long, timestamp (epoch ms) and date (days), a DOUBLE for float and double.
 * @param column the column's type, one that `accepts` accepts and that is not parsed
 */
export const valueSql = (sql: string, column: string, base: ScalarType): string => {
  const kind = columnKind(column);
  switch (base) {
    case 'string':
      return kind === 'real'
        ? `CAST(${wholeSql(sql, kind)} AS VARCHAR)`
        : `CAST(${sql} AS VARCHAR)`;
    case 'int':
    case 'long':
      return inRange(wholeSql(sql, kind), RANGES[base] as string);
    case 'double':
      return realSql(sql, kind, column);
    case 'float':
      return `CAST(TRY_CAST(${realSql(sql, kind, column)} AS FLOAT) AS DOUBLE)`;
    case 'boolean':
      return sql;
    case 'timestamp': {
      if (kind === 'time') return inRange(epochMs(sql, column), RANGES.timestamp as string);
      const ms = wholeSql(sql, kind);
      return `(CASE WHEN NOT ${isSeconds(ms)} THEN ${inRange(ms, RANGES.timestamp as string)} END)`;
    }
    case 'date': {
      if (kind === 'date') return inRange(epochDays(sql), `${MIN_DATE} AND ${MAX_DATE}`);
      const days = inRange(midnightDays(sql, column), `${MIN_DATE} AND ${MAX_DATE}`);
      return `(CASE WHEN ${isMidnight(sql, column)} THEN ${days} END)`;
    }
    case 'bytes':
      return `base64(${sql})`;
  }
};

const quoted = (sql: string): string => `CAST(to_json(CAST(${sql} AS VARCHAR)) AS VARCHAR)`;

/** JSON for a cell that is refused, with its own digits, that no reader of the field accepts. */
const refusedJson = (sql: string, column: string, base: ScalarType): string => {
  switch (columnKind(column)) {
    case 'whole':
      return `CAST(${sql} AS VARCHAR)`;
    case 'real': {
      // JSON has no such number, and a text would be a string
      const other = base === 'string' ? `'{"number":' || ${quoted(sql)} || '}'` : quoted(sql);
      return `(CASE WHEN isfinite(${sql}) THEN CAST(${sql} AS VARCHAR) ELSE ${other} END)`;
    }
    case 'time':
      return quoted(timeText(sql, column, true));
    default:
      return quoted(sql);
  }
};

const valueJson = (sql: string, column: string, base: ScalarType): string => {
  const value = valueSql(sql, column, base);
  switch (base) {
    case 'string':
    case 'bytes':
      return quoted(value);
    case 'timestamp':
      return `CAST(${value} AS VARCHAR)`;
    case 'date':
      return quoted(`strftime(DATE '1970-01-01' + CAST(${value} AS INTEGER), '%Y-%m-%d')`);
    default:
      return `CAST(${value} AS VARCHAR)`;
  }
};

/** A time that looks like seconds would be refused as a number, so it is sent as text. */
const timeJson = (sql: string, column: string): string => {
  const ms = epochMs(sql, column);
  const isSafe = `${ms} BETWEEN ${RANGES.timestamp} AND ${ms} NOT BETWEEN ${SECONDS_FROM} AND ${SECONDS_TO - 1}`;
  return `(CASE WHEN ${isSafe} THEN CAST(${ms} AS VARCHAR) ELSE ${quoted(timeText(sql, column, true))} END)`;
};

/**
 * The cell as JSON of the field, as VARCHAR: what the server reads as the same value, or refuses
 * where the cell is refused. A null cell is null.
 */
export const jsonSql = (sql: string, column: string, type: FieldType): string => {
  const { base, array } = type;
  // a column of such a type has only nulls
  if (!accepts(column, type)) return `'null'`;
  if (array) {
    const item = jsonSql('item', elementType(column), { base, array: false, nullable: true });
    const items = `list_transform(${sql}, lambda item: coalesce(${item}, 'null'))`;
    return `(CASE WHEN ${sql} IS NOT NULL THEN '[' || coalesce(array_to_string(${items}, ','), '') || ']' END)`;
  }
  if (columnKind(column) === 'text') return quoted(sql);
  if (base === 'timestamp' && columnKind(column) === 'time') return timeJson(sql, column);
  return `coalesce(${valueJson(sql, column, base)}, ${refusedJson(sql, column, base)})`;
};

/**
 * The columns of a spine that a training set reads: times, entity keys, request inputs. They are
 * checked, and an error names the row and the fix. Rows are counted from 1, without the header.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { fail } from '#domain/errors.ts';
import { identifier } from '#domain/sql/duckdb/names.ts';
import { isNumberType, type ResultColumn } from '#domain/training-sets/columns.ts';
import type { CodedValues } from '#domain/training-sets/spine-keys.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import { isTime, parseTime, readIsoTime, whyNoTime } from '#domain/values/time.ts';
import type { FieldType, Scalar, Value } from '#domain/values/value.ts';
import { createDictionary, readNumbers } from '#infra/shared/duckdb/column-reader.ts';
import { sqlType } from '#infra/shared/iceberg/parquet-scan.ts';
import { columnReader } from '#infra/shared/iceberg/result-columns.ts';
import { icebergField, icebergType } from './duckdb-types.ts';
import { SPINE_TABLE, type SpineTable, TIME_COLUMN } from './spine-table.ts';

export interface SpineColumns {
  readonly times: Float64Array;
  readonly keys: Readonly<Record<string, CodedValues>>;
  readonly request: Readonly<Record<string, Pick<ResultColumn, 'type' | 'values'>>>;
}

/** Forms that DuckDB and parseTime read in the same way; parseTime reads the others. */
const ISO = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3])(:[0-5]\d)?)`;
const DIGITS = String.raw`-?\d{1,15}`;

const floorDiv = (sql: string, by: number): string =>
  `((${sql}) - (((${sql}) % ${by}) + ${by}) % ${by}) // ${by}`;

/** Epoch ms of a time column, as BIGINT; null where it is null or has none of these forms. */
const timeSql = (column: string, type: string): string => {
  if (type === 'TIMESTAMP_NS') return floorDiv(`epoch_ns(${column})`, 1_000_000);
  if (type.startsWith('TIMESTAMP')) return floorDiv(`epoch_us(${column})`, 1000);
  if (type === 'VARCHAR') {
    return `CASE WHEN regexp_full_match(${column}, '${DIGITS}') AND NOT regexp_full_match(${column}, '\\d{4}|\\d{8}') THEN TRY_CAST(${column} AS BIGINT)
      WHEN regexp_full_match(${column}, '${ISO}') THEN ${floorDiv(`epoch_us(TRY_CAST(${column} AS TIMESTAMPTZ))`, 1000)} END`;
  }
  if (/^(U?(BIG|SMALL|TINY)INT|U?INTEGER)$/.test(type)) return `TRY_CAST(${column} AS BIGINT)`;
  if (/^(DOUBLE|FLOAT|U?HUGEINT|DECIMAL)/.test(type))
    return `CASE WHEN TRY_CAST(${column} AS BIGINT) = ${column} THEN TRY_CAST(${column} AS BIGINT) END`;
  return 'NULL::BIGINT';
};

const whyNot = (column: string, type: string, text: string): string => {
  if (type === 'VARCHAR') return `${JSON.stringify(text)} ${whyNoTime(text)}`;
  if (type === 'DATE') return `${text} is a date, not a point in time: make the column a timestamp`;
  return `${text} (${type}) is not a time: make ${column} a timestamp with a zone, or epoch milliseconds`;
};

/** A key's or input's value in its declared type; null where it cannot be converted. */
const valueSql = (column: string, from: string, type: FieldType): string => {
  const to = sqlType(icebergType(type));
  if (type.array) return `TRY_CAST(${column} AS ${to})`;
  switch (type.base) {
    case 'string':
      return /^(DOUBLE|FLOAT|DECIMAL)/.test(from)
        ? `CASE WHEN TRY_CAST(${column} AS BIGINT) = ${column} THEN CAST(TRY_CAST(${column} AS BIGINT) AS VARCHAR) END`
        : `TRY_CAST(${column} AS VARCHAR)`;
    case 'bytes':
      return from === 'BLOB' ? `base64(${column})` : `TRY_CAST(${column} AS VARCHAR)`;
    case 'timestamp':
      return timeSql(column, from);
    case 'int':
    case 'long':
      return /^(DOUBLE|FLOAT|DECIMAL)/.test(from)
        ? `CASE WHEN TRY_CAST(${column} AS BIGINT) = ${column} THEN TRY_CAST(${column} AS ${to}) END`
        : `TRY_CAST(${column} AS ${to})`;
    default:
      return `TRY_CAST(${column} AS ${to})`;
  }
};

interface Read {
  readonly sql: string;
  read(chunk: Parameters<typeof readNumbers>[0], index: number, at: number): void;
}

const numbersRead = (sql: string, type: string, into: Float64Array): Read => ({
  sql,
  read: (chunk, index, at) => readNumbers(chunk, index, type, into, at),
});

const codesOfNumbers = (numbers: Float64Array, isBoolean: boolean): CodedValues => {
  const codes = new Int32Array(numbers.length);
  const values: Scalar[] = [];
  const codeOf = new Map<number, number>();
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] as number;
    let code = Number.isNaN(value) ? -1 : codeOf.get(value);
    if (code === undefined) {
      code = values.push(isBoolean ? value === 1 : value) - 1;
      codeOf.set(value, code);
    }
    codes[i] = code;
  }
  return { codes, values };
};

/** The type that the query returns: a timestamp as whole milliseconds, bytes as base64 text. */
const readType = (type: FieldType): string =>
  type.array
    ? icebergType(type)
    : type.base === 'timestamp'
      ? 'long'
      : type.base === 'bytes'
        ? 'string'
        : icebergType(type);

export const readSpine = async (
  connection: DuckDBConnection,
  table: SpineTable,
  keys: readonly NamedType[],
  request: readonly NamedType[],
): Promise<SpineColumns> => {
  const typeOf = (name: string): string =>
    table.columns.find((column) => column.name === name)?.type ?? 'VARCHAR';
  const timeType = typeOf(TIME_COLUMN);
  const wanted = [...new Map([...keys, ...request].map((named) => [named.name, named])).values()];

  const firstWhere = async (
    condition: string,
    column: string,
  ): Promise<{ readonly row: number; readonly text: string } | null> => {
    const found = await connection.runAndReadAll(
      `SELECT (rowid + 1)::DOUBLE, CAST(${column} AS VARCHAR) FROM ${SPINE_TABLE} WHERE ${condition} ORDER BY rowid LIMIT 1`,
    );
    const [first] = found.getRows();
    return first === undefined
      ? null
      : { row: Number(first[0]), text: first[1] === null ? 'null' : String(first[1]) };
  };
  for (const { name, type } of wanted) {
    const column = identifier(name);
    const bad = await firstWhere(
      `${column} IS NOT NULL AND (${valueSql(column, typeOf(name), type)}) IS NULL`,
      column,
    );
    if (bad === null) continue;
    const message = `column "${name}" of row ${bad.row} of the spine is ${JSON.stringify(bad.text)}, and it must be ${formatFieldType(type)}: correct the value, or leave it empty`;
    fail('MR_SPINE_INVALID', message, { column: name, row: bad.row, value: bad.text });
  }

  const times = new Float64Array(table.rows);
  const reads: Read[] = [numbersRead(timeSql(identifier(TIME_COLUMN), timeType), 'long', times)];
  const made = new Map<
    string,
    {
      readonly type: FieldType;
      readonly coded: () => CodedValues;
      readonly values: () => Float64Array | Value[];
    }
  >();
  for (const { name, type } of wanted) {
    const sql = valueSql(identifier(name), typeOf(name), type);
    if (isNumberType(type)) {
      const numbers = new Float64Array(table.rows);
      reads.push(numbersRead(sql, readType(type), numbers));
      made.set(name, {
        type,
        coded: () => codesOfNumbers(numbers, type.base === 'boolean'),
        values: () => numbers,
      });
    } else if (type.array) {
      const values: Value[] = [];
      const read = columnReader(icebergField(name, type), false);
      reads.push({ sql, read: (chunk, index) => void values.push(...read(chunk, index)) });
      made.set(name, {
        type,
        coded: () => ({ codes: new Int32Array(0), values: [] }),
        values: () => values,
      });
    } else {
      const dictionary = createDictionary();
      const codes = new Int32Array(table.rows);
      reads.push({ sql, read: (chunk, index, at) => dictionary.read(chunk, index, codes, at) });
      const values = (): Value[] =>
        Array.from(codes, (code) => (code < 0 ? null : (dictionary.values[code] as string)));
      made.set(name, { type, coded: () => ({ codes, values: dictionary.values }), values });
    }
  }

  const result = await connection.stream(
    `SELECT ${reads.map(({ sql }) => sql).join(', ')} FROM ${SPINE_TABLE}`,
  );
  let at = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    for (let i = 0; i < reads.length; i++) (reads[i] as Read).read(chunk, i, at);
    at += chunk.rowCount;
  }
  await readOddTimes(connection, times, timeType);
  return {
    times,
    keys: Object.fromEntries(
      keys.map(({ name }) => [name, (made.get(name) as { coded: () => CodedValues }).coded()]),
    ),
    request: Object.fromEntries(
      request.map(({ name, type }) => [name, { type, values: made.get(name)?.values() ?? [] }]),
    ),
  };
};

/** Reads the times that the query did not, by parseTime's rules, or refuses them. */
const readOddTimes = async (
  connection: DuckDBConnection,
  times: Float64Array,
  type: string,
): Promise<void> => {
  if (times.every(isTime)) return;
  const column = identifier(TIME_COLUMN);
  const odd = await connection.stream(
    `SELECT rowid::DOUBLE, CAST(${column} AS VARCHAR) FROM ${SPINE_TABLE} WHERE ${column} IS NULL OR (${timeSql(column, type)}) IS NULL OR NOT (${timeSql(column, type)}) BETWEEN -62167219200000 AND 253402300799999 ORDER BY rowid`,
  );
  for (;;) {
    const chunk = await odd.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    for (const [row, text] of chunk.getRows() as [number, string | null][]) {
      const details = { column: TIME_COLUMN, row: row + 1, value: text };
      if (text === null)
        return fail(
          'MR_SPINE_INVALID',
          `${TIME_COLUMN} of row ${row + 1} of the spine is null: set it, or remove the row`,
          details,
        );
      const ms = type === 'VARCHAR' ? timeOf(text) : Number.NaN;
      if (!isTime(ms))
        fail(
          'MR_SPINE_INVALID',
          `${TIME_COLUMN} of row ${row + 1} of the spine: ${whyNot(TIME_COLUMN, type, text)}`,
          details,
        );
      times[row] = ms;
    }
  }
};

const timeOf = (text: string): number => {
  const ms = readIsoTime(text);
  if (!Number.isNaN(ms)) return ms;
  try {
    return parseTime(text);
  } catch {
    return Number.NaN;
  }
};

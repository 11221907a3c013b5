/** Reads columns of a spine's table, typed as they are in a Parquet file, as wanted values. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '#domain/errors.ts';
import { readCell } from '#domain/files/file-cell.ts';
import { accepts, isParsed, jsonSql, valueSql } from '#domain/sql/duckdb/field-values.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import type { ParquetTable, Query } from '#domain/sql/duckdb/parquet-table.ts';
import { isNumberType } from '#domain/training-sets/columns.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import type { FieldType, Scalar, Value } from '#domain/values/value.ts';
import { createDictionary, readNumbers } from '#infra/shared/duckdb/column-reader.ts';
import { ROW_COLUMN, SPINE_TABLE } from './spine.ts';
import {
  columnOfCodes,
  columnOfNumbers,
  columnOfValues,
  type ReadColumn,
} from './spine-columns.ts';
import { TIME_TYPE } from './spine-reader.ts';
import { refuseNullTime, refuseTime, refuseValue } from './spine-refusals.ts';

type Chunk = Parameters<typeof readNumbers>[0];

export const TIME: NamedType = { name: TIME_COLUMN, type: TIME_TYPE };

/** A wanted column of the query. */
interface Reading {
  readonly named: NamedType;
  /** its name in the table, and DuckDB's type of it */
  readonly column: string;
  readonly type: string;
  readonly sql: string;
  read(chunk: Chunk, index: number, at: number): void;
  finish(): Finished;
}

interface Finished {
  readonly column: ReadColumn;
  /** the first row whose value is refused; −1: none */
  readonly bad: number;
}

/** The types that `valueSql` has for the base types whose values are numbers. */
const NUMBER_TYPE = (type: FieldType): string =>
  type.base === 'boolean' ? 'boolean' : /^(float|double)$/.test(type.base) ? 'double' : 'long';

const columnOf = (type: FieldType, codes: Int32Array, values: readonly Value[]): ReadColumn => {
  if (!type.array && !isNumberType(type)) return columnOfCodes(codes, values as Scalar[]);
  const each = Array.from(codes, (code) => (code < 0 ? null : (values[code] as Value)));
  return type.array
    ? columnOfValues(each)
    : columnOfNumbers(
        Float64Array.from(each, (value) => (value === null ? Number.NaN : Number(value))),
        type,
      );
};

/** Distinct texts are parsed once. */
const parsedReading = (type: FieldType, rows: number): Pick<Reading, 'read' | 'finish'> => {
  const dictionary = createDictionary();
  const codes = new Int32Array(rows);
  return {
    read: (chunk, index, at) => dictionary.read(chunk, index, codes, at),
    finish() {
      const values = dictionary.values.map((text) => readCell(type, text));
      const isBad = (code: number): boolean => code >= 0 && values[code] === undefined;
      const bad = values.includes(undefined) ? codes.findIndex(isBad) : -1;
      return { column: columnOf(type, codes, values as readonly Value[]), bad };
    },
  };
};

const numberReading = (type: FieldType, rows: number): Pick<Reading, 'read' | 'finish'> => {
  const numbers = new Float64Array(rows);
  return {
    read: (chunk, index, at) => readNumbers(chunk, index, NUMBER_TYPE(type), numbers, at),
    finish: () => ({ column: columnOfNumbers(numbers, type), bad: -1 }),
  };
};

/** How a wanted column of the spine's table is read. */
export const readingOf = (
  named: NamedType,
  { names, types }: ParquetTable,
  rows: number,
): Reading => {
  const at = names.indexOf(named.name);
  const [column, columnType] = [columnName(at), types[at] as string];
  const { type } = named;
  const of = { named, column, type: columnType };
  // such a column may only have nulls
  if (!accepts(columnType, type))
    return { ...of, sql: 'CAST(NULL AS VARCHAR)', ...parsedReading(type, rows) };
  if (type.array || isParsed(columnType, type)) {
    const sql = isParsed(columnType, type)
      ? `CAST(${column} AS VARCHAR)`
      : jsonSql(column, columnType, type);
    return { ...of, sql, ...parsedReading(type, rows) };
  }
  const sql = valueSql(column, columnType, type.base);
  return isNumberType(type)
    ? { ...of, sql, ...numberReading(type, rows) }
    : { ...of, sql, ...parsedReading({ ...type, base: 'string' }, rows) };
};

const firstRow = async (
  query: Query,
  column: string,
  condition: string,
): Promise<{ readonly row: number; readonly text: string | null } | null> => {
  const [first] = await query(
    `SELECT (${ROW_COLUMN} + 1)::DOUBLE, CAST(${column} AS VARCHAR) FROM ${SPINE_TABLE} WHERE ${condition} ORDER BY ${ROW_COLUMN} LIMIT 1`,
  );
  return first === undefined
    ? null
    : { row: Number(first[0]), text: first[1] === null ? null : String(first[1]) };
};

/** Refuses the first row that meets the condition. */
const refuseFirst = async (query: Query, reading: Reading, condition: string): Promise<void> => {
  const { named, column, type } = reading;
  const bad = await firstRow(query, column, condition);
  if (bad === null) return;
  const { row, text } = bad;
  if (named === TIME) text === null ? refuseNullTime({ row }) : refuseTime({ row }, text, type);
  refuseValue({ row }, named, text, type);
};

const readTable = async (
  connection: DuckDBConnection,
  readings: readonly Reading[],
  rows: number,
): Promise<void> => {
  const result = await connection.stream(
    `SELECT ${[ROW_COLUMN, ...readings.map(({ sql }) => sql)].join(', ')} FROM ${SPINE_TABLE}`,
  );
  const order = new Float64Array(rows);
  let at = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    readNumbers(chunk, 0, 'long', order, at);
    readings.forEach((reading, i) => {
      reading.read(chunk, i + 1, at);
    });
    at += chunk.rowCount;
  }
  if (at !== rows || order.some((row, i) => row !== i))
    throw new MillraceError(
      'MR_INTERNAL',
      `the spine has ${rows} rows, and ${at} were read in another order or number`,
    );
};

/** @throws MR_SPINE_INVALID where a value is refused, naming the first row */
export const readColumns = async (
  connection: DuckDBConnection,
  query: Query,
  readings: readonly Reading[],
  rows: number,
): Promise<readonly ReadColumn[]> => {
  for (const reading of readings) {
    const { column, sql, named } = reading;
    if (named === TIME) await refuseFirst(query, reading, `${column} IS NULL`);
    await refuseFirst(query, reading, `${column} IS NOT NULL AND (${sql}) IS NULL`);
  }
  await readTable(connection, readings, rows);
  const columns: ReadColumn[] = [];
  for (const reading of readings) {
    const { column, bad } = reading.finish();
    if (bad >= 0) await refuseFirst(query, reading, `${ROW_COLUMN} = ${bad}`);
    columns.push(column);
  }
  return columns;
};

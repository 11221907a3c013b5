/**
 * Loads the spine into a DuckDB table: all its columns, in its order. Text in the file stays text
 * where it is a key or a time ("007" is a key of type string; a sniffer would make it 7).
 */
import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { fail } from '#domain/errors.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { FieldType, Row, Value } from '#domain/values/value.ts';
import { sqlType } from '#infra/shared/iceberg/parquet-scan.ts';
import { icebergType } from './duckdb-types.ts';
import { createTable } from './result-table.ts';

export const TIME_COLUMN = 'event_timestamp';
export const SPINE_TABLE = 'spine';

export interface SpineColumn {
  readonly name: string;
  /** DuckDB's name of its type */
  readonly type: string;
}

export interface SpineTable {
  readonly columns: readonly SpineColumn[];
  readonly rows: number;
  /** its times are text or plain numbers: a typed output has them as timestamps */
  readonly untypedTime: boolean;
}

const describe = async (connection: DuckDBConnection, relation: string): Promise<SpineColumn[]> => {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${relation}`);
  return described.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }));
};

/** Text where DuckDB would read a value differently: times need a zone, bytes are base64. */
const csvType = (type: FieldType): string =>
  type.array || type.base === 'timestamp' || type.base === 'bytes'
    ? 'VARCHAR'
    : sqlType(icebergType(type));

const csvRelation = async (
  connection: DuckDBConnection,
  path: string,
  wanted: readonly NamedType[],
): Promise<string> => {
  const options = `header = true, sample_size = -1, allow_quoted_nulls = false`;
  const names = new Set(
    (
      await describe(connection, `read_csv(${literal(path)}, header = true, all_varchar = true)`)
    ).map(({ name }) => name),
  );
  const types = [
    ...wanted.map(({ name, type }) => [name, csvType(type)] as const),
    [TIME_COLUMN, 'VARCHAR'] as const,
  ].filter(([name]) => names.has(name));
  const forced = types.map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(', ');
  return `read_csv(${literal(path)}, ${options}${forced === '' ? '' : `, types = {${forced}}`})`;
};

const relationOf = async (
  connection: DuckDBConnection,
  path: string,
  wanted: readonly NamedType[],
): Promise<string> => {
  const extension = extname(path).toLowerCase();
  if (extension === '.parquet') return `read_parquet(${literal(path)}, hive_partitioning = false)`;
  if (extension === '.csv') return csvRelation(connection, path, wanted);
  return fail(
    'MR_SPINE_INVALID',
    `the spine "${path}" ends in neither .parquet nor .csv: give one of these`,
    { file: path },
  );
};

/** @returns whether times are text */
const fromFile = async (
  connection: DuckDBConnection,
  path: string,
  wanted: readonly NamedType[],
): Promise<boolean> => {
  if (!existsSync(path))
    fail('MR_SPINE_INVALID', `there is no file "${path}": give the path of a Parquet or CSV file`, {
      file: path,
    });
  try {
    const relation = await relationOf(connection, path, wanted);
    await connection.run(`CREATE TABLE ${SPINE_TABLE} AS SELECT * FROM ${relation}`);
  } catch (error) {
    if (error instanceof Error && error.name === 'MillraceError') throw error;
    const [line] = String((error as Error).message).split('\n\n');
    fail(
      'MR_SPINE_INVALID',
      `the spine "${path}" cannot be read: ${line}. Correct the file, or write it as Parquet`,
      {
        file: path,
      },
    );
  }
  return extname(path).toLowerCase() === '.csv';
};

/**
 * The type that all values of a column fit.
 * @throws MR_SPINE_INVALID where there is none
 */
const inferType = (name: string, rows: readonly Row[]): FieldType => {
  let found: FieldType['base'] | null = null;
  for (const [i, row] of rows.entries()) {
    const value = row[name] ?? null;
    if (value === null) continue;
    if (typeof value === 'object')
      return fail(
        'MR_SPINE_INVALID',
        `column "${name}" of row ${i + 1} is not a single value: give text, a number, a boolean or null`,
        { column: name, row: i + 1 },
      );
    const base =
      typeof value === 'string'
        ? 'string'
        : typeof value === 'boolean'
          ? 'boolean'
          : Number.isSafeInteger(value)
            ? 'long'
            : 'double';
    if (found === null || (found === 'long' && base === 'double')) found = base;
    else if (found !== base && !(found === 'double' && base === 'long')) {
      return fail(
        'MR_SPINE_INVALID',
        `column "${name}" of row ${i + 1} is ${JSON.stringify(value)}, and rows before it have a ${found}: give one type`,
        { column: name, row: i + 1 },
      );
    }
  }
  return fieldType(found ?? 'string', true);
};

/** @returns whether times are text or plain numbers */
const fromRows = async (connection: DuckDBConnection, rows: readonly Row[]): Promise<boolean> => {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (names.length === 0)
    return fail('MR_SPINE_INVALID', 'the spine has no rows: give at least one', {});
  const filler = await createTable(
    connection,
    SPINE_TABLE,
    names.map((name) => ({ name, type: inferType(name, rows) })),
  );
  for (const row of rows) {
    names.forEach((name, column) => {
      filler.set(column, (row[name] ?? null) as Value);
    });
    filler.next();
  }
  filler.close();
  return true;
};

const requireColumns = (
  columns: readonly SpineColumn[],
  keys: readonly NamedType[],
  request: readonly NamedType[],
): void => {
  const names = columns.map(({ name }) => name);
  const check = (name: string, what: string): void => {
    if (names.includes(name)) return;
    const like = names.find((other) => other.toLowerCase() === name.toLowerCase());
    const hint =
      like === undefined
        ? `it has ${names.join(', ')}; add the column`
        : `it has "${like}"; rename that, because case matters`;
    fail('MR_SPINE_INVALID', `the spine has no column "${name}", ${what}: ${hint}`, {
      column: name,
      columns: names,
    });
  };
  check(TIME_COLUMN, 'the time of each row');
  for (const { name, type } of keys) check(name, `an entity key (${type.base})`);
  for (const { name, type } of request)
    check(name, `a request input of an on-demand feature (${type.base})`);
};

export const loadSpine = async (
  connection: DuckDBConnection,
  spine: { readonly file: string } | { readonly rows: readonly Row[] },
  keys: readonly NamedType[],
  request: readonly NamedType[],
): Promise<SpineTable> => {
  const untypedTime =
    'file' in spine
      ? await fromFile(connection, spine.file, [...keys, ...request])
      : await fromRows(connection, spine.rows);
  const columns = await describe(connection, SPINE_TABLE);
  requireColumns(columns, keys, request);
  const counted = await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM ${SPINE_TABLE}`);
  const rows = Number(counted.getRows()[0]?.[0]);
  if (rows === 0) fail('MR_SPINE_INVALID', 'the spine has no rows: give at least one', {});
  return { columns, rows, untypedTime };
};

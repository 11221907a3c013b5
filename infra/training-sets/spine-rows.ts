/** A spine from rows in memory: values of JSON. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { fail } from '#domain/errors.ts';
import { readCell } from '#domain/files/file-cell.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import { refuseRowsAbove } from '#domain/training-sets/row-memory.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import { fieldType } from '#domain/values/field-type.ts';
import { readValue } from '#domain/values/read-value.ts';
import type { FieldType, Row, Value } from '#domain/values/value.ts';
import { sqlType } from '#infra/shared/iceberg/parquet-scan.ts';
import { icebergType } from './duckdb-types.ts';
import type { OutputFormat } from './output-file.ts';
import { createTable } from './result-table.ts';
import { SPINE_TABLE, type Spine } from './spine.ts';
import { spineReader, type Wanted } from './spine-reader.ts';
import { checkNames, checkParquetNames } from './spine-refusals.ts';
import { declaredTypes, typedValues } from './spine-typed.ts';

/** A text is read as a cell of a CSV file, and a whole number can be a text, as in a file. */
const readJson = (type: FieldType, value: Value): Value | undefined => {
  if (value === null) return null;
  if (typeof value === 'string' && type.base !== 'string') return readCell(type, value);
  if (typeof value === 'number' && type.base === 'string' && !type.array)
    return Number.isSafeInteger(value) ? String(value + 0) : undefined;
  return readValue(type, value);
};

const baseOf = (value: Exclude<Value, null>): FieldType['base'] | null => {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value !== 'number') return null;
  return Number.isSafeInteger(value) ? 'long' : 'double';
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
    const base = baseOf(value);
    if (base === null)
      return fail(
        'MR_SPINE_INVALID',
        `column "${name}" of row ${i + 1} is not a single value: give text, a number, a boolean or null`,
        { column: name, row: i + 1 },
      );
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

export const rowsSpine = async (
  connection: DuckDBConnection,
  rows: readonly Row[],
  wanted: Wanted,
  output: OutputFormat | null,
): Promise<Spine> => {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (names.length === 0)
    return fail('MR_SPINE_INVALID', 'the spine has no rows: give at least one', {});
  checkNames(names, wanted.keys, wanted.request);
  refuseRowsAbove(wanted.maxRows, rows.length);
  if (output === 'parquet') checkParquetNames(names);
  const lists = new Map(
    wanted.request
      .filter(({ type }: NamedType) => type.array)
      .map(({ name, type }) => [name, { ...type, nullable: true }]),
  );
  const types = names.map((name) => lists.get(name) ?? inferType(name, rows));
  const reader = spineReader<Value>(names, wanted, readJson);
  const filler = await createTable(connection, SPINE_TABLE, types);
  rows.forEach((row, i) => {
    const cells = names.map((name) => row[name] ?? null);
    reader.add({ cell: (column) => cells[column] as Value, place: () => ({ row: i + 1 }) });
    cells.forEach((cell, column) => {
      filler.set(column, cell);
    });
    filler.next();
  });
  filler.close();
  const columns = reader.finish();
  const declared = declaredTypes(wanted);
  return {
    ...columns,
    names,
    rows: rows.length,
    kept: names.map((name, i) => {
      const typed = typedValues(name, declared.get(name), columns);
      return {
        name,
        sql: `s.${columnName(i)}`,
        type: sqlType(icebergType(types[i] as FieldType)),
        zoned: false,
        ...(typed === null ? {} : { typed }),
      };
    }),
    lines: null,
  };
};

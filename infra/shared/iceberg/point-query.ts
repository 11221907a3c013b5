/**
 * Queries that name the values of some fields of a few entities, compiled for a search in the
 * columns of a file. It answers as `querySql` does: null equals null, and a value that a column
 * cannot have equals nothing.
 */
import type { Value } from '#domain/values/value.ts';
import type { ColumnValues } from '#infra/shared/parquet/column-values.ts';
import type { ColumnChunk, PhysicalType } from '#infra/shared/parquet/footer.ts';
import type { Selection } from './pinned-table.ts';
import { type IcebergField, typeName } from './schema.ts';

/** The physical types that a column of a type can have; files before a widening have the first. */
export const PHYSICAL_TYPES: Readonly<Record<string, readonly PhysicalType[]>> = {
  int: ['int32'],
  long: ['int32', 'int64'],
  float: ['float'],
  double: ['float', 'double'],
  boolean: ['boolean'],
  timestamptz: ['int64'],
  date: ['int32'],
  string: ['bytes'],
  binary: ['bytes'],
};

/** A field that must have a value, in the form of the file; null: it must be null. */
export interface Condition {
  readonly field: IcebergField;
  readonly wanted: number | Buffer | null;
}

/** A row matches if it meets all conditions of one of these. */
export type Alternatives = readonly (readonly Condition[])[];

/** For more entities at once, a scan of the files is as good. */
const MAX_ALTERNATIVES = 32;

type Compiled = Condition['wanted'] | 'nothing' | 'scan';

/** `scan`: DuckDB's comparison is not repeated here. */
const compile = (type: string, value: Value): Compiled => {
  if (value === null) return null;
  if (type === 'string') return typeof value === 'string' ? Buffer.from(value) : 'nothing';
  if (type === 'boolean') return typeof value === 'boolean' ? Number(value) : 'nothing';
  if (!['int', 'long', 'double', 'date', 'timestamptz'].includes(type)) return 'scan';
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'nothing';
  if (type === 'double') return value;
  if (!Number.isInteger(value)) return 'nothing';
  const wanted = type === 'timestamptz' ? value * 1000 : value;
  return Number.isSafeInteger(wanted) ? wanted : 'scan';
};

/** null: the query must be answered by a scan; empty: no row matches. */
export const alternativesOf = (
  fields: readonly IcebergField[],
  { where = {}, anyOf = [{}] }: Selection,
): Alternatives | null => {
  if (anyOf.length > MAX_ALTERNATIVES) return null;
  const byName = new Map(fields.map((field) => [field.name, field]));
  const alternatives: Condition[][] = [];
  for (const values of anyOf) {
    const conditions: Condition[] = [];
    let possible = true;
    for (const [name, value] of [...Object.entries(where), ...Object.entries(values)]) {
      const field = byName.get(name);
      if (field === undefined) {
        if (value !== null) possible = false;
        continue;
      }
      const wanted = compile(typeName(field), value);
      if (wanted === 'scan') return null;
      if (wanted === 'nothing') possible = false;
      else conditions.push({ field, wanted });
    }
    if (!possible) continue;
    if (!conditions.some(({ wanted }) => wanted !== null)) return null;
    alternatives.push(conditions);
  }
  return alternatives;
};

const plain = (type: PhysicalType, bound: Buffer): number | null => {
  if (type === 'int32' && bound.length === 4) return bound.readInt32LE();
  if (type === 'int64' && bound.length === 8) return Number(bound.readBigInt64LE());
  if (type === 'double' && bound.length === 8) return bound.readDoubleLE();
  return null;
};

/** Whether a column chunk can have values of [low, high]. */
export const mayHoldNumber = (
  type: PhysicalType,
  { min, max }: ColumnChunk,
  low: number,
  high: number,
): boolean => {
  const least = min === null ? null : plain(type, min);
  const greatest = max === null ? null : plain(type, max);
  return !(least !== null && high < least) && !(greatest !== null && low > greatest);
};

export const mayHold = (
  type: PhysicalType,
  chunk: ColumnChunk,
  wanted: Condition['wanted'],
): boolean => {
  if (wanted === null) return true;
  if (typeof wanted === 'number') return mayHoldNumber(type, chunk, wanted, wanted);
  return (
    !(chunk.min !== null && Buffer.compare(wanted, chunk.min) < 0) &&
    !(chunk.max !== null && Buffer.compare(wanted, chunk.max) > 0)
  );
};

/** The rows that have the value; null: the file lacks the column, so that all are null. */
const test = (
  column: ColumnValues | null,
  wanted: Condition['wanted'],
): ((row: number) => boolean) => {
  if (column === null) return () => wanted === null;
  if (column.kind === 'numbers') {
    const { values, nulls } = column;
    if (wanted === null) return (row) => nulls?.[row] === 1;
    return (row) => values[row] === wanted && nulls?.[row] !== 1;
  }
  const { data, starts, ends, index } = column;
  if (wanted === null) return (row) => index[row] === -1;
  const bytes = wanted as Buffer;
  const { length } = bytes;
  const last = bytes[length - 1];
  return (row) => {
    const value = index[row] as number;
    if (value < 0) return false;
    const start = starts[value] as number;
    const end = ends[value] as number;
    // Keys often begin with the same characters, so the last one is compared first.
    if (end - start !== length || (length > 0 && data[end - 1] !== last)) return false;
    return data.compare(bytes, 0, length, start, end) === 0;
  };
};

/** @param column by field; null: the file lacks it */
export const matchingRows = (
  alternatives: Alternatives,
  column: (field: IcebergField) => ColumnValues | null,
  rows: number,
): readonly number[] => {
  const found = new Set<number>();
  for (const [first, ...others] of alternatives) {
    const { field, wanted } = first as Condition;
    const meets = test(column(field), wanted);
    let matching: number[] = [];
    for (let row = 0; row < rows; row++) if (meets(row)) matching.push(row);
    for (const condition of others) {
      if (matching.length === 0) break;
      matching = matching.filter(test(column(condition.field), condition.wanted));
    }
    for (const row of matching) found.add(row);
  }
  return [...found];
};

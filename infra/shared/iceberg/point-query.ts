/**
 * Queries that name the values of some fields of a few entities, compiled for a search in the
 * columns of a file. It answers as `querySql` does: null equals null, and a value that a column
 * cannot have equals nothing.
 */
import type { Value } from '#domain/values/value.ts';
import type { BytesValues, ColumnValues } from '#infra/shared/parquet/column-values.ts';
import type { ColumnChunk, PhysicalType } from '#infra/shared/parquet/footer.ts';
import type { Codes } from '#infra/shared/parquet/hybrid.ts';
import { LENGTH_BYTES } from '#infra/shared/parquet/plain.ts';
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

const NONE: readonly number[] = [];

/** The rows that have one of these codes. */
const rowsOfCodes = (codes: Codes, wanted: readonly number[], nulls: Uint8Array | null) => {
  const rows: number[] = [];
  for (const code of wanted)
    for (let row = codes.indexOf(code); row >= 0; row = codes.indexOf(code, row + 1))
      if (nulls?.[row] !== 1) rows.push(row);
  return rows;
};

const numbersThatAre = (numbers: Float64Array, wanted: number): readonly number[] => {
  const found: number[] = [];
  for (let i = 0; i < numbers.length; i++) if (numbers[i] === wanted) found.push(i);
  return found;
};

/** The places of the byte arrays that are these. */
const textsThatAre = ({ data, starts }: BytesValues, wanted: Buffer): readonly number[] => {
  const { length } = wanted;
  const last = wanted[length - 1];
  const found: number[] = [];
  for (let value = 0; value + 1 < starts.length; value++) {
    const start = starts[value] as number;
    const end = (starts[value + 1] as number) - LENGTH_BYTES;
    // Keys often begin with the same characters, so the last one is compared first.
    if (end - start !== length || (length > 0 && data[end - 1] !== last)) continue;
    if (data.compare(wanted, 0, length, start, end) === 0) found.push(value);
  }
  return found;
};

const rowsThatAre = (column: ColumnValues, wanted: Condition['wanted']): readonly number[] => {
  const { nulls } = column;
  if (wanted === null) return nulls === null ? NONE : rowsOfCodes(nulls, [1], null);
  if (column.kind === 'bytes') {
    const found = textsThatAre(column, wanted as Buffer);
    return column.codes === null ? found : rowsOfCodes(column.codes, found, nulls);
  }
  const { values, entries, scale } = column;
  if (values instanceof Float64Array) {
    const found = numbersThatAre(values, wanted as number);
    return nulls === null ? found : found.filter((row) => nulls[row] !== 1);
  }
  const codes =
    scale === null
      ? numbersThatAre(entries as Float64Array, wanted as number)
      : [((wanted as number) - scale.base) / scale.unit];
  return rowsOfCodes(values, codes, nulls);
};

/** @param column by field; null: the file lacks it, so that all of its rows have null */
export const matchingRows = (
  alternatives: Alternatives,
  column: (field: IcebergField) => ColumnValues | null,
  rows: number,
): readonly number[] => {
  const found = new Set<number>();
  for (const conditions of alternatives) {
    let matching: readonly number[] | null = null;
    for (const { field, wanted } of conditions) {
      if (matching?.length === 0) break;
      const values = column(field);
      if (values === null && wanted === null) continue;
      const those = values === null ? NONE : rowsThatAre(values, wanted);
      if (matching === null) matching = those;
      else {
        const both = new Set(those);
        matching = matching.filter((row) => both.has(row));
      }
    }
    for (const row of matching ?? Array.from({ length: rows }, (_, i) => i)) found.add(row);
  }
  return [...found];
};

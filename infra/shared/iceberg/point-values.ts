/** One value of a column as the domain has it, by Iceberg type. */
import type { Value } from '#domain/values/value.ts';
import { type ColumnValues, numberOf } from '#infra/shared/parquet/column-values.ts';
import { LENGTH_BYTES } from '#infra/shared/parquet/plain.ts';

/** Rounds down, also before 1970. */
const msOf = (micros: number): number => (micros - (((micros % 1000) + 1000) % 1000)) / 1000;

const bytesAt = (column: ColumnValues, row: number): Buffer | null => {
  if (column.kind !== 'bytes' || column.nulls?.[row] === 1) return null;
  const { data, starts, codes } = column;
  const value = codes === null ? row : (codes[row] as number);
  return data.subarray(starts[value], (starts[value + 1] as number) - LENGTH_BYTES);
};

const numberAt = (column: ColumnValues, row: number): number | null => {
  if (column.kind !== 'numbers' || column.nulls?.[row] === 1) return null;
  const number = numberOf(column, row);
  return Number.isNaN(number) ? null : number;
};

export const valueReader = (type: string): ((column: ColumnValues, row: number) => Value) => {
  switch (type) {
    case 'string':
      return (column, row) => bytesAt(column, row)?.toString() ?? null;
    case 'binary':
      return (column, row) => bytesAt(column, row)?.toString('base64') ?? null;
    case 'boolean':
      return (column, row) => {
        const number = numberAt(column, row);
        return number === null ? null : number === 1;
      };
    case 'timestamptz':
      return (column, row) => {
        const micros = numberAt(column, row);
        return micros === null ? null : msOf(micros);
      };
    default:
      return numberAt;
  }
};

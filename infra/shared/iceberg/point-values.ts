/** One value of a column as the domain has it, by Iceberg type. */
import type { Value } from '#domain/values/value.ts';
import type { ColumnValues } from '#infra/shared/parquet/column-values.ts';

/** Rounds down, also before 1970. */
const msOf = (micros: number): number => (micros - (((micros % 1000) + 1000) % 1000)) / 1000;

const bytesAt = (column: ColumnValues, row: number): Buffer | null => {
  if (column.kind !== 'bytes') return null;
  const value = column.index[row] as number;
  return value < 0 ? null : column.data.subarray(column.starts[value], column.ends[value]);
};

const numberAt = (column: ColumnValues, row: number): number | null => {
  if (column.kind !== 'numbers' || column.nulls?.[row] === 1) return null;
  const number = column.values[row] as number;
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

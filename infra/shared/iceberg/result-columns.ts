/** A result chunk's columns as values of the domain, by Iceberg type. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { Value } from '#domain/values/value.ts';
import { createDictionary, isNumeric, readNumbers } from '#infra/shared/duckdb/column-reader.ts';
import { msOfMicros } from './bounds.ts';
import { type IcebergField, typeName } from './schema.ts';

const fromDuckDb = (type: string, value: unknown): Value => {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'long':
      return Number(value as bigint);
    case 'timestamptz':
      return msOfMicros((value as { micros: bigint }).micros);
    case 'date':
      return (value as { days: number }).days;
    case 'binary':
      return Buffer.from((value as { bytes: Uint8Array }).bytes).toString('base64');
    default:
      return value as Value;
  }
};

export type ColumnReader = (chunk: DuckDBDataChunk, index: number) => readonly Value[];

const parsed = (text: Value): Value =>
  text === null ? null : (JSON.parse(text as string) as Value);

/** @param json whether columns that the table stores as JSON are parsed */
export const columnReader = (field: IcebergField, json: boolean): ColumnReader => {
  const type = typeName(field);
  if (type === 'string') {
    const dictionary = createDictionary();
    const decode = json && field.doc === 'json' ? parsed : (text: Value): Value => text;
    return (chunk, index) => {
      const codes = new Int32Array(chunk.rowCount);
      dictionary.read(chunk, index, codes, 0);
      return Array.from(codes, (code) =>
        decode(code < 0 ? null : (dictionary.values[code] as string)),
      );
    };
  }
  if (isNumeric(type)) {
    const boolean = type === 'boolean';
    return (chunk, index) => {
      const numbers = new Float64Array(chunk.rowCount);
      readNumbers(chunk, index, type, numbers, 0);
      return Array.from(
        numbers,
        (value): Value => (Number.isNaN(value) ? null : boolean ? value === 1 : value),
      );
    };
  }
  if (!type.startsWith('list<'))
    return (chunk, index) => chunk.getColumnValues(index).map((item) => fromDuckDb(type, item));
  const element = type.slice(5, -1);
  return (chunk, index) =>
    chunk
      .getColumnValues(index)
      .map((list) =>
        list === null
          ? null
          : (list as { items: readonly unknown[] }).items.map((item) => fromDuckDb(element, item)),
      );
};

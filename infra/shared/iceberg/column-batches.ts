/** Collects result chunks into larger batches of typed arrays, for scans that compute. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { CodedColumn, ScannedColumn, ScannedColumns } from '#domain/ports/history.ts';
import type { Value } from '#domain/values/value.ts';
import { CHUNK_ROWS } from '#infra/shared/duckdb/column-parts.ts';
import { createDictionary, isNumeric, readNumbers } from '#infra/shared/duckdb/column-reader.ts';
import type { TextCodes } from '#infra/shared/text-codes.ts';
import { columnReader } from './result-columns.ts';
import { type IcebergField, typeName } from './schema.ts';

const BATCH_ROWS = 32 * CHUNK_ROWS;

interface Gathering {
  /** of a column of strings */
  readonly texts?: TextCodes;
  read(chunk: DuckDBDataChunk, index: number, at: number): void;
  /** returns the batch's column, and begins the next batch */
  take(count: number): ScannedColumn;
}

const numbers = (type: string): Gathering => {
  let values = new Float64Array(BATCH_ROWS);
  return {
    read: (chunk, index, at) => readNumbers(chunk, index, type, values, at),
    take(count) {
      const full = values.subarray(0, count);
      values = new Float64Array(BATCH_ROWS);
      return full;
    },
  };
};

const strings = (): Gathering => {
  const dictionary = createDictionary();
  let codes = new Int32Array(BATCH_ROWS);
  return {
    texts: dictionary.texts,
    read: (chunk, index, at) => dictionary.read(chunk, index, codes, at),
    take(count) {
      const full = codes.subarray(0, count);
      codes = new Int32Array(BATCH_ROWS);
      return { codes: full, values: dictionary.values };
    },
  };
};

const others = (field: IcebergField): Gathering => {
  const read = columnReader(field, false);
  let values: Value[] = [];
  return {
    read(chunk, index) {
      for (const value of read(chunk, index)) values.push(value);
    },
    take() {
      const full = values;
      values = [];
      return full;
    },
  };
};

const gathering = (field: IcebergField): Gathering => {
  const type = typeName(field);
  if (type === 'string') return strings();
  return isNumeric(type) ? numbers(type) : others(field);
};

export interface ColumnBatches {
  /** @returns a batch when it is full */
  add(chunk: DuckDBDataChunk): ScannedColumns | null;
  rest(): ScannedColumns | null;
  /** A batch of columns that were not read from chunks: numbers, or codes of `texts`. */
  of(columns: readonly (Float64Array | Int32Array)[], count: number): ScannedColumns;
  /** the codes of a column of strings, which all batches share */
  texts(field: IcebergField): TextCodes;
}

/** @param names the requested fields; those that are not in `fields` are null in every row */
export const columnBatches = (
  fields: readonly IcebergField[],
  time: IcebergField,
  names: readonly string[],
): ColumnBatches => {
  const columns = fields.map(gathering);
  let count = 0;
  const batchOf = (taken: readonly ScannedColumn[], rows: number): ScannedColumns => {
    const named = new Map(fields.map((field, i) => [field.name, taken[i] as ScannedColumn]));
    const eventTime = named.get(time.name) as Float64Array;
    return {
      count: rows,
      eventTime: time.type === 'date' ? eventTime.map((days) => days * 86_400_000) : eventTime,
      partition: named.get('_partition') as Float64Array,
      offset: named.get('_offset') as Float64Array,
      logTime: named.get('_log_time') as Float64Array,
      columns: Object.fromEntries(
        names.map((name) => [name, named.get(name) ?? new Array<Value>(rows).fill(null)]),
      ),
    };
  };
  const take = (): ScannedColumns => {
    const batch = batchOf(
      columns.map((column) => column.take(count)),
      count,
    );
    count = 0;
    return batch;
  };
  const texts = (field: IcebergField): TextCodes =>
    columns[fields.indexOf(field)]?.texts as TextCodes;
  return {
    add(chunk) {
      for (let i = 0; i < columns.length; i++) (columns[i] as Gathering).read(chunk, i, count);
      count += chunk.rowCount;
      return count > BATCH_ROWS - CHUNK_ROWS ? take() : null;
    },
    rest: () => (count === 0 ? null : take()),
    texts,
    of: (taken, rows) =>
      batchOf(
        taken.map((column, i): Float64Array | CodedColumn =>
          column instanceof Float64Array
            ? column
            : { codes: column, values: texts(fields[i] as IcebergField).values },
        ),
        rows,
      ),
  };
};

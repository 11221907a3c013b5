/** Collects result chunks into larger batches of typed arrays, for scans that compute. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { ScannedColumn, ScannedColumns } from '#domain/ports/history.ts';
import type { Value } from '#domain/values/value.ts';
import { CHUNK_ROWS } from '#infra/shared/duckdb/column-parts.ts';
import { createDictionary, isNumeric, readNumbers } from '#infra/shared/duckdb/column-reader.ts';
import { columnReader } from './result-columns.ts';
import { type IcebergField, typeName } from './schema.ts';

const BATCH_ROWS = 32 * CHUNK_ROWS;

interface Gathering {
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
}

/** @param names the requested fields; those that are not in `fields` are null in every row */
export const columnBatches = (
  fields: readonly IcebergField[],
  time: IcebergField,
  names: readonly string[],
): ColumnBatches => {
  const columns = fields.map(gathering);
  let count = 0;
  const take = (): ScannedColumns => {
    const taken = new Map(
      fields.map((field, i) => [field.name, (columns[i] as Gathering).take(count)]),
    );
    const eventTime = taken.get(time.name) as Float64Array;
    const batch: ScannedColumns = {
      count,
      eventTime: time.type === 'date' ? eventTime.map((days) => days * 86_400_000) : eventTime,
      partition: taken.get('_partition') as Float64Array,
      offset: taken.get('_offset') as Float64Array,
      logTime: taken.get('_log_time') as Float64Array,
      columns: Object.fromEntries(
        names.map((name) => [name, taken.get(name) ?? new Array<Value>(count).fill(null)]),
      ),
    };
    count = 0;
    return batch;
  };
  return {
    add(chunk) {
      for (let i = 0; i < columns.length; i++) (columns[i] as Gathering).read(chunk, i, count);
      count += chunk.rowCount;
      return count > BATCH_ROWS - CHUNK_ROWS ? take() : null;
    },
    rest: () => (count === 0 ? null : take()),
  };
};

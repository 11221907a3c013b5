/**
 * Writes the values of many entities at one time, for batch scoring: Parquet or CSV by extension,
 * whole under its name or not at all.
 */
import { setImmediate } from 'node:timers/promises';
import { fail } from '#domain/errors.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import type { ResultValues } from '#domain/training-sets/columns.ts';
import { asText, TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import { type StatusCodes, statusAt } from '#domain/training-sets/statuses.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { Value } from '#domain/values/value.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { interruptOnAbort } from '#infra/shared/duckdb/interrupt.ts';
import { isDiskFull } from '#infra/shared/files/durable-file.ts';
import { sqlType } from '#infra/shared/iceberg/parquet-scan.ts';
import { icebergType } from './duckdb-types.ts';
import { discard, outputFormat, temporaryPath, writeRows } from './output-file.ts';
import { createTable, type TableFiller } from './result-table.ts';
import { TIME_TYPE } from './spine-reader.ts';

/** Some of the rows: the columns of the keys, then those of the features. */
export interface BatchChunk {
  readonly rows: number;
  readonly columns: readonly (ResultValues | readonly Value[] | StatusCodes)[];
}

export interface BatchFile {
  readonly out: string;
  readonly keys: readonly NamedType[];
  readonly features: readonly NamedType[];
  /** the time of the values, written to a column of its own; absent: no column */
  readonly at?: number;
  readonly overwrite?: boolean | undefined;
  /** where the rows are written first; default: beside the output */
  readonly temporary?: string | undefined;
  readonly memoryLimit?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const TEXT = fieldType('string', true);

/** In a CSV file, times of keys and rows are texts as those of a spine are. */
const isText = ({ type }: NamedType): boolean =>
  !type.array && (type.base === 'timestamp' || type.base === 'date');

type Column = BatchChunk['columns'][number];
type SetCell = (filler: TableFiller, column: number, values: Column, row: number) => void;

const setCell: SetCell = (filler, column, values, row) => {
  if (values instanceof Float64Array) filler.setNumber(column, values[row] as number);
  else if (values instanceof Uint8Array) filler.set(column, statusAt(values, row));
  else filler.set(column, values[row] ?? null);
};
const setText =
  ({ type }: NamedType): SetCell =>
  (filler, column, values, row) => {
    const value = (values[row] ?? null) as Value;
    filler.set(column, value === null ? null : String(asText(type, value)));
  };

/** @returns the number of rows */
export const writeBatch = async (
  file: BatchFile,
  chunks: Iterable<BatchChunk> | AsyncIterable<BatchChunk>,
): Promise<number> => {
  const { out, keys, features, at, overwrite = true, signal } = file;
  const asTexts = outputFormat(out) === 'csv';
  const { temporary = temporaryPath(out) } = file;
  const time: NamedType = { name: TIME_COLUMN, type: TIME_TYPE };
  const given = [...keys, ...features];
  const setters = given.map((column, i) =>
    asTexts && i < keys.length && isText(column) ? setText(column) : setCell,
  );
  const typeOf = (column: NamedType, isKey: boolean) =>
    asTexts && isKey && isText(column) ? TEXT : column.type;
  const columns = [
    ...keys.map((key) => ({ name: key.name, type: typeOf(key, true) })),
    ...(at === undefined ? [] : [{ name: TIME_COLUMN, type: typeOf(time, true) }]),
    ...features,
  ];
  const duckDb = await openDuckDb({
    threads: 2,
    memoryLimit: file.memoryLimit ?? '384MB',
    spillDirectory: `${temporary}.spill`,
  });
  const connection = await duckDb.connect();
  const done = interruptOnAbort(connection, signal);
  try {
    await connection.run('SET preserve_insertion_order = true');
    const filler = await createTable(
      connection,
      'batch',
      columns.map(({ type }) => type),
    );
    const timeAt = keys.length;
    const setTime = asTexts ? setText(time) : setCell;
    const times = Float64Array.of(at ?? 0);
    const places = given.map((_, i) => (at === undefined || i < timeAt ? i : i + 1));
    let count = 0;
    for await (const { rows, columns: values } of chunks) {
      for (let row = 0; row < rows; row++) {
        for (let c = 0; c < given.length; c++)
          (setters[c] as SetCell)(filler, places[c] as number, values[c] as Column, row);
        if (at !== undefined) setTime(filler, timeAt, times, 0);
        filler.next();
      }
      count += rows;
      signal?.throwIfAborted();
      await setImmediate();
    }
    filler.close();
    signal?.throwIfAborted();
    const output = {
      from: 'batch',
      columns: columns.map(({ name, type }, i) => ({
        name,
        sql: columnName(i),
        type: sqlType(icebergType(type)),
      })),
      rows: count,
    };
    await writeRows(connection, output, out, { temporary, signal, overwrite });
    return count;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    return fail(
      'MR_DISK_FULL',
      `the disk that holds ${out} is full; no part of the file was kept`,
      {
        path: out,
      },
    );
  } finally {
    done();
    connection.closeSync();
    duckDb.close();
    await discard(temporary);
  }
};

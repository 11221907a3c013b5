/**
 * A spine from a file of Arrow IPC, in the format for files or for streams: its columns keep their
 * types. One record batch at a time is in memory.
 */
import { open } from 'node:fs/promises';
import { type DuckDBConnection, DuckDBDataChunk, type DuckDBType } from '@duckdb/node-api';
import { RecordBatchReader, type Schema } from 'apache-arrow';
import { fail } from '#domain/errors.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import type { Query } from '#domain/sql/duckdb/parquet-table.ts';
import { refuseRowsAbove } from '#domain/training-sets/row-memory.ts';
import { CHUNK_ROWS } from '#infra/shared/duckdb/column-parts.ts';
import { type ArrowColumn, arrowColumn } from './arrow-columns.ts';
import type { OutputFormat } from './output-file.ts';
import { ROW_COLUMN, SPINE_TABLE, type Spine } from './spine.ts';
import type { Wanted } from './spine-reader.ts';
import { checkNames, checkParquetNames } from './spine-refusals.ts';
import { tableSpine } from './spine-table.ts';

const columnsOf = ({ fields }: Schema): readonly ArrowColumn[] =>
  fields.map(
    ({ name, type }) =>
      arrowColumn(type) ??
      fail(
        'MR_SPINE_INVALID',
        `column ${JSON.stringify(name)} of the spine has Arrow's type ${type}, which is not read: write it as text, a number, a time or a list of these`,
        { column: name },
      ),
  );

type Reader = Awaited<ReturnType<typeof RecordBatchReader.from>>;

/** @throws MR_SPINE_INVALID */
const withReader = async <T>(path: string, read: (reader: Reader) => Promise<T>): Promise<T> => {
  const file = await open(path);
  try {
    const reader = (await RecordBatchReader.from(file as never)) as Reader;
    await reader.open();
    if ((reader as { readonly schema?: Schema }).schema === undefined)
      throw new Error('it has no schema');
    return await read(reader);
  } catch (error) {
    if (error instanceof Error && error.name === 'MillraceError') throw error;
    return fail(
      'MR_SPINE_INVALID',
      `the spine "${path}" cannot be read as Arrow IPC: ${(error as Error).message}. Write it again, without compression`,
      { file: path },
    );
  } finally {
    await file.close().catch(() => undefined);
  }
};

export const arrowSpine = (
  connection: DuckDBConnection,
  path: string,
  wanted: Wanted,
  output: OutputFormat | null,
): Promise<Spine> =>
  withReader(path, async (reader) => {
    const query: Query = async (sql) => (await connection.runAndReadAll(sql)).getRows();
    const names = reader.schema.fields.map(({ name }) => name);
    checkNames(names, wanted.keys, wanted.request);
    if (output === 'parquet') checkParquetNames(names);
    const columns = columnsOf(reader.schema);
    const types = columns.map(({ type }) => type);
    const declared = types.map((type, i) => `${columnName(i)} ${type}`);
    await connection.run(
      `CREATE TABLE ${SPINE_TABLE} (${[...declared, `${ROW_COLUMN} BIGINT`].join(', ')})`,
    );
    const appender = await connection.createAppender(SPINE_TABLE);
    const chunkTypes = Array.from(
      { length: columns.length + 1 },
      (_, i): DuckDBType => appender.columnType(i),
    );
    let rows = 0;
    for await (const batch of reader) {
      wanted.signal?.throwIfAborted();
      refuseRowsAbove(wanted.maxRows, rows + batch.numRows);
      for (let from = 0; from < batch.numRows; from += CHUNK_ROWS) {
        const count = Math.min(CHUNK_ROWS, batch.numRows - from);
        const chunk = DuckDBDataChunk.create(chunkTypes, count);
        columns.forEach(({ valueAt }, c) => {
          const vector = batch.getChildAt(c);
          chunk.setColumnValues(
            c,
            Array.from({ length: count }, (_, i) =>
              vector?.isValid(from + i) === true ? valueAt(vector, from + i) : null,
            ),
          );
        });
        const first = rows;
        chunk.setColumnValues(
          columns.length,
          Array.from({ length: count }, (_, i) => BigInt(first + i)),
        );
        appender.appendDataChunk(chunk);
        rows += count;
      }
    }
    appender.closeSync();
    if (rows === 0) fail('MR_SPINE_INVALID', 'the spine has no rows: give at least one', {});
    const table = {
      names,
      types,
      unreadable: names.map(() => null),
      zonedNanos: names.map(() => false),
    };
    return tableSpine(connection, query, { original: table, table, rows }, wanted);
  });

/**
 * Keeps the rows of a SQL statement as a spine, in a Parquet file of the builder's own directory:
 * an erasure searches these files. A few batches are in memory.
 */
import { createHash } from 'node:crypto';
import {
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBTimestampTZValue,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import type { DatasetBatches } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import type { StoredSpine } from '#domain/ports/training-set-builder.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import type {
  SqlBatch,
  SqlColumn,
  SqlForm,
  SqlType,
  SqlValue,
} from '#domain/sql-results/sql-type.ts';
import { jsonOf } from '#domain/sql-results/text.ts';
import { CHUNK_ROWS } from '#infra/shared/duckdb/column-parts.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { discard, temporaryPath, writeRows } from './output-file.ts';
import type { Wanted } from './spine-reader.ts';
import { checkNames, checkParquetNames } from './spine-refusals.ts';

const TABLE = 'statement';

const TYPES: Readonly<Partial<Record<SqlForm, string>>> = {
  boolean: 'BOOLEAN',
  int: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  bytes: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
};

const duckDbType = (name: string, type: SqlType): string => {
  if (type.form === 'list') return `${duckDbType(name, type.element)}[]`;
  if (type.form === 'decimal') return type.name.toUpperCase();
  return (
    (type.form === 'struct' ? undefined : TYPES[type.form]) ??
    fail(
      'MR_SPINE_INVALID',
      `column ${JSON.stringify(name)} of the statement is a ${type.name}, which a spine cannot have: select its fields as columns`,
      { column: name },
    )
  );
};

const decimalValue = (text: string, name: string): DuckDBValue => {
  const [width = 38, scale = 0] = (/\d+,\d+/.exec(name)?.[0] ?? '').split(',').map(Number);
  const [whole = '0', fraction = ''] = text.split('.');
  return new DuckDBDecimalValue(BigInt(whole + fraction.padEnd(scale, '0')), width, scale);
};

const duckDbValue = (type: SqlType, value: SqlValue): DuckDBValue => {
  if (value === null) return null;
  switch (type.form) {
    case 'list':
      return new DuckDBListValue(
        (value as readonly SqlValue[]).map((item) => duckDbValue(type.element, item)),
      );
    case 'decimal':
      return decimalValue(value as string, type.name);
    case 'bytes':
      return new DuckDBBlobValue(value as Uint8Array);
    case 'date':
      return new DuckDBDateValue(value as number);
    case 'timestamp':
      return new DuckDBTimestampTZValue(value as bigint);
    default:
      return value as DuckDBValue;
  }
};

/** Of the names, types and values, whatever the batches are. */
const rowsDigest = (columns: readonly SqlColumn[]) => {
  const hash = createHash('sha256');
  hash.update(`${JSON.stringify(columns.map(({ name, type }) => [name, type.name]))}\n`);
  return {
    add(batch: SqlBatch): void {
      for (let row = 0; row < batch.rows; row++) {
        const cells = columns.map(({ type }, i) => jsonOf(type, batch.columns[i]?.[row] ?? null));
        hash.update(`${JSON.stringify(cells)}\n`);
      }
    },
    hex: (): string => hash.digest('hex'),
  };
};

const append = async (
  connection: DuckDBConnection,
  columns: readonly SqlColumn[],
  types: readonly string[],
  batches: AsyncIterable<SqlBatch>,
): Promise<{ readonly rows: number; readonly sha256: string }> => {
  const declared = types.map((type, i) => `${columnName(i)} ${type}`);
  await connection.run(`CREATE TABLE ${TABLE} (${declared.join(', ')})`);
  const appender = await connection.createAppender(TABLE);
  const chunkTypes = types.map((_, i): DuckDBType => appender.columnType(i));
  const digest = rowsDigest(columns);
  let rows = 0;
  for await (const batch of batches) {
    digest.add(batch);
    for (let from = 0; from < batch.rows; from += CHUNK_ROWS) {
      const to = Math.min(batch.rows, from + CHUNK_ROWS);
      const chunk = DuckDBDataChunk.create(chunkTypes, to - from);
      columns.forEach(({ type }, c) => {
        const values = (batch.columns[c] ?? []).slice(from, to);
        chunk.setColumnValues(
          c,
          values.map((value) => duckDbValue(type, value)),
        );
      });
      appender.appendDataChunk(chunk);
    }
    rows += batch.rows;
  }
  appender.closeSync();
  return { rows, sha256: digest.hex() };
};

/**
 * @param path of the file, which gets its name when all rows are in it
 * @throws MR_SPINE_INVALID where a column is missing or of a wrong kind, or there is no row
 */
export const storeSpine = async (
  { columns, batches }: DatasetBatches,
  path: string,
  { keys, request }: Pick<Wanted, 'keys' | 'request'>,
): Promise<StoredSpine> => {
  const names = columns.map(({ name }) => name);
  checkNames(names, keys, request);
  checkParquetNames(names);
  const types = columns.map(({ name, type }) => duckDbType(name, type));
  const temporary = temporaryPath(path);
  const duckDb = await openDuckDb({ memoryLimit: '256MB', spillDirectory: `${temporary}.spill` });
  const connection = await duckDb.connect();
  try {
    await connection.run('SET preserve_insertion_order = true');
    const { rows, sha256 } = await append(connection, columns, types, batches);
    if (rows === 0)
      fail('MR_SPINE_INVALID', 'the statement has no rows: a data set needs at least one', {});
    const written = names.map((name, i) => ({
      name,
      sql: columnName(i),
      type: types[i] as string,
    }));
    await writeRows(connection, { from: TABLE, columns: written, rows }, path, {
      temporary,
      overwrite: true,
    });
    return { rows, sha256 };
  } finally {
    connection.closeSync();
    duckDb.close();
    await discard(temporary);
  }
};

/**
 * Writes the values of many entities at one time, for batch scoring: Parquet or CSV by extension,
 * whole under its name or not at all.
 */
import { setImmediate } from 'node:timers/promises';
import type { EntityKey } from '#domain/plan/plan.ts';
import { columnName } from '#domain/sql/duckdb/parquet-files.ts';
import type { NamedType } from '#domain/training-sets/training-set-plan.ts';
import type { Value } from '#domain/values/value.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { sqlType } from '#infra/shared/iceberg/parquet-scan.ts';
import { icebergType } from './duckdb-types.ts';
import { outputFormat, temporaryPath, writeRows } from './output-file.ts';
import { createTable } from './result-table.ts';

export interface BatchRow {
  readonly entity: EntityKey;
  /** in the order of `features` */
  readonly values: readonly Value[];
}

export interface BatchFile {
  readonly out: string;
  readonly keys: readonly NamedType[];
  readonly features: readonly NamedType[];
  /** the time of the values, written to a column of its own; absent: no column */
  readonly at?: number;
  readonly signal?: AbortSignal;
}

/** Other work of the thread runs after this many rows. */
const TURN_ROWS = 2048;
const TIME: NamedType = {
  name: 'event_timestamp',
  type: { base: 'timestamp', array: false, nullable: false },
};

/** @returns the number of rows */
export const writeBatch = async (
  { out, keys, features, at, signal }: BatchFile,
  rows: Iterable<BatchRow> | AsyncIterable<BatchRow>,
): Promise<number> => {
  outputFormat(out);
  const temporary = temporaryPath(out);
  const duckDb = await openDuckDb({
    threads: 1,
    memoryLimit: '384MB',
    spillDirectory: `${temporary}.spill`,
  });
  const connection = await duckDb.connect();
  try {
    await connection.run('SET preserve_insertion_order = true');
    const columns = [...keys, ...(at === undefined ? [] : [TIME]), ...features];
    const filler = await createTable(
      connection,
      'batch',
      columns.map(({ type }) => type),
    );
    let count = 0;
    for await (const { entity, values } of rows) {
      let column = 0;
      for (const { name } of keys) filler.set(column++, entity[name] ?? null);
      if (at !== undefined) filler.set(column++, at);
      for (let f = 0; f < features.length; f++) filler.set(column++, values[f] ?? null);
      filler.next();
      if (++count % TURN_ROWS !== 0) continue;
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
    await writeRows(connection, output, out, { temporary, signal, overwrite: true });
    return count;
  } finally {
    connection.closeSync();
    duckDb.close();
  }
};

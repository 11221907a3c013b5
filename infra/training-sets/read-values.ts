/** Reads the results of a training set back into memory. */
import { DuckDBTypeId } from '@duckdb/node-api';
import { parquetRows } from '#domain/sql/duckdb/parquet-files.ts';
import { parquetTable } from '#domain/sql/duckdb/parquet-table.ts';
import type { Value } from '#domain/values/value.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { msOfMicros } from '#infra/shared/iceberg/bounds.ts';

interface Micros {
  readonly micros: bigint;
}

/** @param type DuckDB's, of the column or of its elements */
const plain = (type: DuckDBTypeId, value: unknown): Value => {
  if (value === null || value === undefined) return null;
  switch (type) {
    case DuckDBTypeId.TIMESTAMP_TZ:
    case DuckDBTypeId.TIMESTAMP:
      return msOfMicros((value as Micros).micros);
    case DuckDBTypeId.DATE:
      return (value as { readonly days: number }).days;
    case DuckDBTypeId.BLOB:
      return Buffer.from((value as { readonly bytes: Uint8Array }).bytes).toString('base64');
    default:
      return typeof value === 'bigint' ? Number(value) : (value as Value);
  }
};

/** @returns column → value, for each row of the spine in its order */
export const readValues = async (file: string): Promise<readonly ReadonlyMap<string, Value>[]> => {
  const duckDb = await openDuckDb({ memoryLimit: '256MB' });
  const connection = await duckDb.connect();
  try {
    await connection.run('SET preserve_insertion_order = true');
    const { names } = await parquetTable(
      async (sql) => (await connection.runAndReadAll(sql)).getRows(),
      file,
    );
    const result = await connection.stream(`SELECT * FROM ${parquetRows(file, names.length)}`);
    const readers = result.columnTypes().map((type): ((value: unknown) => Value) => {
      if (type.typeId !== DuckDBTypeId.LIST) return (value) => plain(type.typeId, value);
      const element = (type as unknown as { readonly valueType: { readonly typeId: DuckDBTypeId } })
        .valueType.typeId;
      return (value) =>
        value === null
          ? null
          : (value as { readonly items: readonly unknown[] }).items.map((item) =>
              plain(element, item),
            );
    });
    const rows: ReadonlyMap<string, Value>[] = [];
    // One chunk at a time: other work of this thread runs in between.
    for (
      let chunk = await result.fetchChunk();
      chunk !== null && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    )
      for (const row of chunk.getRows())
        rows.push(
          new Map(
            row.map((value, c) => [
              names[c] as string,
              (readers[c] as (typeof readers)[number])(value),
            ]),
          ),
        );
    return rows;
  } finally {
    connection.closeSync();
    duckDb.close();
  }
};

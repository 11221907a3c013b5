/**
 * The end offsets of a table that another engine wrote: for each partition of the log, the offset
 * after the highest one in the table. A commit of Flink contains all records before a checkpoint's
 * barrier, a prefix of every partition, so no record below the highest offset is missing.
 *
 * Files never change, so each is examined once: by its bounds if it has only one partition,
 * otherwise by its two columns.
 */
import type { FileIO } from '#domain/ports/file-io.ts';
import { parquetByName } from '#domain/sql/duckdb/parquet-files.ts';
import type { DuckDb } from '#infra/shared/duckdb/connect.ts';
import { decodeBound } from './bounds.ts';
import type { DataFile } from './manifest.ts';
import type { PinnedTable } from './pinned-table.ts';
import { type IcebergField, typeName } from './schema.ts';

/** partition → next offset */
type Reached = ReadonlyMap<number, number>;

const bound = (
  bounds: DataFile['lower_bounds'],
  field: IcebergField | undefined,
): number | null => {
  const found = field === undefined ? undefined : bounds?.find((entry) => entry.key === field.id);
  const value =
    found === undefined || field === undefined ? null : decodeBound(typeName(field), found.value);
  return typeof value === 'number' ? value : null;
};

const fromBounds = (table: PinnedTable, file: DataFile): Reached | null => {
  const partition = table.fields.find((field) => field.name === '_partition');
  const offset = table.fields.find((field) => field.name === '_offset');
  const [low, high] = [bound(file.lower_bounds, partition), bound(file.upper_bounds, partition)];
  const last = bound(file.upper_bounds, offset);
  return low === null || low !== high || last === null ? null : new Map([[low, last + 1]]);
};

export const reachedOffsets = (
  files: FileIO,
  duckDb: DuckDb,
): ((table: PinnedTable) => Promise<readonly number[]>) => {
  let recent = new Map<string, Reached>();
  const fromFile = async (uri: string): Promise<Reached> => {
    const [path] = (await files.engine.readable([uri])) as [string];
    const connection = await duckDb.connect();
    try {
      const result = await connection.runAndReadAll(
        `SELECT _partition, max(_offset) AS last FROM ${parquetByName([path])} GROUP BY _partition`,
      );
      return new Map(
        result.getRows().map(([partition, last]) => [Number(partition), Number(last) + 1] as const),
      );
    } finally {
      connection.closeSync();
    }
  };
  return async (table) => {
    const next = new Map<string, Reached>();
    const endOffsets: number[] = [];
    for (const { uri, file } of table.files) {
      const reached = recent.get(uri) ?? fromBounds(table, file) ?? (await fromFile(uri));
      next.set(uri, reached);
      for (const [partition, offset] of reached)
        endOffsets[partition] = Math.max(endOffsets[partition] ?? 0, offset);
    }
    recent = next;
    return Array.from(endOffsets, (offset) => offset ?? 0);
  };
};

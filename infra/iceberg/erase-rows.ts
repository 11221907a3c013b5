/**
 * Removes rows from a table: the files that have them are written anew without them, the manifests
 * without a trace of the old files (their bounds are values), and all older snapshots expire. A run
 * that is killed leaves a table that can be read, and the next run finishes it.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Match } from '#domain/erasure/scope.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { identifier, literal } from '#domain/sql/duckdb/names.ts';
import { parquetByName } from '#domain/sql/duckdb/parquet-files.ts';
import { checkedPaths, entriesOf, manifestsOf } from '#infra/shared/iceberg/append.ts';
import type { ManifestEntry } from '#infra/shared/iceberg/manifest.ts';
import {
  currentSchema,
  currentSnapshot,
  horizonOf,
  type TableMetadata,
} from '#infra/shared/iceberg/metadata.ts';
import { readParquet, SQL_TYPES } from '#infra/shared/iceberg/parquet-scan.ts';
import { type IcebergField, typeName } from '#infra/shared/iceberg/schema.ts';
import { commitTable, loadTable, tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { expireSnapshots } from './maintenance.ts';
import { removeOrphans } from './orphans.ts';
import { withoutRows } from './without-rows.ts';

/** The value of a column as text, as `String` writes the value of a key. */
const asText = (field: IcebergField): string => {
  const name = identifier(field.name);
  switch (typeName(field)) {
    case 'timestamptz':
      return `CAST(epoch_ms(${name}) AS VARCHAR)`;
    case 'date':
      return `CAST(date_diff('day', DATE '1970-01-01', ${name}) AS VARCHAR)`;
    case 'binary':
      return `to_base64(${name})`;
    default:
      return `CAST(${name} AS VARCHAR)`;
  }
};

const isNumber = (field: IcebergField): boolean =>
  ['int', 'long', 'float', 'double'].includes(typeName(field));

/** The rows that one of the matches holds for; null: the table lacks the columns of all. */
export const conditionOf = (
  matches: readonly Match[],
  fields: readonly IcebergField[],
): string | null => {
  const named = new Map(fields.map((field) => [field.name, field]));
  const conditions = matches.flatMap((match) => {
    const parts = match.map(({ field, value }) => {
      const found = named.get(field);
      if (found === undefined) return null;
      return isNumber(found) && typeof value === 'number'
        ? `${identifier(field)} = ${value}`
        : `${asText(found)} = ${literal(String(value))}`;
    });
    return parts.includes(null) ? [] : [`(${parts.join(' AND ')})`];
  });
  return conditions.length === 0 ? null : `coalesce(${conditions.join(' OR ')}, false)`;
};

/** Tables of values by period are of no topic: their rows have no position. */
const hasPositions = (fields: readonly IcebergField[]): boolean =>
  fields.some(({ name }) => name === '_offset');

export interface RowPosition {
  readonly partition: number;
  readonly offset: number;
}

export interface SelectRowsOptions {
  readonly root: Directory;
  readonly topic: string;
  readonly matches: readonly Match[];
  readonly connection: DuckDBConnection;
}

export interface EraseRowsOptions extends SelectRowsOptions {
  readonly now: number;
  /**
   * whether older snapshots and files without one may have rows where the newest has none: after an
   * earlier run, after the log's records of them were removed, and where Flink writes the table
   */
  readonly begun: boolean;
  /** called with the positions of the rows before the first one is removed */
  readonly onFound: (rows: readonly RowPosition[]) => void;
}

export interface ErasedRows {
  readonly rows: number;
  /** data files that were written anew or removed */
  readonly files: number;
  /** snapshots that expired */
  readonly snapshots: number;
}

const NOTHING: ErasedRows = { rows: 0, files: 0, snapshots: 0 };

const liveFiles = async (
  table: Directory,
  metadata: TableMetadata,
): Promise<readonly ManifestEntry[]> =>
  entriesOf(table, metadata, await manifestsOf(table, metadata, currentSnapshot(metadata)));

/** The newest snapshot's rows, and the condition of those that one of the matches holds for. */
const matching = async ({
  root,
  topic,
  matches,
}: SelectRowsOptions): Promise<{
  readonly fields: readonly IcebergField[];
  readonly rows: string;
  readonly where: string;
} | null> => {
  const table = tableDirectory(root, topic);
  const metadata = (await loadTable(table))?.metadata;
  if (metadata === undefined) return null;
  const { fields } = currentSchema(metadata);
  const where = conditionOf(matches, fields);
  const paths = await checkedPaths(table, metadata, await liveFiles(table, metadata));
  return where === null || paths.length === 0
    ? null
    : { fields, rows: readParquet(paths, fields), where };
};

/** A column of the rows that one of the matches holds for, in the newest snapshot. */
export const selectRows = async (
  options: SelectRowsOptions,
  column: string,
): Promise<readonly (readonly unknown[])[]> => {
  const found = await matching(options);
  if (found === null) return [];
  const result = await options.connection.runAndReadAll(
    `SELECT ${identifier(column)} FROM ${found.rows} WHERE ${found.where}`,
  );
  return result.getRows();
};

/** Next offsets of a partition in the newest snapshot. */
export interface RowEnds {
  readonly partition: number;
  readonly all: number;
  /** of the rows that no match holds for; 0: there is none */
  readonly staying: number;
}

/** [] where the table has no such rows. */
export const rowEnds = async (options: SelectRowsOptions): Promise<readonly RowEnds[]> => {
  const found = await matching(options);
  if (found === null || !hasPositions(found.fields)) return [];
  const result = await options.connection.runAndReadAll(
    `SELECT _partition, max(_offset) + 1, coalesce(max(_offset) FILTER (NOT ${found.where}) + 1, 0) FROM ${found.rows} GROUP BY _partition`,
  );
  return result.getRows().map((row) => {
    const [partition, all, staying] = row.map(Number) as [number, number, number];
    return { partition, all, staying };
  });
};

const rewrite = async (options: EraseRowsOptions): Promise<ErasedRows> => {
  const { root, topic, matches, connection, now, onFound } = options;
  const table = tableDirectory(root, topic);
  const base = await loadTable(table);
  const snapshot = base === null ? null : currentSnapshot(base.metadata);
  if (base === null || snapshot === null) return NOTHING;
  const { metadata } = base;
  const { fields } = currentSchema(metadata);
  const where = conditionOf(matches, fields);
  if (where === null) return NOTHING;
  const entries = await liveFiles(table, metadata);
  const columns = hasPositions(fields) ? '_partition, _offset' : 'NULL, NULL';

  const replaced: { readonly entry: ManifestEntry; readonly left: number }[] = [];
  const positions: RowPosition[] = [];
  let erased = 0;
  for (const entry of entries) {
    const paths = await checkedPaths(table, metadata, [entry]);
    const result = await connection.runAndReadAll(
      `SELECT ${columns} FROM ${readParquet(paths, fields)} WHERE ${where}`,
    );
    const rows = result.getRows();
    if (rows.length === 0) continue;
    erased += rows.length;
    positions.push(
      ...rows.flatMap(([partition, offset]) =>
        offset === null ? [] : [{ partition: Number(partition), offset: Number(offset) }],
      ),
    );
    replaced.push({ entry, left: entry.data_file.record_count - rows.length });
  }
  if (replaced.length === 0) return NOTHING;
  onFound(positions);

  const next = await withoutRows({ table, metadata, connection, now, entries, replaced, where });
  await commitTable(table, base, next);
  return { rows: erased, files: replaced.length, snapshots: 0 };
};

/** Snapshots before a trim have rows that the newest does not. */
const hasOlder = async (table: Directory): Promise<boolean> => {
  const metadata = (await loadTable(table))?.metadata;
  if (metadata === undefined) return false;
  return metadata.snapshots.length > 1 || horizonOf(currentSnapshot(metadata)) !== null;
};

/** No other process may write the table. */
export const eraseRows = async (options: EraseRowsOptions): Promise<ErasedRows> => {
  const table = tableDirectory(options.root, options.topic);
  const erased = await rewrite(options);
  if (erased.rows === 0 && !options.begun && !(await hasOlder(table))) return erased;
  const snapshots = await expireSnapshots(table, {
    keep: 1,
    minAge: Number.NEGATIVE_INFINITY,
    now: options.now,
  });
  await removeOrphans(table);
  return { ...erased, snapshots };
};

/** How many rows of a Parquet file, of a table or not, one of the matches holds for. */
export const countInParquet = async (
  connection: DuckDBConnection,
  path: string,
  matches: readonly Match[],
): Promise<number> => {
  const from = parquetByName([path]);
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
  const fields = described.getRows().map(([name, type], id): IcebergField => {
    const sql = String(type);
    const iceberg = Object.entries(SQL_TYPES).find(([, one]) => one === sql)?.[0] ?? 'string';
    return { id, name: String(name), required: false, type: iceberg };
  });
  const where = conditionOf(matches, fields);
  if (where === null) return 0;
  const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${from} WHERE ${where}`);
  return Number(counted.getRows()[0]?.[0]);
};

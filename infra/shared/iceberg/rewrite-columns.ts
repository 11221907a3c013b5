/**
 * Gives columns a type to which Iceberg does not widen: a whole number becomes a double. Such a
 * column is replaced by one of the same name with a new field id, and all files are rewritten with
 * its values, in one commit. So every engine reads old rows and new ones as numbers of one type. An
 * earlier snapshot keeps its own files and its own schema.
 */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Directory } from '#domain/ports/file-io.ts';
import { identifier } from '#domain/sql/duckdb/names.ts';
import {
  addedEntries,
  addSnapshot,
  checkedPaths,
  deletedEntries,
  entriesOf,
  manifestsOf,
  newSnapshotId,
  writeManifest,
} from './append.ts';
import { writeDataFiles } from './data-files.ts';
import type { DataFile, ManifestEntry } from './manifest.ts';
import {
  currentSchema,
  currentSnapshot,
  endOffsetsOf,
  endOffsetsSummary,
  partitionSpec,
  type TableMetadata,
  withSchema,
} from './metadata.ts';
import { readParquet, sqlType } from './parquet-scan.ts';
import {
  type Evolution,
  evolve,
  type IcebergField,
  typeName,
  type WantedColumn,
} from './schema.ts';
import { commitTable, loadTable, type TableVersion, uriOf } from './table-directory.ts';
import { withoutBounds } from './without-bounds.ts';

interface RewriteOptions {
  readonly table: Directory;
  readonly connection: DuckDBConnection;
  readonly now: number;
}

/** Approximate number of rows of the files that are rewritten at once. */
const ROWS_AT_ONCE = 500_000;

/** The files in the order of their days, in groups of about as many rows. */
const groupsOf = (
  entries: readonly ManifestEntry[],
  partition: string,
): readonly (readonly ManifestEntry[])[] => {
  const day = ({ data_file }: ManifestEntry): number =>
    data_file.partition[partition] ?? Number.POSITIVE_INFINITY;
  const groups: ManifestEntry[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const entry of [...entries].sort((a, b) => day(a) - day(b))) {
    if (rows >= ROWS_AT_ONCE) {
      groups.push([]);
      rows = 0;
    }
    groups.at(-1)?.push(entry);
    rows += entry.data_file.record_count;
  }
  return groups;
};

/** The rows of files that have the fields of `before`, with the types of `after`. */
const converted = (
  paths: readonly string[],
  before: readonly IcebergField[],
  after: readonly IcebergField[],
): string => {
  const had = new Set(before.map(({ name }) => name));
  const columns = after.map((field) => {
    const name = identifier(field.name);
    const value = had.has(field.name) ? name : 'NULL';
    return `CAST(${value} AS ${sqlType(typeName(field))}) AS ${name}`;
  });
  return `(SELECT ${columns.join(', ')} FROM ${readParquet(paths, before)})`;
};

const rewrite = async (
  { table, connection }: RewriteOptions,
  base: TableMetadata,
  next: TableMetadata,
  entries: readonly ManifestEntry[],
): Promise<readonly DataFile[]> => {
  const [before, after] = [currentSchema(base).fields, currentSchema(next).fields];
  const files: DataFile[] = [];
  for (const group of groupsOf(entries, partitionSpec(base).fields[0]?.name as string)) {
    const paths = await checkedPaths(table, base, group);
    files.push(
      ...(await writeDataFiles(
        connection,
        { table, metadata: next, fields: after },
        {
          relation: converted(paths, before, after),
          unbounded: withoutBounds(before, group),
        },
        randomUUID(),
      )),
    );
  }
  return files;
};

/** @returns null where another commit came first */
const rewriteOnce = async (
  options: RewriteOptions,
  base: TableVersion,
  { fields, lastColumnId }: Evolution,
): Promise<TableVersion | null> => {
  const { table, now } = options;
  const shaped = withSchema(base.metadata, fields, lastColumnId);
  const snapshot = currentSnapshot(base.metadata);
  if (snapshot === null) return commitTable(table, base, shaped);
  const manifests = await manifestsOf(table, base.metadata, snapshot);
  const entries = await entriesOf(table, base.metadata, manifests);
  const files = await rewrite(options, base.metadata, shaped, entries);
  const snapshotId = newSnapshotId();
  const manifest = await writeManifest(table, shaped, [
    ...deletedEntries(entries, snapshotId),
    ...addedEntries(files, snapshotId),
  ]);
  const next = await addSnapshot(table, shaped, [], manifest, {
    snapshotId,
    operation: 'replace',
    summary: {
      ...endOffsetsSummary(endOffsetsOf(snapshot)),
      'deleted-data-files': String(entries.length),
    },
    now,
  });
  const done = await commitTable(table, base, next);
  if (done === null)
    for (const file of files) await table.files.delete(uriOf(table, shaped, file.file_path));
  return done;
};

/**
 * Rewrites a table if the wanted columns need it; it then has all of them.
 * @param name the topic, for messages
 * @returns the table's newest version
 */
export const rewriteColumns = async (
  options: RewriteOptions,
  name: string,
  base: TableVersion,
  wanted: readonly WantedColumn[],
): Promise<TableVersion> => {
  for (let version = base; ; ) {
    const { metadata } = version;
    const evolution = evolve(
      name,
      currentSchema(metadata).fields,
      metadata['last-column-id'],
      wanted,
    );
    if (evolution.replaced.length === 0) return version;
    version =
      (await rewriteOnce(options, version, evolution)) ??
      ((await loadTable(options.table, version)) as TableVersion);
  }
};

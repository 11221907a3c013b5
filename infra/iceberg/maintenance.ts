/** Keeps a table small: expires snapshots, and replaces a day's many small files by one. */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Directory } from '#domain/ports/file-io.ts';
import {
  addedEntries,
  addSnapshot,
  checkedPaths,
  deletedEntries,
  liveEntries,
  manifestsOf,
  newSnapshotId,
  writeManifest,
} from '#infra/shared/iceberg/append.ts';
import { writeDataFiles } from '#infra/shared/iceberg/data-files.ts';
import type { DataFile, ManifestEntry } from '#infra/shared/iceberg/manifest.ts';
import {
  currentSchema,
  currentSnapshot,
  endOffsetsOf,
  endOffsetsSummary,
  partitionColumn,
  partitionSpec,
  type TableMetadata,
} from '#infra/shared/iceberg/metadata.ts';
import { readParquet } from '#infra/shared/iceberg/parquet-scan.ts';
import { withSortOrder } from '#infra/shared/iceberg/sort-order.ts';
import {
  commitTable,
  loadTable,
  metadataUri,
  metadataVersions,
  uriOf,
  versionUri,
} from '#infra/shared/iceberg/table-directory.ts';
import { withoutBounds } from '#infra/shared/iceberg/without-bounds.ts';
import { chooseFiles, type Sizes } from './choose-files.ts';
import { referencedFiles } from './orphans.ts';

export interface ExpireOptions {
  readonly keep: number;
  /** snapshots that were the newest one within this time stay, ms: readers may have pinned them */
  readonly minAge: number;
  readonly now: number;
}

const KEPT_VERSIONS = 100;

/**
 * Expires old snapshots and deletes the files that only they referred to.
 * @returns how many snapshots expired; 0 where another commit came first
 */
export const expireSnapshots = async (
  table: Directory,
  { keep, minAge, now }: ExpireOptions,
): Promise<number> => {
  const { files } = table;
  const base = await loadTable(table);
  if (base === null) return 0;
  const { metadata } = base;
  const { snapshots } = metadata;
  const kept = snapshots.filter(
    (_, i) =>
      i >= snapshots.length - keep ||
      (snapshots[i + 1]?.['timestamp-ms'] ?? Number.POSITIVE_INFINITY) > now - minAge,
  );
  const gone = snapshots.length - kept.length;
  if (gone > 0) {
    const before = await referencedFiles(table, metadata);
    const ids = new Set(kept.map((snapshot) => snapshot['snapshot-id']));
    const next = {
      ...metadata,
      snapshots: kept,
      'snapshot-log': metadata['snapshot-log'].filter((entry) => ids.has(entry['snapshot-id'])),
    };
    if ((await commitTable(table, base, next)) === null) return 0;
    const after = await referencedFiles(table, next);
    // What cannot be deleted now is an orphan, and is deleted at the next start.
    for (const uri of before.data)
      if (!after.data.has(uri)) await files.delete(uri).catch(() => undefined);
    for (const uri of before.metadata)
      if (!after.metadata.has(uri)) await files.delete(uri).catch(() => undefined);
  }
  const versions = [...(await metadataVersions(table))].sort((a, b) => a - b);
  for (const version of versions.slice(0, -KEPT_VERSIONS))
    await files.delete(versionUri(table, version));
  return gone;
};

export interface CompactOptions extends Sizes {
  readonly table: Directory;
  readonly connection: DuckDBConnection;
  /** the keys by which files are sorted; files in another order are rewritten */
  readonly keys?: readonly string[];
  readonly now: number;
}

/**
 * Replaces the small files of a day by larger ones, and files that are not in the table's order by
 * sorted ones. The rows and the offsets do not change.
 * @returns how many files were replaced; 0: nothing to do, or another commit came first
 */
export const compact = async ({
  table,
  connection,
  keys = [],
  now,
  ...sizes
}: CompactOptions): Promise<number> => {
  const base = await loadTable(table);
  const snapshot = base === null ? null : currentSnapshot(base.metadata);
  if (base === null || snapshot === null) return 0;
  const metadata = sorted(base.metadata, keys);
  const manifests = await manifestsOf(table, metadata, snapshot);
  const entries = await Promise.all(
    manifests.map((manifest) => liveEntries(table, metadata, manifest)),
  );
  const { fields } = currentSchema(metadata);
  const { untouched, kept, merged } = chooseFiles(manifests, entries, {
    ...sizes,
    partition: partitionSpec(metadata).fields[0]?.name as string,
    order: metadata['default-sort-order-id'],
    offset: fields.find(({ name }) => name === '_offset')?.id,
  });
  const replaced = merged.flat();
  if (replaced.length === 0) return 0;
  const files: DataFile[] = [];
  for (const some of merged) {
    const paths = await checkedPaths(table, metadata, some);
    const from = { relation: readParquet(paths, fields), unbounded: withoutBounds(fields, some) };
    files.push(
      ...(await writeDataFiles(connection, { table, metadata, fields }, from, randomUUID())),
    );
  }
  const snapshotId = newSnapshotId();
  const rewritten: readonly ManifestEntry[] = [
    ...kept,
    ...deletedEntries(replaced, snapshotId),
    ...addedEntries(files, snapshotId),
  ];
  const manifest = await writeManifest(table, metadata, rewritten);
  const summary = {
    ...endOffsetsSummary(endOffsetsOf(snapshot)),
    'deleted-data-files': String(replaced.length),
  };
  const next = await addSnapshot(table, metadata, untouched, manifest, {
    snapshotId,
    operation: 'replace',
    summary,
    now,
  });
  if ((await commitTable(table, base, next)) !== null) return replaced.length;
  await table.files.delete(metadataUri(table, manifest.file));
  for (const file of files) await table.files.delete(uriOf(table, metadata, file.file_path));
  return 0;
};

const sorted = (metadata: TableMetadata, keys: readonly string[]): TableMetadata =>
  keys.length === 0
    ? metadata
    : withSortOrder(metadata, currentSchema(metadata).fields, [
        ...keys,
        partitionColumn(metadata).name,
      ]);

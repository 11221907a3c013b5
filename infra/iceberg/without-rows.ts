/**
 * A table without some of its rows: files that have others, too, are written anew without them. The
 * bounds of the new files are computed anew.
 */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Directory } from '#domain/ports/file-io.ts';
import {
  addedEntries,
  addSnapshot,
  checkedPaths,
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
  type TableMetadata,
} from '#infra/shared/iceberg/metadata.ts';
import { readParquet } from '#infra/shared/iceberg/parquet-scan.ts';
import { withoutBounds } from '#infra/shared/iceberg/without-bounds.ts';

interface WithoutRowsOptions {
  readonly table: Directory;
  readonly metadata: TableMetadata;
  readonly connection: DuckDBConnection;
  /** epoch ms */
  readonly now: number;
  /** the live files */
  readonly entries: readonly ManifestEntry[];
  /** those that have such rows, with the number of their other rows */
  readonly replaced: readonly { readonly entry: ManifestEntry; readonly left: number }[];
  /** the rows to remove, as a condition that is never null */
  readonly where: string;
  /** of the snapshot, in addition */
  readonly summary?: Readonly<Record<string, string>>;
}

/** @returns what is to be committed */
export const withoutRows = async ({
  table,
  metadata,
  connection,
  now,
  entries,
  replaced,
  where,
  summary = {},
}: WithoutRowsOptions): Promise<TableMetadata> => {
  const { fields } = currentSchema(metadata);
  const files: DataFile[] = [];
  for (const { entry, left } of replaced) {
    if (left === 0) continue;
    const paths = await checkedPaths(table, metadata, [entry]);
    files.push(
      ...(await writeDataFiles(
        connection,
        { table, metadata, fields },
        {
          relation: `(SELECT * FROM ${readParquet(paths, fields)} WHERE NOT ${where})`,
          unbounded: withoutBounds(fields, [entry]),
        },
        randomUUID(),
      )),
    );
  }
  const gone = new Set(replaced.map(({ entry }) => entry));
  const snapshotId = newSnapshotId();
  const manifest = await writeManifest(table, metadata, [
    ...entries.filter((entry) => !gone.has(entry)),
    ...addedEntries(files, snapshotId),
  ]);
  return addSnapshot(table, metadata, [], manifest, {
    snapshotId,
    operation: 'overwrite',
    summary: {
      ...endOffsetsSummary(endOffsetsOf(currentSnapshot(metadata))),
      'deleted-data-files': String(replaced.length),
      ...summary,
    },
    now,
  });
};

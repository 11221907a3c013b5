/**
 * One commit of new data files:
 *
 *     data files (durable already) → manifest → manifest list → v<n+1>.metadata.json, each durable before the next
 *
 * Only the last makes the rows part of the table, so a writer killed before it leaves orphans and
 * nothing else. Where another commit came between, the manifest is kept and the list is made again
 * on top of it, unless that commit moved the offsets: then the rows may be in the table already,
 * and the caller starts over from there.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, syncPath, writeDurable } from '#infra/files/local-files.ts';
import {
  ADDED,
  type DataFile,
  DELETED,
  decodeManifest,
  decodeManifestList,
  describeManifest,
  EXISTING,
  encodeManifest,
  encodeManifestList,
  type ManifestEntry,
  type ManifestFile,
} from './manifest.ts';
import {
  currentSchema,
  currentSnapshot,
  partitionSpec,
  type Snapshot,
  type TableMetadata,
  withSnapshot,
} from './metadata.ts';
import { localPath, metadataDirectory } from './table-directory.ts';

/** Steps of a commit, in order: tests stop a writer at each. */
export type CommitStep = 'data' | 'manifest' | 'manifest-list' | 'commit';
export type Checkpoint = (step: CommitStep) => void | Promise<void>;

/** 48 bits: a JavaScript number, and no two of one table's are likely ever to meet. */
export const newSnapshotId = (): number => randomBytes(6).readUIntBE(0, 6) + 1;

export const manifestsOf = async (
  directory: string,
  metadata: TableMetadata,
  snapshot: Snapshot | null,
): Promise<readonly ManifestFile[]> =>
  snapshot === null
    ? []
    : decodeManifestList(await readFile(localPath(directory, metadata, snapshot['manifest-list'])));

export interface WrittenManifest {
  readonly file: string;
  readonly length: number;
  readonly entries: readonly ManifestEntry[];
}

export const writeManifest = async (
  directory: string,
  metadata: TableMetadata,
  entries: readonly ManifestEntry[],
): Promise<WrittenManifest> => {
  const file = `${randomUUID()}-m0.avro`;
  const bytes = encodeManifest(currentSchema(metadata), partitionSpec(metadata), entries);
  await makeDirectory(metadataDirectory(directory));
  await writeDurable(join(metadataDirectory(directory), file), bytes);
  return { file, length: bytes.length, entries };
};

export const addedEntries = (
  files: readonly DataFile[],
  snapshotId: number,
): readonly ManifestEntry[] =>
  files.map((data_file) => ({
    status: ADDED,
    snapshot_id: snapshotId,
    sequence_number: null,
    file_sequence_number: null,
    data_file,
  }));

/**
 * The entries of a manifest that are part of the table, with the numbers that they inherit written
 * out.
 */
export const liveEntries = async (
  directory: string,
  metadata: TableMetadata,
  manifest: ManifestFile,
): Promise<readonly ManifestEntry[]> => {
  const entries = decodeManifest(
    await readFile(localPath(directory, metadata, manifest.manifest_path)),
  );
  return entries
    .filter((entry) => entry.status !== DELETED)
    .map((entry) => ({
      ...entry,
      status: EXISTING,
      snapshot_id: entry.snapshot_id ?? manifest.added_snapshot_id,
      sequence_number: entry.sequence_number ?? manifest.sequence_number,
      file_sequence_number: entry.file_sequence_number ?? manifest.sequence_number,
    }));
};

const MERGE_FROM = 24;
const MERGED_ENTRIES = 20_000;

/** Keeps manifests few: as soon as there are many small ones, they become one. */
const mergeSmall = async (
  directory: string,
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
  place: { readonly snapshotId: number; readonly sequenceNumber: number },
): Promise<readonly ManifestFile[]> => {
  const size = (m: ManifestFile): number => m.added_files_count + m.existing_files_count;
  const small = manifests.filter((manifest) => size(manifest) < MERGED_ENTRIES);
  if (small.length < MERGE_FROM) return manifests;
  const entries = (
    await Promise.all(small.map((manifest) => liveEntries(directory, metadata, manifest)))
  ).flat();
  const { file, length } = await writeManifest(directory, metadata, entries);
  const merged = describeManifest(
    { path: `${metadata.location}/metadata/${file}`, length, ...place },
    partitionSpec(metadata),
    entries,
  );
  return [merged, ...manifests.filter((manifest) => size(manifest) >= MERGED_ENTRIES)];
};

export interface NewSnapshot {
  readonly snapshotId: number;
  readonly operation: 'append' | 'replace';
  readonly summary: Readonly<Record<string, string>>;
  readonly now: number;
  readonly checkpoint?: Checkpoint | undefined;
}

const total = (manifests: readonly ManifestFile[], files: 'files_count' | 'rows_count'): string =>
  String(manifests.reduce((sum, m) => sum + m[`added_${files}`] + m[`existing_${files}`], 0));

/** Manifest list and snapshot on top of `metadata`: durable, not yet committed. */
export const addSnapshot = async (
  directory: string,
  metadata: TableMetadata,
  kept: readonly ManifestFile[],
  written: WrittenManifest,
  { snapshotId, operation, summary, now, checkpoint }: NewSnapshot,
): Promise<TableMetadata> => {
  const parent = currentSnapshot(metadata);
  const sequenceNumber = metadata['last-sequence-number'] + 1;
  const place = { snapshotId, sequenceNumber };
  const path = `${metadata.location}/metadata/${written.file}`;
  const added = describeManifest(
    { path, length: written.length, ...place },
    partitionSpec(metadata),
    written.entries,
  );
  const manifests = [added, ...(await mergeSmall(directory, metadata, kept, place))];
  const parentId = parent?.['snapshot-id'] ?? null;
  const list = `snap-${snapshotId}-${randomUUID()}.avro`;
  await writeDurable(
    join(metadataDirectory(directory), list),
    encodeManifestList(manifests, { ...place, parentId }),
  );
  await syncPath(metadataDirectory(directory));
  await checkpoint?.('manifest-list');
  return withSnapshot(metadata, {
    'snapshot-id': snapshotId,
    ...(parentId === null ? {} : { 'parent-snapshot-id': parentId }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': Math.max(now, metadata['last-updated-ms']),
    'manifest-list': `${metadata.location}/metadata/${list}`,
    'schema-id': metadata['current-schema-id'],
    summary: {
      operation,
      'added-data-files': String(added.added_files_count),
      'added-records': String(added.added_rows_count),
      'total-data-files': total(manifests, 'files_count'),
      'total-records': total(manifests, 'rows_count'),
      ...summary,
    },
  });
};

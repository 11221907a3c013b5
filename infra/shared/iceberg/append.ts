/**
 * One commit of new data files:
 *
 *     data files (durable already) → manifest → manifest list → v<n+1>.metadata.json
 *
 * Manifest and list are durable before the metadata file is written, and only that file makes the
 * rows part of the table: a writer that is killed earlier leaves only orphans. If another commit
 * came first, the manifest is kept and the list is made again on top of that commit. But if that
 * commit changed the offsets, the rows may be in the table already, and the caller must start again
 * from the new offsets.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Directory } from '#domain/ports/file-io.ts';
import { checkedName, fileChecks, readChecked } from './checked-files.ts';
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
  horizonOf,
  horizonSummary,
  partitionSpec,
  type Snapshot,
  type TableMetadata,
  withSnapshot,
  writtenOf,
  writtenSummary,
} from './metadata.ts';
import { metadataUri, uriOf } from './table-directory.ts';

/** The steps of a commit, in order. Tests stop a writer after each. */
export type CommitStep = 'data' | 'manifest' | 'manifest-list' | 'commit';
export type Checkpoint = (step: CommitStep) => void | Promise<void>;

/** 48 random bits: exact in other programs of JavaScript, and unlikely to repeat in a table. */
export const newSnapshotId = (): bigint => BigInt(randomBytes(6).readUIntBE(0, 6) + 1);

export const manifestsOf = async (
  table: Directory,
  metadata: TableMetadata,
  snapshot: Snapshot | null,
): Promise<readonly ManifestFile[]> =>
  snapshot === null
    ? []
    : decodeManifestList(
        await readChecked(table.files, uriOf(table, metadata, snapshot['manifest-list'])),
      );

export interface WrittenManifest {
  readonly file: string;
  readonly length: number;
  readonly entries: readonly ManifestEntry[];
}

/** The manifest's name becomes durable with the manifest list, which is written next. */
export const writeManifest = async (
  table: Directory,
  metadata: TableMetadata,
  entries: readonly ManifestEntry[],
): Promise<WrittenManifest> => {
  const bytes = encodeManifest(currentSchema(metadata), partitionSpec(metadata), entries);
  const file = checkedName(`${randomUUID()}-m0`, crc32(bytes), '.avro');
  await table.files.write(metadataUri(table, file), bytes, { name: 'later' });
  return { file, length: bytes.length, entries };
};

export const addedEntries = (
  files: readonly DataFile[],
  snapshotId: bigint,
): readonly ManifestEntry[] =>
  files.map((data_file) => ({
    status: ADDED,
    snapshot_id: snapshotId,
    sequence_number: null,
    file_sequence_number: null,
    data_file,
  }));

/** Entries of files that leave the table with this snapshot. */
export const deletedEntries = (
  entries: readonly ManifestEntry[],
  snapshotId: bigint,
): readonly ManifestEntry[] =>
  entries.map((entry) => ({ ...entry, status: DELETED, snapshot_id: snapshotId }));

/**
 * The entries of a manifest that are part of the table, with the numbers that they inherit from it.
 */
export const liveEntries = async (
  table: Directory,
  metadata: TableMetadata,
  manifest: ManifestFile,
): Promise<readonly ManifestEntry[]> => {
  const entries = decodeManifest(
    await readChecked(table.files, uriOf(table, metadata, manifest.manifest_path)),
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

/**
 * What an engine opens to read the files of these entries, for files that take their place: damage
 * must not get a new checksum.
 * @throws MR_DATA_DAMAGED
 */
export const checkedPaths = async (
  table: Directory,
  metadata: TableMetadata,
  entries: readonly ManifestEntry[],
): Promise<readonly string[]> => {
  const files = entries.map(({ data_file: file }) => ({
    uri: uriOf(table, metadata, file.file_path),
    file,
  }));
  await fileChecks(table.files).check(files);
  return table.files.engine.readable(files.map(({ uri }) => uri));
};

const MERGE_FROM = 24;
const MERGED_ENTRIES = 20_000;

/** The entries of all of a snapshot's manifests. */
export const entriesOf = async (
  table: Directory,
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
): Promise<readonly ManifestEntry[]> =>
  (await Promise.all(manifests.map((manifest) => liveEntries(table, metadata, manifest)))).flat();

/** Merges many small manifests into one. */
const mergeSmall = async (
  table: Directory,
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
  place: { readonly snapshotId: bigint; readonly sequenceNumber: number },
): Promise<readonly ManifestFile[]> => {
  const size = (m: ManifestFile): number => m.added_files_count + m.existing_files_count;
  const small = manifests.filter((manifest) => size(manifest) < MERGED_ENTRIES);
  if (small.length < MERGE_FROM) return manifests;
  const entries = await entriesOf(table, metadata, small);
  const { file, length } = await writeManifest(table, metadata, entries);
  const merged = describeManifest(
    { path: `${metadata.location}/metadata/${file}`, length, ...place },
    partitionSpec(metadata),
    entries,
  );
  return [merged, ...manifests.filter((manifest) => size(manifest) >= MERGED_ENTRIES)];
};

export interface NewSnapshot {
  readonly snapshotId: bigint;
  readonly operation: 'append' | 'replace' | 'overwrite';
  readonly summary: Readonly<Record<string, string>>;
  readonly now: number;
  readonly checkpoint?: Checkpoint | undefined;
}

const total = (manifests: readonly ManifestFile[], files: 'files_count' | 'rows_count'): string =>
  String(manifests.reduce((sum, m) => sum + m[`added_${files}`] + m[`existing_${files}`], 0));

/** Manifest list and snapshot on top of `metadata`: durable, not yet committed. */
export const addSnapshot = async (
  table: Directory,
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
  const manifests = [added, ...(await mergeSmall(table, metadata, kept, place))];
  const parentId = parent?.['snapshot-id'] ?? null;
  const bytes = encodeManifestList(manifests, { ...place, parentId });
  const list = checkedName(`snap-${snapshotId}-${randomUUID()}`, crc32(bytes), '.avro');
  await table.files.write(metadataUri(table, list), bytes);
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
      ...horizonSummary(horizonOf(parent)),
      ...writtenSummary(writtenOf(parent)),
      ...summary,
    },
  });
};

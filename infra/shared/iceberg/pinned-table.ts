/**
 * A table at one snapshot: schema, offsets, data files. Files are selected by partition day and by
 * their statistics.
 */
import { type Directory, nameOf } from '#domain/ports/file-io.ts';
import type { OffsetRange } from '#domain/ports/history.ts';
import type { Value } from '#domain/values/value.ts';
import { liveEntries, manifestsOf } from './append.ts';
import { decodeBound } from './bounds.ts';
import type { DataFile, ManifestFile } from './manifest.ts';
import {
  currentSnapshot,
  endOffsetsOf,
  partitionColumn,
  partitionSpec,
  type Snapshot,
  schemaOf,
  type TableMetadata,
} from './metadata.ts';
import { type IcebergField, typeName } from './schema.ts';
import { loadTable, type TableVersion, uriOf } from './table-directory.ts';

export interface PinnedFile {
  readonly uri: string;
  /** days since 1970; null if the partition column is null */
  readonly day: number | null;
  readonly file: DataFile;
}

export interface PinnedTable {
  readonly topic: string;
  readonly metadata: TableMetadata;
  readonly snapshot: Snapshot;
  readonly endOffsets: readonly number[];
  readonly fields: readonly IcebergField[];
  /** the column whose day is the partition */
  readonly timeField: IcebergField;
  readonly files: readonly PinnedFile[];
}

export interface TableReader {
  /** null if there is no table or no snapshot yet */
  pin(snapshotId?: bigint): Promise<PinnedTable | null>;
}

export const tableReader = (table: Directory, topic = nameOf(table.uri)): TableReader => {
  let last: TableVersion | null = null;
  let pinned: PinnedTable | null = null;
  /** manifests never change: each is decoded once while it is in use */
  let decoded = new Map<string, readonly DataFile[]>();

  const filesOf = async (
    metadata: TableMetadata,
    manifest: ManifestFile,
  ): Promise<readonly DataFile[]> =>
    decoded.get(manifest.manifest_path) ??
    (await liveEntries(table, metadata, manifest)).map((entry) => entry.data_file);

  const read = async (metadata: TableMetadata, snapshot: Snapshot): Promise<PinnedTable> => {
    const manifests = await manifestsOf(table, metadata, snapshot);
    const lists = await Promise.all(manifests.map((manifest) => filesOf(metadata, manifest)));
    decoded = new Map(
      manifests.map((manifest, i) => [manifest.manifest_path, lists[i] as readonly DataFile[]]),
    );
    const partition = partitionSpec(metadata).fields[0]?.name as string;
    const files = lists.flat().map((file) => ({
      uri: uriOf(table, metadata, file.file_path),
      day: file.partition[partition] ?? null,
      file,
    }));
    return {
      topic,
      metadata,
      snapshot,
      endOffsets: endOffsetsOf(snapshot),
      fields: schemaOf(metadata, snapshot).fields,
      timeField: partitionColumn(metadata),
      files,
    };
  };

  return {
    async pin(snapshotId) {
      last = await loadTable(table, last);
      if (last === null) return null;
      const { metadata } = last;
      const snapshot =
        snapshotId === undefined
          ? currentSnapshot(metadata)
          : (metadata.snapshots.find((s) => s['snapshot-id'] === snapshotId) ?? null);
      if (snapshot === null) return null;
      if (pinned?.snapshot['snapshot-id'] === snapshot['snapshot-id']) return pinned;
      pinned = await read(metadata, snapshot);
      return pinned;
    },
  };
};

export interface Selection {
  readonly where?: Readonly<Record<string, Value>> | undefined;
  readonly anyOf?: readonly Readonly<Record<string, Value>>[] | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly offsets?: OffsetRange | undefined;
  /** log time, epoch ms: only rows with a later one */
  readonly loggedAfter?: number | undefined;
}

const MS_PER_DAY = 86_400_000;

const bound = (map: DataFile['lower_bounds'], field: IcebergField): number | Buffer | null => {
  const found = map?.find((entry) => entry.key === field.id);
  return found === undefined ? null : decodeBound(typeName(field), found.value);
};

/** A file's bound of a number's column; null: it is not known. */
export const numberBound = (
  { file }: Pick<PinnedFile, 'file'>,
  which: 'lower_bounds' | 'upper_bounds',
  field: IcebergField | undefined,
): number | null => {
  const found = field === undefined ? null : bound(file[which], field);
  return typeof found === 'number' ? found : null;
};

/** Whether the file can have a row of these offsets. */
const mayHoldOffsets = (
  file: PinnedFile,
  { offsets, loggedAfter }: Selection,
  byName: ReadonlyMap<string, IcebergField>,
): boolean => {
  const range = (name: string): readonly [number, number] => [
    numberBound(file, 'lower_bounds', byName.get(name)) ?? Number.NEGATIVE_INFINITY,
    numberBound(file, 'upper_bounds', byName.get(name)) ?? Number.POSITIVE_INFINITY,
  ];
  if (loggedAfter !== undefined && range('_log_time')[1] <= loggedAfter) return false;
  if (offsets === undefined) return true;
  const [firstPartition, lastPartition] = range('_partition');
  const [firstOffset, lastOffset] = range('_offset');
  return (
    firstPartition <= offsets.partition &&
    lastPartition >= offsets.partition &&
    firstOffset < offsets.below &&
    lastOffset >= offsets.from
  );
};

const above = (value: number | Buffer, limit: number | Buffer): boolean =>
  typeof value === 'number'
    ? value > (limit as number)
    : Buffer.compare(value, limit as Buffer) > 0;

const comparable = (type: string, value: Value): number | Buffer | null => {
  if (type === 'string') return typeof value === 'string' ? Buffer.from(value) : null;
  return typeof value === 'number' && type !== 'boolean' ? value : null;
};

/** Whether the file can have a row with these values. */
const mayHoldValues = (
  { file }: PinnedFile,
  values: Readonly<Record<string, Value>>,
  byName: ReadonlyMap<string, IcebergField>,
): boolean => {
  for (const [name, value] of Object.entries(values)) {
    const field = byName.get(name);
    if (field === undefined || value === null) continue;
    const wanted = comparable(typeName(field), value);
    if (wanted === null) continue;
    const low = bound(file.lower_bounds, field);
    const high = bound(file.upper_bounds, field);
    if (low !== null && above(low, wanted)) return false;
    if (high !== null && above(wanted, high)) return false;
  }
  return true;
};

/** Whether the file can have a row of the selection. */
const mayHold = (
  pinned: PinnedFile,
  { where, anyOf, from, to }: Selection,
  time: IcebergField,
  byName: ReadonlyMap<string, IcebergField>,
): boolean => {
  const { file, day } = pinned;
  if (day !== null && from !== undefined && (day + 1) * MS_PER_DAY <= from) return false;
  if (day !== null && to !== undefined && day * MS_PER_DAY > to) return false;
  if (typeName(time) === 'timestamptz') {
    const oldest = bound(file.lower_bounds, time);
    const newest = bound(file.upper_bounds, time);
    if (oldest !== null && to !== undefined && above(oldest, to)) return false;
    if (newest !== null && from !== undefined && above(from, newest)) return false;
  }
  return (
    mayHoldValues(pinned, where ?? {}, byName) &&
    (anyOf === undefined || anyOf.some((values) => mayHoldValues(pinned, values, byName)))
  );
};

export const selectFiles = (table: PinnedTable, selection: Selection): readonly PinnedFile[] => {
  const byName = new Map(table.fields.map((field) => [field.name, field]));
  return table.files.filter(
    (file) =>
      mayHold(file, selection, table.timeField, byName) && mayHoldOffsets(file, selection, byName),
  );
};

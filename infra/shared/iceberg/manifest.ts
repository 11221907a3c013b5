/**
 * Manifests (lists of data files with their statistics) and manifest lists (the manifests of one
 * snapshot).
 */
import { readAvroFile, writeAvroFile } from './avro-file.ts';
import { MANIFEST_FILE_SCHEMA, manifestEntrySchema } from './manifest-schemas.ts';
import type { PartitionField, PartitionSpec } from './metadata.ts';
import type { IcebergSchema } from './schema.ts';

export type IdMap<T> = readonly { readonly key: number; readonly value: T }[];

export interface DataFile {
  readonly content: 0;
  readonly file_path: string;
  readonly file_format: 'PARQUET';
  /** partition field name → days since 1970 */
  readonly partition: Readonly<Record<string, number | null>>;
  readonly record_count: number;
  readonly file_size_in_bytes: number;
  readonly column_sizes: IdMap<number> | null;
  readonly value_counts: IdMap<number> | null;
  readonly null_value_counts: IdMap<number> | null;
  readonly lower_bounds: IdMap<Buffer> | null;
  readonly upper_bounds: IdMap<Buffer> | null;
  readonly split_offsets: readonly number[] | null;
  readonly sort_order_id: number | null;
}

export const EXISTING = 0;
export const ADDED = 1;
export const DELETED = 2;

export interface ManifestEntry {
  readonly status: 0 | 1 | 2;
  readonly snapshot_id: bigint | null;
  /** null: the manifest's own number, which a commit assigns */
  readonly sequence_number: number | null;
  readonly file_sequence_number: number | null;
  readonly data_file: DataFile;
}

export interface ManifestFile {
  readonly manifest_path: string;
  readonly manifest_length: number;
  readonly partition_spec_id: number;
  readonly content: 0 | 1;
  readonly sequence_number: number;
  readonly min_sequence_number: number;
  readonly added_snapshot_id: bigint;
  readonly added_files_count: number;
  readonly existing_files_count: number;
  readonly deleted_files_count: number;
  readonly added_rows_count: number;
  readonly existing_rows_count: number;
  readonly deleted_rows_count: number;
  readonly partitions:
    | readonly {
        readonly contains_null: boolean;
        readonly contains_nan: boolean | null;
        readonly lower_bound: Buffer | null;
        readonly upper_bound: Buffer | null;
      }[]
    | null;
}

const onlyField = (spec: PartitionSpec): PartitionField => spec.fields[0] as PartitionField;

export const encodeManifest = (
  schema: IcebergSchema,
  spec: PartitionSpec,
  entries: readonly ManifestEntry[],
): Buffer => {
  const { name, 'field-id': fieldId } = onlyField(spec);
  return writeAvroFile(manifestEntrySchema({ name, fieldId }), entries, {
    schema: JSON.stringify(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': JSON.stringify(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content: 'data',
  });
};

const dayBound = (day: number | null): Buffer | null => {
  if (day === null) return null;
  const bound = Buffer.alloc(4);
  bound.writeInt32LE(day);
  return bound;
};

export interface ManifestPlace {
  readonly path: string;
  readonly length: number;
  readonly snapshotId: bigint;
  readonly sequenceNumber: number;
}

/** A manifest's row in the manifest list, counted from its entries. */
export const describeManifest = (
  place: ManifestPlace,
  spec: PartitionSpec,
  entries: readonly ManifestEntry[],
): ManifestFile => {
  const { name } = onlyField(spec);
  const files = [0, 0, 0];
  const rows = [0, 0, 0];
  let low: number | null = null;
  let high: number | null = null;
  let containsNull = false;
  let oldest = place.sequenceNumber;
  for (const { status, data_file, sequence_number } of entries) {
    files[status] = (files[status] as number) + 1;
    rows[status] = (rows[status] as number) + data_file.record_count;
    const day = data_file.partition[name] ?? null;
    if (day === null) containsNull = true;
    else {
      low = low === null ? day : Math.min(low, day);
      high = high === null ? day : Math.max(high, day);
    }
    if (status !== DELETED) oldest = Math.min(oldest, sequence_number ?? place.sequenceNumber);
  }
  return {
    manifest_path: place.path,
    manifest_length: place.length,
    partition_spec_id: spec['spec-id'],
    content: 0,
    sequence_number: place.sequenceNumber,
    min_sequence_number: oldest,
    added_snapshot_id: place.snapshotId,
    added_files_count: files[ADDED] as number,
    existing_files_count: files[EXISTING] as number,
    deleted_files_count: files[DELETED] as number,
    added_rows_count: rows[ADDED] as number,
    existing_rows_count: rows[EXISTING] as number,
    deleted_rows_count: rows[DELETED] as number,
    partitions: [
      {
        contains_null: containsNull,
        contains_nan: false,
        lower_bound: dayBound(low),
        upper_bound: dayBound(high),
      },
    ],
  };
};

export const decodeManifest = (bytes: Uint8Array): readonly ManifestEntry[] =>
  readAvroFile(bytes) as ManifestEntry[];

export interface ListPlace {
  readonly snapshotId: bigint;
  readonly parentId: bigint | null;
  readonly sequenceNumber: number;
}

export const encodeManifestList = (
  manifests: readonly ManifestFile[],
  { snapshotId, parentId, sequenceNumber }: ListPlace,
): Buffer =>
  writeAvroFile(MANIFEST_FILE_SCHEMA, manifests, {
    'snapshot-id': String(snapshotId),
    'parent-snapshot-id': parentId === null ? 'null' : String(parentId),
    'sequence-number': String(sequenceNumber),
    'format-version': '2',
  });

export const decodeManifestList = (bytes: Uint8Array): readonly ManifestFile[] =>
  readAvroFile(bytes) as ManifestFile[];

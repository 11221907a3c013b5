/**
 * Table metadata of format version 2, as plain data: each change makes a new document. Snapshot ids
 * are bigints: other engines use 63 bits, and `JSON.stringify` refuses a bigint instead of rounding
 * it (exact-numbers.ts).
 */
import { MillraceError } from '#domain/errors.ts';
import type { PeriodRange } from '#domain/rollups/periods.ts';
import type { Horizon } from '#domain/sources/horizon.ts';
import { parseExact } from './exact-numbers.ts';
import type { IcebergField, IcebergSchema } from './schema.ts';
import { type SortOrder, withValidOrder } from './sort-order.ts';

export interface PartitionField {
  readonly name: string;
  readonly transform: 'day';
  readonly 'source-id': number;
  readonly 'field-id': number;
}

export interface PartitionSpec {
  readonly 'spec-id': number;
  readonly fields: readonly PartitionField[];
}

export interface Snapshot {
  readonly 'snapshot-id': bigint;
  readonly 'parent-snapshot-id'?: bigint;
  readonly 'sequence-number': number;
  readonly 'timestamp-ms': number;
  readonly 'manifest-list': string;
  readonly 'schema-id': number;
  readonly summary: Readonly<Record<string, string>> & {
    readonly operation: 'append' | 'replace' | 'overwrite';
  };
}

export interface TableMetadata {
  readonly 'format-version': 2;
  readonly 'table-uuid': string;
  readonly location: string;
  readonly 'last-sequence-number': number;
  readonly 'last-updated-ms': number;
  readonly 'last-column-id': number;
  readonly schemas: readonly IcebergSchema[];
  readonly 'current-schema-id': number;
  readonly 'partition-specs': readonly PartitionSpec[];
  readonly 'default-spec-id': number;
  readonly 'last-partition-id': number;
  readonly properties: Readonly<Record<string, string>>;
  readonly 'current-snapshot-id': bigint;
  readonly snapshots: readonly Snapshot[];
  readonly 'snapshot-log': readonly {
    readonly 'snapshot-id': bigint;
    readonly 'timestamp-ms': number;
  }[];
  readonly 'metadata-log': readonly {
    readonly 'metadata-file': string;
    readonly 'timestamp-ms': number;
  }[];
  readonly 'sort-orders': readonly SortOrder[];
  readonly 'default-sort-order-id': number;
  readonly refs: Readonly<
    Record<string, { readonly 'snapshot-id': bigint; readonly type: 'branch' }>
  >;
}

const FIRST_PARTITION_ID = 1000;
const NO_SNAPSHOT = -1n;

export interface NewTable {
  readonly uuid: string;
  readonly location: string;
  readonly fields: readonly IcebergField[];
  readonly lastColumnId: number;
  /** the column whose day is the partition */
  readonly partitionBy: string;
  readonly now: number;
  /** the id of the platform that the table belongs to */
  readonly platform?: string | undefined;
}

const PLATFORM = 'millrace.platform';

/** null: the table was made without it */
export const platformOf = ({ properties }: TableMetadata): string | null =>
  properties[PLATFORM] ?? null;

const partitionName = (column: string, fields: readonly IcebergField[]): string => {
  let name = `${column}_day`;
  while (fields.some((field) => field.name === name)) name = `_${name}`;
  return name;
};

export const newTable = ({
  uuid,
  location,
  fields,
  lastColumnId,
  partitionBy,
  now,
  platform,
}: NewTable): TableMetadata => {
  const source = fields.find((field) => field.name === partitionBy);
  if (source === undefined || (source.type !== 'timestamptz' && source.type !== 'date')) {
    throw new MillraceError(
      'MR_STORAGE_FAILED',
      `The history table at ${location} has no timestamp column "${partitionBy}" to partition by.`,
      {
        location,
        partitionBy,
      },
    );
  }
  const partition: PartitionField = {
    name: partitionName(partitionBy, fields),
    transform: 'day',
    'source-id': source.id,
    'field-id': FIRST_PARTITION_ID,
  };
  return {
    'format-version': 2,
    'table-uuid': uuid,
    location,
    'last-sequence-number': 0,
    'last-updated-ms': now,
    'last-column-id': lastColumnId,
    schemas: [{ type: 'struct', 'schema-id': 0, fields }],
    'current-schema-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [partition] }],
    'default-spec-id': 0,
    'last-partition-id': FIRST_PARTITION_ID,
    properties: {
      'write.format.default': 'parquet',
      'write.parquet.compression-codec': 'zstd',
      ...(platform === undefined ? {} : { [PLATFORM]: platform }),
    },
    'current-snapshot-id': NO_SNAPSHOT,
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    refs: {},
  };
};

export const currentSchema = (table: TableMetadata): IcebergSchema =>
  table.schemas.find(
    (schema) => schema['schema-id'] === table['current-schema-id'],
  ) as IcebergSchema;

/** The schema that a snapshot was written with. */
export const schemaOf = (table: TableMetadata, snapshot: Snapshot): IcebergSchema =>
  table.schemas.find((schema) => schema['schema-id'] === snapshot['schema-id']) ??
  currentSchema(table);

export const partitionSpec = (table: TableMetadata): PartitionSpec =>
  table['partition-specs'][0] as PartitionSpec;

/** The column whose day is the partition. */
export const partitionColumn = (table: TableMetadata): IcebergField => {
  const id = partitionSpec(table).fields[0]?.['source-id'];
  return currentSchema(table).fields.find((field) => field.id === id) as IcebergField;
};

export const currentSnapshot = (table: TableMetadata): Snapshot | null =>
  table.snapshots.find((snapshot) => snapshot['snapshot-id'] === table['current-snapshot-id']) ??
  null;

export const withSchema = (
  table: TableMetadata,
  fields: readonly IcebergField[],
  lastColumnId: number,
): TableMetadata => {
  const id = Math.max(...table.schemas.map((schema) => schema['schema-id'])) + 1;
  return {
    ...withValidOrder(table, fields),
    schemas: [...table.schemas, { type: 'struct', 'schema-id': id, fields }],
    'current-schema-id': id,
    'last-column-id': lastColumnId,
  };
};

export const withSnapshot = (table: TableMetadata, snapshot: Snapshot): TableMetadata => ({
  ...table,
  'last-sequence-number': snapshot['sequence-number'],
  'last-updated-ms': snapshot['timestamp-ms'],
  'current-snapshot-id': snapshot['snapshot-id'],
  snapshots: [...table.snapshots, snapshot],
  'snapshot-log': [
    ...table['snapshot-log'],
    { 'snapshot-id': snapshot['snapshot-id'], 'timestamp-ms': snapshot['timestamp-ms'] },
  ],
  refs: { main: { 'snapshot-id': snapshot['snapshot-id'], type: 'branch' } },
});

const HORIZON = 'millrace.horizon';

/**
 * Where the rows of raw.<source> begin; null: none was deleted. It is in the summary of each
 * snapshot, so a table that is taken back to an earlier one has the horizon of then.
 */
export const horizonOf = (snapshot: Snapshot | null): Horizon | null => {
  const text = snapshot?.summary[HORIZON];
  return text === undefined ? null : (JSON.parse(text) as Horizon);
};

export const horizonSummary = (horizon: Horizon | null): Record<string, string> =>
  horizon === null ? {} : { [HORIZON]: JSON.stringify(horizon) };

const PERIODS = 'millrace.periods';
const WRITTEN_AT = 'millrace.written-at';

/** What the snapshots of a rollup's table record. */
export interface Written {
  readonly periods: readonly PeriodRange[];
  /** of the newest write, epoch ms */
  readonly writtenAt: number;
}

/** null: no rollup of this writer */
export const writtenOf = (snapshot: Snapshot | null): Written | null => {
  const periods = snapshot?.summary[PERIODS];
  return periods === undefined
    ? null
    : {
        periods: JSON.parse(periods) as PeriodRange[],
        writtenAt: Number(snapshot?.summary[WRITTEN_AT]),
      };
};

export const writtenSummary = (written: Written | null): Record<string, string> =>
  written === null
    ? {}
    : {
        [PERIODS]: JSON.stringify(written.periods),
        [WRITTEN_AT]: String(written.writtenAt),
      };

const END_OFFSETS = 'millrace.through.';

/** Next offset by partition, from a snapshot's summary. */
export const endOffsetsOf = (snapshot: Snapshot | null): readonly number[] => {
  const endOffsets: number[] = [];
  for (const [key, value] of Object.entries(snapshot?.summary ?? {})) {
    if (key.startsWith(END_OFFSETS))
      endOffsets[Number(key.slice(END_OFFSETS.length))] = Number(value);
  }
  return Array.from(endOffsets, (offset) => offset ?? 0);
};

export const endOffsetsSummary = (endOffsets: readonly number[]): Record<string, string> =>
  Object.fromEntries(
    endOffsets.map((offset, partition) => [`${END_OFFSETS}${partition}`, String(offset)]),
  );

export const parseMetadata = (text: string, path: string): TableMetadata => {
  const table = parseExact(text) as { 'format-version'?: number };
  if (table['format-version'] !== 2) {
    throw new MillraceError(
      'MR_DATA_DIR_NEWER',
      `The history table at ${path} has Iceberg format version ${table['format-version']}; this Millrace reads and writes version 2.`,
      { path, version: table['format-version'] },
    );
  }
  return table as unknown as TableMetadata;
};

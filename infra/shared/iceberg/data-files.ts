/**
 * Writes a DuckDB table of pending rows as Parquet files, one or more for each day, with the
 * statistics that manifests contain.
 */
import { createReadStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { crc32 } from 'node:zlib';
import type { DuckDBConnection, Json } from '@duckdb/node-api';
import type { Directory } from '#domain/ports/file-io.ts';
import { identifier, literal } from '#domain/sql/duckdb/names.ts';
import { encodeBound } from './bounds.ts';
import { checkedName } from './checked-files.ts';
import type { DataFile, IdMap } from './manifest.ts';
import { partitionColumn, partitionSpec, type TableMetadata } from './metadata.ts';
import { isMoment, type Moments, readMoments } from './moments.ts';
import { type IcebergField, typeName } from './schema.ts';
import { sortColumns, UNSORTED } from './sort-order.ts';
import { dataDirectory } from './table-directory.ts';

const PIECE_BYTES = 1024 * 1024;
/** Of files that are sorted by keys. DuckDB writes no smaller ones. */
const ROW_GROUP_ROWS = 2048;

const fieldId = ({ id, name, type }: IcebergField): string =>
  typeof type === 'string'
    ? `${identifier(name)}: ${id}`
    : `${identifier(name)}: {__duckdb_field_id: ${id}, element: ${type['element-id']}}`;

interface CopiedFile {
  readonly filename: string;
  readonly count: string;
  readonly file_size_bytes: string;
  readonly column_statistics: readonly {
    readonly key: string;
    readonly value: readonly { readonly key: string; readonly value: string }[];
  }[];
  readonly partition_keys: readonly { readonly key: string; readonly value: string | null }[];
}

/** DuckDB names a column "a", and a list's elements "a"."element". */
const idsByStatName = (
  fields: readonly IcebergField[],
): ReadonlyMap<string, { readonly id: number; readonly type: string }> => {
  const ids = new Map<string, { id: number; type: string }>();
  for (const field of fields) {
    const name = identifier(field.name);
    if (typeof field.type === 'string') ids.set(name, { id: field.id, type: typeName(field) });
    else ids.set(`${name}."element"`, { id: field.type['element-id'], type: 'list' });
  }
  return ids;
};

/** The texts of a file's statistics that are dates or timestamps. */
const momentsOf = (
  file: CopiedFile,
  fields: readonly IcebergField[],
): readonly (readonly [type: string, text: string])[] => {
  const ids = idsByStatName(fields);
  const bounds = file.column_statistics.flatMap(({ key, value }) => {
    const type = ids.get(key)?.type;
    if (type === undefined || !isMoment(type)) return [];
    return value
      .filter((stat) => stat.key === 'min' || stat.key === 'max')
      .map((stat) => [type, stat.value] as const);
  });
  const day = file.partition_keys[0]?.value;
  return day == null ? bounds : [...bounds, ['date', day]];
};

const statistics = (
  file: CopiedFile,
  fields: readonly IcebergField[],
  unbounded: ReadonlySet<string>,
  moments: Moments,
) => {
  const ids = idsByStatName(fields);
  const sizes: { key: number; value: number }[] = [];
  const values: { key: number; value: number }[] = [];
  const nulls: { key: number; value: number }[] = [];
  const lower: { key: number; value: Buffer }[] = [];
  const upper: { key: number; value: Buffer }[] = [];
  for (const { key: name, value: pairs } of file.column_statistics) {
    const column = ids.get(name);
    if (column === undefined) continue;
    const { id: key, type } = column;
    const stats = new Map(pairs.map((pair) => [pair.key, pair.value]));
    const count = (into: { key: number; value: number }[], stat: string): void => {
      const value = stats.get(stat);
      if (value !== undefined) into.push({ key, value: Number(value) });
    };
    count(sizes, 'column_size_bytes');
    count(values, 'num_values');
    count(nulls, 'null_count');
    const least = stats.get('min');
    const greatest = stats.get('max');
    if (unbounded.has(fields.find((field) => field.id === key)?.name ?? '')) continue;
    if (least === undefined || greatest === undefined || stats.get('has_nan') === 'true') continue;
    const digits = (text: string): string => (isMoment(type) ? moments(type, text) : text);
    const low = encodeBound(type, digits(least), false);
    const high = encodeBound(type, digits(greatest), true);
    if (low !== null) lower.push({ key, value: low });
    if (high !== null) upper.push({ key, value: high });
  }
  return { sizes, values, nulls, lower, upper };
};

const orNull = <T>(map: IdMap<T>): IdMap<T> | null => (map.length === 0 ? null : map);

/**
 * Renames a file that DuckDB has written so that its name carries its checksum. @returns its path
 */
const withChecksum = async (path: string): Promise<string> => {
  let checksum = 0;
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES }))
    checksum = crc32(piece as Buffer, checksum);
  const named = join(dirname(path), checkedName(basename(path, '.parquet'), checksum, '.parquet'));
  await rename(path, named);
  return named;
};

/**
 * When it resolves, the files are durable and not yet referenced. They are sorted as the table's
 * metadata say. (DuckDB keeps the order of the query in each file if the connection's database has
 * one thread; where it does not, reads are slower, and not wrong.)
 * @param from a relation with the table's columns, and the columns whose bounds are omitted
 * @param tag unique: the files' names start with it
 */
export const writeDataFiles = async (
  connection: DuckDBConnection,
  {
    table,
    metadata,
    fields,
  }: {
    readonly table: Directory;
    readonly metadata: TableMetadata;
    readonly fields: readonly IcebergField[];
  },
  from: { readonly relation: string; readonly unbounded: ReadonlySet<string> },
  tag: string,
): Promise<readonly DataFile[]> => {
  const { engine } = table.files;
  const target = await engine.stage(dataDirectory(table));
  const partition = partitionSpec(metadata).fields[0] as { name: string };
  // a field that was added later may have the partition's name
  const taken = fields.some(({ name }) => name.toLowerCase() === partition.name.toLowerCase());
  const key = identifier(taken ? '__day' : partition.name);
  const day = `CAST(CAST(${identifier(partitionColumn(metadata).name)} AS TIMESTAMP) AS DATE) AS ${key}`;
  const columns = fields.map((field) => identifier(field.name)).join(', ');
  const sorted = sortColumns(metadata, fields);
  const orderBy = [key, ...sorted.map(({ name }) => identifier(name))].map(
    (name) => `${name} ASC NULLS FIRST`,
  );
  const [order, rowGroups] =
    sorted.length === 0
      ? ['', '']
      : [` ORDER BY ${orderBy.join(', ')}`, `ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, `];
  const copied = await connection.runAndReadAll(
    `COPY (SELECT ${columns}, ${day} FROM ${from.relation}${order}) TO ${literal(target)} (FORMAT parquet, COMPRESSION zstd, ${rowGroups}RETURN_STATS, OVERWRITE_OR_IGNORE, ` +
      `PARTITION_BY (${key}), FILENAME_PATTERN ${literal(`${tag}-{i}`)}, FIELD_IDS {${fields.map(fieldId).join(', ')}})`,
  );
  const written = copied.getRowObjectsJson() as unknown as (CopiedFile & Record<string, Json>)[];
  const files = await Promise.all(
    written.map(async (file) => ({ ...file, filename: await withChecksum(file.filename) })),
  );
  await engine.publish(
    dataDirectory(table),
    files.map(({ filename }) => filename),
  );
  const moments = await readMoments(
    connection,
    files.flatMap((file) => momentsOf(file, fields)),
  );
  return files.map((file): DataFile => {
    const { sizes, values, nulls, lower, upper } = statistics(
      file,
      fields,
      from.unbounded,
      moments,
    );
    const partitionDay = file.partition_keys[0]?.value;
    return {
      content: 0,
      file_path: `${metadata.location}/data/${relative(target, file.filename)}`,
      file_format: 'PARQUET',
      partition: {
        [partition.name]: partitionDay == null ? null : Number(moments('date', partitionDay)),
      },
      record_count: Number(file.count),
      file_size_in_bytes: Number(file.file_size_bytes),
      column_sizes: orNull(sizes),
      value_counts: orNull(values),
      null_value_counts: orNull(nulls),
      lower_bounds: orNull(lower),
      upper_bounds: orNull(upper),
      split_offsets: null,
      sort_order_id: sorted.length === 0 ? UNSORTED : metadata['default-sort-order-id'],
    };
  });
};

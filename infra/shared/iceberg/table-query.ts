/** A selection of a pinned table as SQL over the Parquet files that can have its rows. */
import { identifier, literal } from '#domain/sql/duckdb/names.ts';
import { dateOfDays, timestampOfMs } from '#domain/sql/duckdb/times.ts';
import type { Value } from '#domain/values/value.ts';
import { readParquet } from './parquet-scan.ts';
import type { PinnedTable, Selection } from './pinned-table.ts';
import { type IcebergField, typeName } from './schema.ts';

const MS_PER_DAY = 86_400_000;

/** Limits farther away, such as an open end, are as good as these, which a timestamp can hold. */
const FARTHEST = 8_640_000_000_000_000;
const within = (ms: number): number => Math.max(-FARTHEST, Math.min(FARTHEST, ms));

const timestamp = (ms: number): string => timestampOfMs(within(ms));
const date = (days: number): string => dateOfDays(within(days * MS_PER_DAY) / MS_PER_DAY);

const value = (type: string, wanted: Value): string | null => {
  if (typeof wanted === 'string') {
    // SQL text ends at a NUL, so the text is concatenated from its parts
    if (type === 'string') return `(${wanted.split('\0').map(literal).join(' || chr(0) || ')})`;
    return type === 'binary' ? `from_base64(${literal(wanted)})` : null;
  }
  if (typeof wanted === 'boolean') return type === 'boolean' ? String(wanted) : null;
  if (typeof wanted !== 'number' || !Number.isFinite(wanted)) return null;
  const whole = Number.isInteger(wanted);
  if (type === 'timestamptz') return whole ? timestamp(wanted) : null;
  if (type === 'date') return whole ? date(wanted) : null;
  return type === 'string' || type === 'binary' || type === 'boolean' ? null : `${wanted}`;
};

/** Null equals null; a value that the column's type cannot have equals nothing. */
const equals = (field: IcebergField | undefined, wanted: Value): string => {
  if (field === undefined) return wanted === null ? 'true' : 'false';
  if (wanted === null) return `${identifier(field.name)} IS NULL`;
  const text = value(typeName(field), wanted);
  return text === null ? 'false' : `${identifier(field.name)} = ${text}`;
};

type Fields = ReadonlyMap<string, IcebergField>;

const allEqual = (byName: Fields, values: Readonly<Record<string, Value>>): string[] =>
  Object.entries(values).map(([name, wanted]) => equals(byName.get(name), wanted));

const anyEqual = (byName: Fields, { anyOf }: Selection): string[] =>
  anyOf === undefined
    ? []
    : [`(${anyOf.map((values) => `(${allEqual(byName, values).join(' AND ')})`).join(' OR ')})`];

const limits = (time: IcebergField, { from, to }: Selection): string[] => {
  const name = identifier(time.name);
  const isDate = typeName(time) === 'date';
  const conditions: string[] = [];
  if (from !== undefined)
    conditions.push(
      `${name} >= ${isDate ? date(Math.ceil(from / MS_PER_DAY)) : timestamp(Math.ceil(from))}`,
    );
  // another engine may have written digits past the millisecond
  if (to !== undefined)
    conditions.push(
      isDate
        ? `${name} <= ${date(Math.floor(to / MS_PER_DAY))}`
        : `${name} < ${timestamp(Math.floor(to) + 1)}`,
    );
  return conditions;
};

const belowOffsets = (
  below: readonly number[] | undefined,
  endOffsets: readonly number[],
): string[] => {
  if (below === undefined || endOffsets.every((end, partition) => (below[partition] ?? end) >= end))
    return [];
  const each = below.map(
    (offset, partition) => `(_partition = ${partition} AND _offset < ${offset})`,
  );
  return [`(${[...each, `_partition >= ${below.length}`].join(' OR ')})`];
};

const ofOffsets = ({ offsets, loggedAfter }: Selection): string[] => [
  ...(offsets === undefined
    ? []
    : [
        `_partition = ${offsets.partition}`,
        `_offset >= ${offsets.from}`,
        `_offset < ${offsets.below}`,
      ]),
  ...(loggedAfter === undefined ? [] : [`_log_time >= ${timestamp(loggedAfter + 1)}`]),
];

export interface Query extends Selection {
  readonly below?: readonly number[] | undefined;
}

/**
 * @param paths the paths of the files, as DuckDB opens them
 * @param fields the columns to read, in order
 */
export const querySql = (
  table: PinnedTable,
  paths: readonly string[],
  fields: readonly IcebergField[],
  query: Query,
  orderBy: readonly string[],
): string => {
  const byName = new Map(table.fields.map((field) => [field.name, field]));
  const conditions = [
    ...limits(table.timeField, query),
    ...allEqual(byName, query.where ?? {}),
    ...anyEqual(byName, query),
    ...belowOffsets(query.below, table.endOffsets),
    ...ofOffsets(query),
  ];
  const from = readParquet(paths, table.fields);
  return (
    `SELECT ${fields.map((field) => identifier(field.name)).join(', ')} FROM ${from}` +
    `${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`} ORDER BY ${orderBy.map(identifier).join(', ')}`
  );
};

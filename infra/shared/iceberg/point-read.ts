/**
 * Reads the rows of a few entities from Parquet files without an engine. In files that are sorted
 * by the entities' keys, an entity is in one or two small row groups; the statistics in the footers
 * say in which. Only those are read, and of them first the keys.
 *
 * Files of which much would have to be read, or whose Parquet is of another kind than our writers
 * make, are left to a scan.
 */
import type { FileIO } from '#domain/ports/file-io.ts';
import type { EventQuery } from '#domain/ports/history.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { type ColumnValues, numberOf } from '#infra/shared/parquet/column-values.ts';
import type { RowGroup } from '#infra/shared/parquet/footer.ts';
import { OtherParquet } from '#infra/shared/parquet/pages.ts';
import { cachedColumns } from './cached-columns.ts';
import type { PinnedFile, PinnedTable } from './pinned-table.ts';
import { groupsThatMayHold, placesOf, type TimeLimits, timeLimits } from './point-files.ts';
import { type Alternatives, alternativesOf, matchingRows, PHYSICAL_TYPES } from './point-query.ts';
import { valueReader } from './point-values.ts';
import { type IcebergField, typeName } from './schema.ts';

const CACHE_BYTES = 64 * 1024 * 1024;
const FILES_AT_ONCE = 16;
const MS_PER_DAY = 86_400_000;

type PointQuery = Pick<EventQuery, 'where' | 'anyOf' | 'from' | 'to' | 'below'>;

export interface PointRead {
  /** in the order of (event time, partition, offset) */
  readonly events: readonly RawEvent[];
  /** what a scan must read */
  readonly rest: readonly PinnedFile[];
}

export interface PointReader {
  /**
   * @param names the fields of the rows
   * @param check throws if a file is damaged; it is called before a file is read
   * @returns null: a scan must answer
   */
  read(
    table: PinnedTable,
    files: readonly PinnedFile[],
    query: PointQuery,
    names: readonly string[],
    check: (file: PinnedFile) => Promise<void>,
  ): Promise<PointRead | null>;
  /** Drops what is cached of files, such as those that had erased rows. */
  forget(isGone: (uri: string) => boolean): void;
}

interface Found {
  readonly event: RawEvent;
  /** microseconds or days, as the order of a scan compares them */
  readonly time: number;
}

const byOrder = (a: Found, b: Found): number =>
  a.time - b.time || a.event.partition - b.event.partition || a.event.offset - b.event.offset;

/** A query on a table, with what it needs for each file. */
interface Plan {
  readonly alternatives: Alternatives;
  readonly time: IcebergField;
  readonly limits: TimeLimits;
  readonly below: readonly number[] | undefined;
  /** the columns that decide which rows are of the entities */
  readonly conditions: readonly IcebergField[];
  /** all columns that are read */
  readonly fields: readonly IcebergField[];
  readonly names: readonly string[];
  readonly byName: ReadonlyMap<string, IcebergField>;
}

/** null: a scan must answer. */
const planOf = (table: PinnedTable, query: PointQuery, names: readonly string[]): Plan | null => {
  const alternatives = alternativesOf(table.fields, query);
  if (alternatives === null) return null;
  const time = table.timeField;
  const byName = new Map(table.fields.map((field) => [field.name, field]));
  const read = ['_partition', '_offset', '_log_time', ...names].flatMap((n) => byName.get(n) ?? []);
  const conditions = [...new Set(alternatives.flat().map(({ field }) => field))];
  const fields = [...new Set([...conditions, time, ...read])];
  if (fields.some((field) => PHYSICAL_TYPES[typeName(field)] === undefined)) return null;
  const limits = timeLimits(typeName(time), query.from, query.to);
  return { alternatives, time, limits, below: query.below, conditions, fields, names, byName };
};

/** The events of some rows of a row group. */
const eventsOf = (
  { time, limits, below, names, byName }: Plan,
  valuesOf: (field: IcebergField) => ColumnValues | null,
  rows: readonly number[],
): readonly Found[] => {
  const times = valuesOf(time);
  if (times?.kind !== 'numbers') throw new OtherParquet('event times of another type');
  const timeOf = (row: number): number => (times.nulls?.[row] === 1 ? 0 : numberOf(times, row));
  const scale = typeName(time) === 'date' ? MS_PER_DAY : 1;
  const column = (name: string): ((row: number) => Value) => {
    const field = byName.get(name);
    const values = field === undefined ? null : valuesOf(field);
    if (field === undefined || values === null) return () => null;
    const read = valueReader(typeName(field));
    return (row) => read(values, row);
  };
  const within = rows.filter((row) => {
    const at = timeOf(row);
    return at >= limits.low && at <= limits.high;
  });
  if (within.length === 0) return [];
  const number = (name: string) => column(name) as (row: number) => number;
  const [partition, offset, logTime] = [
    number('_partition'),
    number('_offset'),
    number('_log_time'),
  ];
  const eventTime = number(time.name);
  const columns = names.map((name) => [name, column(name)] as const);
  return within.flatMap((row): Found[] => {
    const at = timeOf(row);
    if (!Number.isSafeInteger(at)) throw new OtherParquet('a time too far away');
    const position = { partition: partition(row), offset: offset(row) };
    const end = below?.[position.partition];
    if (end !== undefined && position.offset >= end) return [];
    return [
      {
        time: at,
        event: {
          row: Object.fromEntries(columns.map(([name, read]) => [name, read(row)])),
          eventTime: eventTime(row) * scale,
          ...position,
          logTime: logTime(row),
        },
      },
    ];
  });
};

export const pointReader = (files: FileIO, cacheBytes = CACHE_BYTES): PointReader => {
  const cache = cachedColumns(files, cacheBytes);

  /** null: the file is left to a scan. */
  const readFile = async (
    plan: Plan,
    file: PinnedFile,
    check: () => Promise<void>,
  ): Promise<readonly Found[] | null> => {
    const footer = await cache.footer(file, check);
    const places = footer === null ? null : placesOf(footer, plan.fields);
    if (footer === null || places === null) return null;
    const { alternatives, time, limits } = plan;
    const groups = groupsThatMayHold(footer, places, alternatives, time, limits);
    if (groups === null) return null;
    const wanted = [...new Set(places.values())].filter((place) => place >= 0);
    const keys = plan.conditions.map(({ id }) => places.get(id) as number).filter((at) => at >= 0);
    const found: Found[] = [];
    for (const g of groups) {
      const group = cache.group(file, footer, g, wanted, check);
      const valuesOf = ({ id }: IcebergField): ColumnValues | null => {
        const place = places.get(id) as number;
        return place < 0 ? null : group.column(place);
      };
      // Where the keys are in the cache, they say whether the rest is needed.
      if (!group.has(keys)) await group.load();
      const { rows } = footer.groups[g] as RowGroup;
      const matching = matchingRows(alternatives, valuesOf, rows);
      if (matching.length === 0) continue;
      await group.load();
      for (const one of eventsOf(plan, valuesOf, matching)) found.push(one);
    }
    return found;
  };

  return {
    forget: cache.forget,
    async read(table, selected, query, names, check) {
      const plan = planOf(table, query, names);
      if (plan === null) return null;
      if (plan.alternatives.length === 0) return { events: [], rest: [] };
      const found: Found[] = [];
      const rest: PinnedFile[] = [];
      const queue = [...selected];
      const next = async (): Promise<void> => {
        for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
          const one = file;
          let checking: Promise<void> | null = null;
          const once = (): Promise<void> => {
            checking ??= check(one);
            return checking;
          };
          const inFile = await readFile(plan, one, once).catch((error: unknown) => {
            if (error instanceof OtherParquet) return null;
            throw error;
          });
          if (inFile === null) rest.push(one);
          else for (const event of inFile) found.push(event);
        }
      };
      await Promise.all(Array.from({ length: FILES_AT_ONCE }, next));
      return { events: found.sort(byOrder).map(({ event }) => event), rest };
    },
  };
};

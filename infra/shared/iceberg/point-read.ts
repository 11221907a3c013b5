/**
 * Reads the rows of a few entities from Parquet files without an engine. In files that are sorted
 * by the entities' keys, an entity is in one or two small row groups; the statistics in the footers
 * say in which. Only those are read, and of them first the keys. Footers and columns that were read
 * stay in a cache: files never change.
 *
 * Files of which much would have to be read, or whose Parquet is of another kind than our writers
 * make, are left to a scan.
 */
import type { FileIO } from '#domain/ports/file-io.ts';
import type { EventQuery } from '#domain/ports/history.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import {
  type ColumnValues,
  columnValues,
  constantValues,
  isReadable,
  OtherParquet,
} from '#infra/shared/parquet/column-values.ts';
import {
  type ColumnChunk,
  type ParquetColumn,
  type ParquetFooter,
  type RowGroup,
  readFooter,
} from '#infra/shared/parquet/footer.ts';
import { byteCache } from './byte-cache.ts';
import type { PinnedFile, PinnedTable } from './pinned-table.ts';
import { valueReader } from './point-values.ts';
import {
  type Alternatives,
  alternativesOf,
  matchingRows,
  mayHold,
  mayHoldNumber,
  PHYSICAL_TYPES,
} from './point-query.ts';
import { type IcebergField, typeName } from './schema.ts';

const CACHE_BYTES = 64 * 1024 * 1024;
/** Approximate size of what a footer says of a column chunk. */
const CHUNK_BYTES = 400;
/** Of a file with more rows in row groups that can have the entities, a scan reads less. */
const MAX_ROWS = 20_000;
const FILES_AT_ONCE = 16;
const MS_PER_DAY = 86_400_000;

/** A file's columns by Iceberg field: its index in the file; −1: the file lacks it. */
type Places = ReadonlyMap<number, number>;

interface Found {
  readonly event: RawEvent;
  /** microseconds or days, as the order of a scan compares them */
  readonly time: number;
}

export interface PointRead {
  /** in the order of (event time, partition, offset) */
  readonly found: readonly Found[];
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
    query: Omit<EventQuery, 'source'>,
    names: readonly string[],
    check: (file: PinnedFile) => Promise<void>,
  ): Promise<PointRead | null>;
}

interface Limits {
  readonly low: number;
  readonly high: number;
}

/** Event times in the form of the file. */
const limitsOf = (
  type: string,
  { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: Omit<EventQuery, 'source'>,
): Limits =>
  type === 'date'
    ? { low: Math.ceil(from / MS_PER_DAY), high: Math.floor(to / MS_PER_DAY) }
    : { low: Math.ceil(from) * 1000, high: Math.floor(to) * 1000 + 999 };

export const byOrder = (a: Found, b: Found): number =>
  a.time - b.time || a.event.partition - b.event.partition || a.event.offset - b.event.offset;

/** null: the files are not of a kind that is read here. */
const placesOf = (footer: ParquetFooter, fields: readonly IcebergField[]): Places | null => {
  const places = new Map<number, number>();
  const byId = new Map(footer.columns.map((column, i) => [column.fieldId, [column, i] as const]));
  if (footer.columns.some(({ fieldId, flat }) => flat && fieldId === null)) return null;
  for (const field of fields) {
    const [column, place] = byId.get(field.id) ?? [null, -1];
    const type = typeName(field);
    const physical = PHYSICAL_TYPES[type];
    if (physical === undefined) return null;
    if (column !== null && !(physical.includes(column.type) && column.flat)) return null;
    if (column !== null && type === 'timestamptz' && !column.micros) return null;
    places.set(field.id, place);
  }
  return places;
};

export const pointReader = (files: FileIO, cacheBytes = CACHE_BYTES): PointReader => {
  const footers = byteCache<ParquetFooter | null>(cacheBytes / 4);
  const columns = byteCache<ColumnValues>(cacheBytes - cacheBytes / 4);

  const footerOf = async (
    { uri, file }: PinnedFile,
    checked: () => Promise<void>,
  ): Promise<ParquetFooter | null> => {
    const known = footers.get(uri);
    if (known !== undefined) return known;
    await checked();
    const footer = await readFooter(files, uri, file.file_size_in_bytes);
    const chunks = footer === null ? 0 : footer.groups.length * footer.columns.length;
    footers.set(uri, footer, (chunks + 10) * CHUNK_BYTES);
    return footer;
  };

  /** Loads columns of a row group; one read has all that are not in the cache. */
  const columnsOf = async (
    { uri }: PinnedFile,
    footer: ParquetFooter,
    at: number,
    wanted: readonly number[],
    checked: () => Promise<void>,
  ): Promise<(place: number) => ColumnValues> => {
    const { chunks, rows } = footer.groups[at] as RowGroup;
    const keyOf = (place: number): string => `${uri} ${at} ${place}`;
    const loaded = new Map<number, ColumnValues>();
    const missing = new Set<number>();
    for (const place of wanted) {
      const known =
        columns.get(keyOf(place)) ??
        constantValues(footer.columns[place] as ParquetColumn, chunks[place] as ColumnChunk, rows);
      if (known === null) missing.add(place);
      else loaded.set(place, known);
    }
    let bytes: Buffer | null = null;
    let start = 0;
    if (missing.size > 0) {
      await checked();
      const spans = [...missing].map((place) => chunks[place] as ColumnChunk);
      start = Math.min(...spans.map(({ offset }) => offset));
      const end = Math.max(...spans.map((chunk) => chunk.offset + chunk.bytes));
      const read = await files.readRange(uri, start, end - start);
      if (read === null || read.length < end - start) throw new OtherParquet('the file is shorter');
      bytes = Buffer.from(read.buffer, read.byteOffset, read.length);
    }
    return (place) => {
      const known = loaded.get(place);
      if (known !== undefined) return known;
      const chunk = chunks[place] as ColumnChunk;
      const values = columnValues(
        footer.columns[place] as ParquetColumn,
        chunk,
        rows,
        (bytes as Buffer).subarray(chunk.offset - start, chunk.offset - start + chunk.bytes),
      );
      loaded.set(place, values);
      columns.set(keyOf(place), values, values.bytes);
      return values;
    };
  };

  /** The row groups that can have rows of the query; null: the file must be scanned. */
  const candidates = (
    { columns: inFile, groups }: ParquetFooter,
    places: Places,
    alternatives: Alternatives,
    time: number,
    { low, high }: Limits,
  ): readonly number[] | null => {
    const found: number[] = [];
    let rows = 0;
    const wanted = [...places.values()].filter((place) => place >= 0);
    for (const [g, { chunks, rows: count }] of groups.entries()) {
      const chunkOf = (place: number): ColumnChunk => chunks[place] as ColumnChunk;
      const typeOf = (place: number) => (inFile[place] as ParquetColumn).type;
      if (time >= 0 && !mayHoldNumber(typeOf(time), chunkOf(time), low, high)) continue;
      const possible = alternatives.some((conditions) =>
        conditions.every(({ field, wanted: value }) => {
          const place = places.get(field.id) as number;
          return place < 0 ? value === null : mayHold(typeOf(place), chunkOf(place), value);
        }),
      );
      if (!possible) continue;
      if (wanted.some((p) => !isReadable(inFile[p] as ParquetColumn, chunkOf(p)))) return null;
      rows += count;
      found.push(g);
    }
    return rows > MAX_ROWS ? null : found;
  };

  return {
    async read(table, selected, query, names, check) {
      const alternatives = alternativesOf(table.fields, query);
      if (alternatives === null) return null;
      if (alternatives.length === 0) return { found: [], rest: [] };
      const byName = new Map(table.fields.map((field) => [field.name, field]));
      const meta = ['_partition', '_offset', '_log_time'].map((name) => byName.get(name));
      const rowFields = names.map((name) => byName.get(name));
      const conditions = [...new Set(alternatives.flat().map(({ field }) => field))];
      const fields = [
        ...new Set([...conditions, table.timeField, ...meta, ...rowFields].filter(isField)),
      ];
      if (fields.some((field) => PHYSICAL_TYPES[typeName(field)] === undefined)) return null;
      const limits = limitsOf(typeName(table.timeField), query);
      const isKnown = belowOffsets(query.below);
      const found: Found[] = [];
      const rest: PinnedFile[] = [];
      const scale = typeName(table.timeField) === 'date' ? MS_PER_DAY : 1;
      const readers = new Map(fields.map((field) => [field.id, valueReader(typeName(field))]));

      const readFile = async (pinned: PinnedFile): Promise<void> => {
        let checking: Promise<void> | null = null;
        const checked = (): Promise<void> => {
          checking ??= check(pinned);
          return checking;
        };
        const footer = await footerOf(pinned, checked);
        const places = footer === null ? null : placesOf(footer, fields);
        if (footer === null || places === null) return void rest.push(pinned);
        const placeOf = (field: IcebergField | undefined): number =>
          field === undefined ? -1 : (places.get(field.id) as number);
        const time = placeOf(table.timeField);
        const groups = candidates(footer, places, alternatives, time, limits);
        if (groups === null) return void rest.push(pinned);
        const wanted = [...new Set(places.values())].filter((place) => place >= 0);
        const own: Found[] = [];
        for (const g of groups) {
          const column = await columnsOf(pinned, footer, g, wanted, checked);
          const valuesOf = (field: IcebergField | undefined): ColumnValues | null => {
            const place = placeOf(field);
            return place < 0 ? null : column(place);
          };
          const { rows: count } = footer.groups[g] as RowGroup;
          const rows = matchingRows(alternatives, valuesOf, count);
          if (rows.length === 0) continue;
          const read = (field: IcebergField | undefined, row: number): Value => {
            const values = valuesOf(field);
            return values === null || field === undefined
              ? null
              : (readers.get(field.id) as ReturnType<typeof valueReader>)(values, row);
          };
          const times = valuesOf(table.timeField);
          if (times?.kind !== 'numbers') throw new OtherParquet('event times of another type');
          for (const row of rows) {
            const at = times.values[row] as number;
            if (at < limits.low || at > limits.high) continue;
            if (!Number.isSafeInteger(at)) throw new OtherParquet('a far time');
            const [partition, offset, logTime] = meta.map((field) => read(field, row) as number);
            if (!isKnown(partition as number, offset as number)) continue;
            own.push({
              time: at,
              event: {
                row: Object.fromEntries(names.map((name, i) => [name, read(rowFields[i], row)])),
                eventTime: (read(table.timeField, row) as number) * scale,
                partition: partition as number,
                offset: offset as number,
                logTime: logTime as number,
              },
            });
          }
        }
        for (const one of own) found.push(one);
      };

      const queue = [...selected];
      const next = async (): Promise<void> => {
        for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
          try {
            await readFile(file);
          } catch (error) {
            if (!(error instanceof OtherParquet)) throw error;
            rest.push(file);
          }
        }
      };
      await Promise.all(Array.from({ length: FILES_AT_ONCE }, next));
      return { found: found.sort(byOrder), rest };
    },
  };
};

const isField = (field: IcebergField | undefined): field is IcebergField => field !== undefined;

/** As `querySql` compares offsets. */
const belowOffsets =
  (below: readonly number[] | undefined) =>
  (partition: number, offset: number): boolean =>
    offset < (below?.[partition] ?? Number.POSITIVE_INFINITY);

/**
 * Reads all rows of Parquet files in the order of (event time, partition, offset), by columns and
 * without an engine. Files are decoded in the order of their oldest event, and rows are answered
 * as soon as no other file can have an older one:
 *
 *     files, oldest first → decoded rows, unsorted → sort → rows older than the next file → batches
 *                                    ↑                            │
 *                                    └─────── rows that wait ─────┘
 *
 * Where a file is of a kind that our writers do not make, or too many rows would wait, the rest is
 * left to an engine.
 */
import { setImmediate } from 'node:timers/promises';
import type { FileIO } from '#domain/ports/file-io.ts';
import type { EventQuery, ScannedColumns } from '#domain/ports/history.ts';
import { constantOf } from '#infra/shared/parquet/column-values.ts';
import type { ColumnChunk, ParquetColumn, ParquetFooter } from '#infra/shared/parquet/footer.ts';
import { readFooter } from '#infra/shared/parquet/footer.ts';
import { isExact, isReadable, OtherParquet, pagesOf } from '#infra/shared/parquet/pages.ts';
import { readGroups } from '#infra/shared/parquet/read-groups.ts';
import type { TextCodes } from '#infra/shared/text-codes.ts';
import { fillCodes, fillNumbers } from './fill-columns.ts';
import { numberBound, type PinnedFile } from './pinned-table.ts';
import { placesOf, timeLimits } from './point-files.ts';
import { mayHoldNumber, PHYSICAL_TYPES } from './point-query.ts';
import { sortRows } from './row-order.ts';
import { type IcebergField, typeName } from './schema.ts';

const SORTED_ROWS = 64 * 1024;
const WAITING_ROWS = 2 * 1024 * 1024;
const BATCH_ROWS = 64 * 1024;
const MS_PER_DAY = 86_400_000;

type Column = Float64Array | Int32Array;

export interface ColumnScan {
  /** the columns to read, the event time, `_partition` and `_offset` among them */
  readonly fields: readonly IcebergField[];
  readonly time: IcebergField;
  readonly query: Pick<EventQuery, 'from' | 'to' | 'below'>;
  /** the codes of a column of texts */
  readonly texts: (field: IcebergField) => TextCodes;
  /** makes a batch of columns in the order of `fields` */
  readonly batch: (columns: readonly Column[], count: number) => ScannedColumns;
  /** @throws MR_DATA_DAMAGED */
  readonly check: (file: PinnedFile) => Promise<void>;
  /** Rows are sorted when there are so many. */
  readonly sortedRows?: number;
  /** If so many must wait for others, an engine reads them, and spills what needs more memory. */
  readonly waitingRows?: number;
}

/** What an engine must read: these files, from this event time on (epoch ms; absent: all). */
export interface Unread {
  readonly files: readonly PinnedFile[];
  readonly from: number | undefined;
}

/** Whether such columns are read here. */
export const canScan = (fields: readonly IcebergField[]): boolean =>
  fields.every((field) => {
    const type = typeName(field);
    return type !== 'binary' && PHYSICAL_TYPES[type] !== undefined;
  });

/** Event times in this file are not before it, epoch ms. */
const oldestOf = (file: PinnedFile, time: IcebergField): number =>
  (typeName(time) === 'timestamptz' ? numberBound(file, 'lower_bounds', time) : null) ??
  (file.day === null ? Number.NEGATIVE_INFINITY : file.day * MS_PER_DAY);

/** Rows that were decoded and not yet answered. The event time is in the form of the files. */
interface Rows {
  /** with room for more */
  readonly columns: readonly Column[];
  count: number;
}

const noRows = (fields: readonly IcebergField[], capacity: number): Rows => ({
  columns: fields.map((field) =>
    typeName(field) === 'string' ? new Int32Array(capacity) : new Float64Array(capacity),
  ),
  count: 0,
});

const gather = <T extends Column>(from: T, rows: Uint32Array, into: T): T => {
  for (let i = 0; i < rows.length; i++) into[i] = from[rows[i] as number] as number;
  return into;
};

const picked = (column: Column, rows: Uint32Array): Column =>
  column instanceof Float64Array
    ? gather(column, rows, new Float64Array(rows.length))
    : gather(column, rows, new Int32Array(rows.length));

/** Keeps only these rows. */
const keep = (rows: Rows, kept: Uint32Array): void => {
  for (const column of rows.columns) column.set(picked(column, kept));
  rows.count = kept.length;
};

/** The rows with room for more. */
const withRoom = (rows: Rows, more: number): Rows => {
  const needed = rows.count + more;
  if ((rows.columns[0] as Column).length >= needed) return rows;
  const capacity = Math.max(needed, 2 * rows.count);
  const columns = rows.columns.map((column) => {
    const larger =
      column instanceof Float64Array ? new Float64Array(capacity) : new Int32Array(capacity);
    larger.set(column.subarray(0, rows.count));
    return larger;
  });
  return { columns, count: rows.count };
};

export async function* scanInOrder(
  files: FileIO,
  selected: readonly PinnedFile[],
  scan: ColumnScan,
): AsyncGenerator<ScannedColumns, Unread> {
  const { fields, time, query, sortedRows = SORTED_ROWS, waitingRows = WAITING_ROWS } = scan;
  const limits = timeLimits(typeName(time), query.from, query.to);
  const indexOf = (name: string): number => fields.findIndex((field) => field.name === name);
  const [timeAt, partitionAt, offsetAt] = [
    indexOf(time.name),
    indexOf('_partition'),
    indexOf('_offset'),
  ];
  const needed = [timeAt, partitionAt, offsetAt];
  const isDate = typeName(time) === 'date';

  const decode = async (file: PinnedFile, into: Rows): Promise<void> => {
    await scan.check(file);
    const footer = await readFooter(files, file.uri, file.file.file_size_in_bytes);
    const places = footer === null ? null : placesOf(footer, fields);
    if (footer === null || places === null) throw new OtherParquet('columns of another kind');
    const placeOf = fields.map(({ id }) => places.get(id) as number);
    if (needed.some((at) => (placeOf[at] as number) < 0))
      throw new OtherParquet('no event times or positions');
    const groups = footer.groups.filter(({ chunks }) =>
      mayHoldNumber(
        (footer.columns[placeOf[timeAt] as number] as ParquetColumn).type,
        chunks[placeOf[timeAt] as number] as ColumnChunk,
        limits.low,
        limits.high,
      ),
    );
    const wanted = placeOf.filter((place) => place >= 0);
    const chunksOf = groups.map(({ chunks }) => wanted.map((p) => chunks[p] as ColumnChunk));
    if (
      chunksOf.some((chunks) => chunks.some((c, i) => !isReadable(columnAt(footer, wanted[i]), c)))
    )
      throw new OtherParquet('chunks of another kind');
    const sorting = groups.flatMap(({ chunks }) => needed.map((f) => chunks[placeOf[f] as number]));
    if (!sorting.every((chunk) => chunk?.nulls === 0 && isExact(chunk)))
      throw new OtherParquet('rows without a time or a position');
    let g = 0;
    for await (const bytesOf of readGroups(files, file.uri, chunksOf)) {
      const { chunks, rows } = groups[g++] as (typeof groups)[number];
      const [begin, end] = [into.count, into.count + rows];
      for (const [f, field] of fields.entries()) {
        const target = into.columns[f] as Column;
        const place = placeOf[f] as number;
        if (place < 0) {
          target.fill(target instanceof Int32Array ? -1 : Number.NaN, begin, end);
          continue;
        }
        const chunk = chunks[place] as ColumnChunk;
        const column = columnAt(footer, place);
        const inMs = f !== timeAt && typeName(field) === 'timestamptz';
        const constant = constantOf(column, chunk);
        if (constant !== null) {
          target.fill(inMs ? Math.floor(constant / 1000) : constant, begin, end);
          continue;
        }
        const pages = pagesOf(column, chunk, rows, bytesOf(chunk));
        if (target instanceof Int32Array) fillCodes(pages, scan.texts(field), target, begin);
        else fillNumbers(column, pages, inMs, target, begin);
      }
      into.count += rows;
    }
  };

  /** The rows that the query asks for, in order. */
  const ordered = ({ columns, count }: Rows): Uint32Array => {
    const [times, partitions, offsets] = [timeAt, partitionAt, offsetAt].map(
      (at) => columns[at] as Float64Array,
    ) as [Float64Array, Float64Array, Float64Array];
    const below = query.below;
    const rows = new Uint32Array(count);
    let kept = 0;
    for (let row = 0; row < count; row++) {
      const at = times[row] as number;
      if (at < limits.low || at > limits.high) continue;
      const end = below?.[partitions[row] as number];
      if (end !== undefined && (offsets[row] as number) >= end) continue;
      rows[kept++] = row;
    }
    const wanted = rows.subarray(0, kept);
    sortRows(wanted, [times, partitions, offsets]);
    return wanted;
  };

  async function* answer({ columns }: Rows, rows: Uint32Array): AsyncGenerator<ScannedColumns> {
    for (let from = 0; from < rows.length; from += BATCH_ROWS) {
      const some = rows.subarray(from, from + BATCH_ROWS);
      const taken = columns.map((column) => picked(column, some));
      const times = taken[timeAt] as Float64Array;
      if (!isDate)
        for (let i = 0; i < times.length; i++) times[i] = Math.floor((times[i] as number) / 1000);
      yield scan.batch(taken, some.length);
      await setImmediate();
    }
  }

  const queue = selected
    .map((file) => ({ file, oldest: oldestOf(file, time) }))
    .sort((a, b) => a.oldest - b.oldest);
  let rows = noRows(fields, 0);
  let due = sortedRows;
  /** the files with rows that wait */
  let waiting: PinnedFile[] = [];
  let from = query.from;
  let at = 0;
  let next = Number.NEGATIVE_INFINITY;
  try {
    for (const { file } of queue) {
      next = queue[++at]?.oldest ?? Number.POSITIVE_INFINITY;
      rows = withRoom(rows, file.file.record_count);
      waiting.push(file);
      await decode(file, rows);
      if (rows.count < due && next !== Number.POSITIVE_INFINITY) continue;
      const sorted = ordered(rows);
      const cut = limitOf(next, isDate);
      const times = rows.columns[timeAt] as Float64Array;
      const end = firstFrom(sorted, times, cut);
      yield* answer(rows, sorted.subarray(0, end));
      if (Number.isFinite(next)) from = Math.max(from ?? Number.NEGATIVE_INFINITY, next);
      const rest = sorted.subarray(end);
      if (rest.length > waitingRows) throw new OtherParquet('too many rows wait');
      if (rest.length === 0) waiting = [];
      keep(rows, rest);
      due = Math.max(sortedRows, 2 * rest.length);
    }
    return { files: [], from };
  } catch (error) {
    if (!(error instanceof OtherParquet)) throw error;
    return { files: [...waiting, ...queue.slice(at).map(({ file }) => file)], from };
  }
}

const columnAt = ({ columns }: ParquetFooter, place: number | undefined): ParquetColumn =>
  columns[place as number] as ParquetColumn;

/** A time in the form of the files: rows before it are before `ms`. */
const limitOf = (ms: number, isDate: boolean): number =>
  isDate ? Math.ceil(ms / MS_PER_DAY) : ms * 1000;

/** Of sorted rows, the index of the first whose time is not before `cut`. */
const firstFrom = (rows: Uint32Array, times: Float64Array, cut: number): number => {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[rows[middle] as number] as number) < cut) low = middle + 1;
    else high = middle;
  }
  return low;
};

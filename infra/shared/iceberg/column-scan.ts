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
import { sortRows } from '#domain/values/row-order.ts';
import { OtherParquet } from '#infra/shared/parquet/pages.ts';
import { type DecodedColumns, decodeFile } from './decode-file.ts';
import { numberBound, type PinnedFile } from './pinned-table.ts';
import { timeLimits } from './point-files.ts';
import { PHYSICAL_TYPES } from './point-query.ts';
import { type IcebergField, typeName } from './schema.ts';
import { type Column, keep, noRows, picked, type UnsortedRows, withRoom } from './unsorted-rows.ts';

const SORTED_ROWS = 64 * 1024;
const WAITING_ROWS = 1024 * 1024;
const BATCH_ROWS = 64 * 1024;
const MS_PER_DAY = 86_400_000;
const US_PER_MS = 1000;

export interface ColumnScan extends Pick<DecodedColumns, 'texts'> {
  /** the columns to read, the event time, `_partition` and `_offset` among them */
  readonly fields: readonly IcebergField[];
  readonly time: IcebergField;
  readonly query: Pick<EventQuery, 'from' | 'to' | 'below'>;
  /** makes a batch of columns in the order of `fields` */
  readonly batch: (columns: readonly Column[], count: number) => ScannedColumns;
  /** @throws MR_DATA_DAMAGED */
  readonly check: (file: PinnedFile) => Promise<void>;
  /** Rows are sorted when there are so many. */
  readonly sortedRows?: number;
  /** Where more would be in memory, an engine reads them, which spills. */
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

export async function* scanInOrder(
  files: FileIO,
  selected: readonly PinnedFile[],
  scan: ColumnScan,
): AsyncGenerator<ScannedColumns, Unread> {
  const { fields, time, query, sortedRows = SORTED_ROWS, waitingRows = WAITING_ROWS } = scan;
  const limits = timeLimits(typeName(time), query.from, query.to);
  const indexOf = (name: string): number => fields.findIndex((field) => field.name === name);
  const order = [indexOf(time.name), indexOf('_partition'), indexOf('_offset')] as const;
  const [timeAt] = order;
  const decoded = { fields, order, limits, texts: scan.texts };
  const isDate = typeName(time) === 'date';

  /** The rows that the query asks for, in order. */
  const ordered = ({ columns, count }: UnsortedRows): Uint32Array => {
    const [times, partitions, offsets] = order.map((at) => columns[at]) as Float64Array[] as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const rows = new Uint32Array(count);
    let kept = 0;
    for (let row = 0; row < count; row++) {
      const at = times[row] as number;
      if (at < limits.low || at > limits.high) continue;
      const end = query.below?.[partitions[row] as number];
      if (end !== undefined && (offsets[row] as number) >= end) continue;
      rows[kept++] = row;
    }
    const wanted = rows.subarray(0, kept);
    sortRows(wanted, [times, partitions, offsets]);
    return wanted;
  };

  async function* answer(
    { columns }: UnsortedRows,
    rows: Uint32Array,
  ): AsyncGenerator<ScannedColumns> {
    for (let from = 0; from < rows.length; from += BATCH_ROWS) {
      const some = rows.subarray(from, from + BATCH_ROWS);
      const taken = columns.map((column) => picked(column, some));
      const times = taken[timeAt] as Float64Array;
      for (let i = 0; !isDate && i < times.length; i++)
        times[i] = Math.floor((times[i] as number) / US_PER_MS);
      yield scan.batch(taken, some.length);
      // Other work of this thread gets its turn.
      await setImmediate();
    }
  }

  const queue = selected
    .map((file) => ({ file, oldest: oldestOf(file, time) }))
    .sort((a, b) => a.oldest - b.oldest);
  let rows = noRows(fields);
  let due = sortedRows;
  /** the files with rows that wait */
  let waiting: PinnedFile[] = [];
  let from = query.from;
  let read = 0;
  try {
    for (const { file } of queue) {
      read++;
      waiting.push(file);
      if (rows.count + file.file.record_count > waitingRows)
        throw new OtherParquet('too many rows at once');
      await scan.check(file);
      rows = withRoom(rows, file.file.record_count);
      await decodeFile(files, file, decoded, rows);
      const next = queue[read]?.oldest ?? Number.POSITIVE_INFINITY;
      if (rows.count < due && next !== Number.POSITIVE_INFINITY) continue;
      const sorted = ordered(rows);
      const times = rows.columns[timeAt] as Float64Array;
      const end = firstFrom(sorted, times, isDate ? next / MS_PER_DAY : next * US_PER_MS);
      yield* answer(rows, sorted.subarray(0, end));
      if (Number.isFinite(next)) from = Math.max(from ?? Number.NEGATIVE_INFINITY, next);
      const rest = sorted.subarray(end);
      if (rest.length === 0) waiting = [];
      keep(rows, rest);
      due = Math.max(sortedRows, 2 * rest.length);
    }
    return { files: [], from };
  } catch (error) {
    if (!(error instanceof OtherParquet)) throw error;
    return { files: [...waiting, ...queue.slice(read).map(({ file }) => file)], from };
  }
}

/** Of sorted rows, the index of the first whose time is not before `limit`. */
const firstFrom = (rows: Uint32Array, times: Float64Array, limit: number): number => {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[rows[middle] as number] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
};

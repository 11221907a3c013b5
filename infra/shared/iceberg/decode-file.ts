/** Decodes a Parquet file of raw events into arrays, by columns. */
import type { FileIO } from '#domain/ports/file-io.ts';
import { constantOf } from '#infra/shared/parquet/column-values.ts';
import {
  type ColumnChunk,
  type ParquetColumn,
  type ParquetFooter,
  type RowGroup,
  readFooter,
} from '#infra/shared/parquet/footer.ts';
import { isExact, isReadable, OtherParquet, pagesOf } from '#infra/shared/parquet/pages.ts';
import { readGroups } from '#infra/shared/parquet/read-groups.ts';
import type { TextCodes } from '#infra/shared/text-codes.ts';
import { fillCodes, fillNumbers } from './fill-columns.ts';
import type { PinnedFile } from './pinned-table.ts';
import { placesOf, type TimeLimits } from './point-files.ts';
import { mayHoldNumber } from './point-query.ts';
import { type IcebergField, typeName } from './schema.ts';
import type { Column, UnsortedRows } from './unsorted-rows.ts';

export interface DecodedColumns {
  readonly fields: readonly IcebergField[];
  /** Indexes of the event time, the partition and the offset: whole numbers in each row. */
  readonly order: readonly [time: number, partition: number, offset: number];
  /** row groups without such event times are left out */
  readonly limits: TimeLimits;
  /** the codes of a column of texts */
  readonly texts: (field: IcebergField) => TextCodes;
}

const US_PER_MS = 1000;

const columnAt = ({ columns }: ParquetFooter, place: number): ParquetColumn =>
  columns[place] as ParquetColumn;

const chunkAt = ({ chunks }: RowGroup, place: number): ColumnChunk => chunks[place] as ColumnChunk;

/** The row groups to decode. */
const groupsOf = (
  footer: ParquetFooter,
  placeOf: readonly number[],
  { order, limits: { low, high } }: DecodedColumns,
): readonly RowGroup[] => {
  const sorting = order.map((f) => placeOf[f] as number);
  const [time = -1] = sorting;
  if (sorting.some((place) => place < 0)) throw new OtherParquet('no event times or positions');
  const groups = footer.groups.filter((group) =>
    mayHoldNumber(columnAt(footer, time).type, chunkAt(group, time), low, high),
  );
  const isKnown = (group: RowGroup): boolean =>
    placeOf.every(
      (place) => place < 0 || isReadable(columnAt(footer, place), chunkAt(group, place)),
    );
  const isSortable = (group: RowGroup): boolean =>
    sorting.every((place) => {
      const chunk = chunkAt(group, place);
      return chunk.nulls === 0 && isExact(chunk);
    });
  if (!groups.every((group) => isKnown(group) && isSortable(group)))
    throw new OtherParquet('chunks of another kind');
  return groups;
};

/**
 * Adds the rows of the file to `into`, which has room for them. Timestamps become milliseconds, but
 * for the event time, which stays as the file has it.
 * @throws OtherParquet: `into` may have some of the rows
 */
export const decodeFile = async (
  files: FileIO,
  { uri, file }: PinnedFile,
  decoded: DecodedColumns,
  into: UnsortedRows,
): Promise<void> => {
  const { fields, order, texts } = decoded;
  const footer = await readFooter(files, uri, file.file_size_in_bytes);
  const places = footer === null ? null : placesOf(footer, fields);
  if (footer === null || places === null) throw new OtherParquet('columns of another kind');
  const placeOf = fields.map(({ id }) => places.get(id) as number);
  const groups = groupsOf(footer, placeOf, decoded);

  const fill = (
    f: number,
    group: RowGroup,
    bytesOf: (chunk: ColumnChunk) => Buffer,
    target: Column,
  ): void => {
    const field = fields[f] as IcebergField;
    const place = placeOf[f] as number;
    const [begin, end] = [into.count, into.count + group.rows];
    if (place < 0) {
      target.fill(target instanceof Int32Array ? -1 : Number.NaN, begin, end);
      return;
    }
    const chunk = chunkAt(group, place);
    const column = columnAt(footer, place);
    const inMs = f !== order[0] && typeName(field) === 'timestamptz';
    const constant = constantOf(column, chunk);
    if (constant !== null) {
      target.fill(inMs ? Math.floor(constant / US_PER_MS) : constant, begin, end);
      return;
    }
    const pages = pagesOf(column, chunk, group.rows, bytesOf(chunk));
    if (target instanceof Int32Array) fillCodes(pages, texts(field), target, begin);
    else fillNumbers(column, pages, inMs, target, begin);
  };

  const wanted = placeOf.filter((place) => place >= 0);
  const chunks = groups.map((group) => wanted.map((place) => chunkAt(group, place)));
  let g = 0;
  for await (const bytesOf of readGroups(files, uri, chunks)) {
    const group = groups[g++] as RowGroup;
    for (const [f, column] of into.columns.entries()) fill(f, group, bytesOf, column);
    into.count += group.rows;
  }
};

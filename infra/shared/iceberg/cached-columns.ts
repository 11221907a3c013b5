/**
 * Footers and decoded columns of Parquet files, in a cache of a limited size. Files never change,
 * so what was read stays right.
 */
import type { FileIO } from '#domain/ports/file-io.ts';
import {
  type ColumnValues,
  columnValues,
  constantValues,
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
import type { PinnedFile } from './pinned-table.ts';

/** Approximate size of what a footer says of a column chunk. */
const CHUNK_BYTES = 400;

/** Called before bytes of the file are read. @throws MR_DATA_DAMAGED */
type Check = () => Promise<void>;

export interface CachedColumns {
  /** null: the file is no Parquet */
  readonly footer: (file: PinnedFile, check: Check) => Promise<ParquetFooter | null>;
  /** Columns of a row group, by their index in the file; each is decoded when it is asked for. */
  readonly group: (
    file: PinnedFile,
    footer: ParquetFooter,
    group: number,
    wanted: readonly number[],
    check: Check,
  ) => Promise<(place: number) => ColumnValues>;
  readonly forget: (isGone: (uri: string) => boolean) => void;
}

export const cachedColumns = (files: FileIO, cacheBytes: number): CachedColumns => {
  const footers = byteCache<ParquetFooter | null>(cacheBytes / 4);
  const columns = byteCache<ColumnValues>(cacheBytes - cacheBytes / 4);

  /** One read has all of the chunks; what lies between them is read, too. */
  const readChunks = async (
    uri: string,
    chunks: readonly ColumnChunk[],
  ): Promise<(chunk: ColumnChunk) => Buffer> => {
    const start = Math.min(...chunks.map(({ offset }) => offset));
    const end = Math.max(...chunks.map(({ offset, bytes }) => offset + bytes));
    const read = await files.readRange(uri, start, end - start);
    if (read === null || read.length < end - start) throw new OtherParquet('the file is shorter');
    const bytes = Buffer.from(read.buffer, read.byteOffset, read.length);
    return (chunk) => bytes.subarray(chunk.offset - start, chunk.offset - start + chunk.bytes);
  };

  return {
    async footer({ uri, file }, check) {
      const known = footers.get(uri);
      if (known !== undefined) return known;
      await check();
      const footer = await readFooter(files, uri, file.file_size_in_bytes);
      const chunks = footer === null ? 0 : footer.groups.length * footer.columns.length;
      footers.set(uri, footer, (chunks + 10) * CHUNK_BYTES);
      return footer;
    },
    async group({ uri }, footer, group, wanted, check) {
      const { chunks, rows } = footer.groups[group] as RowGroup;
      const columnOf = (place: number): ParquetColumn => footer.columns[place] as ParquetColumn;
      const chunkOf = (place: number): ColumnChunk => chunks[place] as ColumnChunk;
      const keyOf = (place: number): string => `${uri} ${group} ${place}`;
      const loaded = new Map<number, ColumnValues>();
      const missing: ColumnChunk[] = [];
      for (const place of wanted) {
        const known =
          columns.get(keyOf(place)) ?? constantValues(columnOf(place), chunkOf(place), rows);
        if (known === null) missing.push(chunkOf(place));
        else loaded.set(place, known);
      }
      if (missing.length > 0) await check();
      const bytesOf = missing.length > 0 ? await readChunks(uri, missing) : null;
      return (place) => {
        const known = loaded.get(place);
        if (known !== undefined) return known;
        const chunk = chunkOf(place);
        const bytes = bytesOf?.(chunk) as Buffer;
        const values = columnValues(columnOf(place), chunk, rows, bytes);
        loaded.set(place, values);
        columns.set(keyOf(place), values, values.bytes);
        return values;
      };
    },
    forget(isGone) {
      footers.forget(isGone);
      columns.forget((key) => isGone(key.slice(0, key.indexOf(' '))));
    },
  };
};

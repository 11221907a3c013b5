/**
 * Footers and decoded columns of Parquet files, in a cache of a limited size. Files never change,
 * so what was read stays right.
 */
import type { FileIO } from '#domain/ports/file-io.ts';
import {
  type ColumnValues,
  columnValues,
  constantOf,
  constantValues,
} from '#infra/shared/parquet/column-values.ts';
import {
  type ColumnChunk,
  type ParquetColumn,
  type ParquetFooter,
  type RowGroup,
  readFooter,
} from '#infra/shared/parquet/footer.ts';
import { OtherParquet } from '#infra/shared/parquet/pages.ts';
import { byteCache } from './byte-cache.ts';
import type { PinnedFile } from './pinned-table.ts';

/** Approximate size of what a footer says of a column chunk. */
const CHUNK_BYTES = 400;

/** Called before bytes of the file are read. @throws MR_DATA_DAMAGED */
type Check = () => Promise<void>;

/** What is decoded of a row group. */
interface Group {
  /** by their index in the file */
  readonly columns: (ColumnValues | undefined)[];
  bytes: number;
}

/** Approximate size of a row group of which nothing is decoded. */
const GROUP_BYTES = 200;

/** The wanted columns of a row group, by their index in the file. */
export interface CachedGroup {
  /** Whether `column` has these without `load`. */
  readonly has: (places: readonly number[]) => boolean;
  /** Reads what the cache does not have, if it was not read before. */
  readonly load: () => Promise<void>;
  /** It is decoded when it is first asked for. */
  readonly column: (place: number) => ColumnValues;
}

export interface CachedColumns {
  /** null: the file is no Parquet */
  readonly footer: (file: PinnedFile, check: Check) => Promise<ParquetFooter | null>;
  readonly group: (
    file: PinnedFile,
    footer: ParquetFooter,
    group: number,
    wanted: readonly number[],
    check: Check,
  ) => CachedGroup;
  readonly forget: (isGone: (uri: string) => boolean) => void;
}

export const cachedColumns = (files: FileIO, cacheBytes: number): CachedColumns => {
  const footers = byteCache<ParquetFooter | null>(cacheBytes / 4);
  const groups = byteCache<Group>((cacheBytes * 3) / 4);

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
    group({ uri }, footer, group, wanted, check) {
      const { chunks, rows } = footer.groups[group] as RowGroup;
      const chunkOf = (place: number): ColumnChunk => chunks[place] as ColumnChunk;
      const columnOf = (place: number): ParquetColumn => footer.columns[place] as ParquetColumn;
      const key = `${uri} ${group}`;
      const known = groups.get(key) ?? { columns: [], bytes: GROUP_BYTES };
      let bytesOf: ((chunk: ColumnChunk) => Buffer) | null = null;
      const isKnown = (place: number): boolean => {
        if (known.columns[place] !== undefined) return true;
        const constant = constantOf(columnOf(place), chunkOf(place));
        if (constant !== null) known.columns[place] = constantValues(constant, rows);
        return constant !== null;
      };
      return {
        has: (places) => places.every(isKnown),
        async load() {
          const missing = bytesOf === null ? wanted.filter((place) => !isKnown(place)) : [];
          if (missing.length === 0) return;
          await check();
          bytesOf = await readChunks(uri, missing.map(chunkOf));
        },
        column(place) {
          const found = known.columns[place];
          if (found !== undefined) return found;
          const chunk = chunkOf(place);
          const values = columnValues(columnOf(place), chunk, rows, bytesOf?.(chunk) as Buffer);
          known.columns[place] = values;
          known.bytes += values.bytes;
          groups.set(key, known, known.bytes);
          return values;
        },
      };
    },
    forget(isGone) {
      footers.forget(isGone);
      groups.forget((key) => isGone(key.slice(0, key.indexOf(' '))));
    },
  };
};

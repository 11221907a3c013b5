/**
 * The values of a flat column in one row group. Only what our writers use is read: data pages of
 * version 1, plain or with a dictionary, not compressed or compressed with zstd.
 */
import { zstdDecompressSync } from 'node:zlib';
import type { ColumnChunk, ParquetColumn } from './footer.ts';
import { readHybrid } from './hybrid.ts';
import { type Struct, thriftReader } from './thrift.ts';

/** Numbers, timestamps and dates as the file has them, booleans as 0 and 1. */
export interface NumberValues {
  readonly kind: 'numbers';
  readonly values: Float64Array;
  /** 1: the row's value is null; null: no value is */
  readonly nulls: Uint8Array | null;
  readonly bytes: number;
}

export interface BytesValues {
  readonly kind: 'bytes';
  readonly data: Buffer;
  /** by value: where it begins and ends in the data */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** by row: its value; −1: null */
  readonly index: Int32Array;
  readonly bytes: number;
}

export type ColumnValues = NumberValues | BytesValues;

const [UNCOMPRESSED, ZSTD] = [0, 6];
const [PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, RLE_DICTIONARY] = [0, 2, 3, 4, 8];
const READABLE = new Set([PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, RLE_DICTIONARY]);
const [DATA_PAGE, DICTIONARY_PAGE] = [0, 2];
const WIDTHS = { int32: 4, int64: 8, float: 4, double: 8 } as const;

/** Whether `columnValues` reads this chunk; another kind of page may still be found in it. */
export const isReadable = (column: ParquetColumn, chunk: ColumnChunk): boolean =>
  column.flat &&
  column.maxDefinition <= 1 &&
  column.type !== 'other' &&
  (chunk.codec === UNCOMPRESSED || chunk.codec === ZSTD) &&
  chunk.encodings.every((encoding) => READABLE.has(encoding));

/** Parquet that is valid, but not of the kind that is read here. */
export class OtherParquet extends Error {}

interface Page {
  readonly header: Struct;
  readonly body: Buffer;
}

const pagesOf = (chunk: Buffer, codec: number): readonly Page[] => {
  const pages: Page[] = [];
  for (let at = 0; at < chunk.length; ) {
    const reader = thriftReader(chunk, at);
    const header = reader.struct();
    const end = reader.at + (header[3] as number);
    const body = chunk.subarray(reader.at, end);
    at = end;
    if (header[1] !== DATA_PAGE && header[1] !== DICTIONARY_PAGE)
      throw new OtherParquet('a data page of another version');
    // One piece of output: Node would otherwise join several.
    const options = { chunkSize: Math.max(64, header[2] as number) };
    pages.push({ header, body: codec === ZSTD ? zstdDecompressSync(body, options) : body });
  }
  return pages;
};

/** Plain numbers; `count` of them from `at` on. */
const plainNumbers = (
  type: ParquetColumn['type'],
  body: Buffer,
  at: number,
  count: number,
): Float64Array => {
  const numbers = new Float64Array(count);
  if (type === 'boolean') {
    for (let i = 0; i < count; i++) numbers[i] = (body.readUInt8(at + (i >> 3)) >> (i & 7)) & 1;
    return numbers;
  }
  const view = new DataView(body.buffer, body.byteOffset + at, count * widthOf(type));
  if (type === 'int32') for (let i = 0; i < count; i++) numbers[i] = view.getInt32(i * 4, true);
  if (type === 'float') for (let i = 0; i < count; i++) numbers[i] = view.getFloat32(i * 4, true);
  if (type === 'double') for (let i = 0; i < count; i++) numbers[i] = view.getFloat64(i * 8, true);
  if (type === 'int64')
    for (let i = 0; i < count; i++)
      numbers[i] = view.getInt32(i * 8 + 4, true) * 2 ** 32 + view.getUint32(i * 8, true);
  return numbers;
};

const widthOf = (type: ParquetColumn['type']): number => WIDTHS[type as keyof typeof WIDTHS];

interface Pieces {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Where the plain byte arrays of a page are. */
const plainPieces = (body: Buffer, at: number, count: number): Pieces => {
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  let place = at;
  for (let i = 0; i < count; i++) {
    const length = body.readUInt32LE(place);
    starts[i] = place + 4;
    place += 4 + length;
    ends[i] = place;
  }
  if (place > body.length) throw new RangeError('the page ends within a value');
  return { starts, ends };
};

interface DataPage {
  readonly rows: number;
  /** by row: which of the page's values it has; −1: null; null: each row has its own */
  readonly ranks: Int32Array | null;
  readonly present: number;
  /** where the values begin */
  readonly at: number;
  readonly body: Buffer;
  readonly dictionary: boolean;
}

const dataPage = ({ header, body }: Page, column: ParquetColumn): DataPage => {
  const data = header[5] as Struct;
  const rows = data[1] as number;
  const dictionary = data[2] !== PLAIN;
  if (column.maxDefinition === 0)
    return { rows, ranks: null, present: rows, at: 0, body, dictionary };
  if (data[3] !== RLE) throw new OtherParquet('levels of another encoding');
  const end = 4 + body.readUInt32LE(0);
  const ranks = new Int32Array(rows);
  readHybrid(body, 4, end, 1, ranks);
  let present = 0;
  for (let i = 0; i < rows; i++) ranks[i] = ranks[i] === 1 ? present++ : -1;
  return { rows, ranks: present === rows ? null : ranks, present, at: end, body, dictionary };
};

/** By value of the page: its index in the dictionary. */
const dictionaryIndexes = ({ body, at, present }: DataPage): Int32Array => {
  const indexes = new Int32Array(present);
  if (present > 0) readHybrid(body, at + 1, body.length, body.readUInt8(at), indexes);
  return indexes;
};

const numberValues = (
  column: ParquetColumn,
  rows: number,
  dictionary: Page | undefined,
  pages: readonly DataPage[],
): NumberValues => {
  const entries =
    dictionary === undefined
      ? null
      : plainNumbers(
          column.type,
          dictionary.body,
          0,
          (dictionary.header[7] as Struct)[1] as number,
        );
  const values = new Float64Array(rows);
  let nulls: Uint8Array | null = null;
  let row = 0;
  for (const page of pages) {
    const own = page.dictionary
      ? null
      : plainNumbers(column.type, page.body, page.at, page.present);
    const indexes = page.dictionary ? dictionaryIndexes(page) : null;
    if (own !== null && page.ranks === null) {
      values.set(own, row);
      row += page.rows;
      continue;
    }
    for (let i = 0; i < page.rows; i++, row++) {
      const rank = page.ranks === null ? i : (page.ranks[i] as number);
      if (rank < 0) {
        nulls ??= new Uint8Array(rows);
        nulls[row] = 1;
      } else
        values[row] = (
          own !== null ? own[rank] : entries?.[(indexes as Int32Array)[rank] as number]
        ) as number;
    }
  }
  return { kind: 'numbers', values, nulls, bytes: values.byteLength + (nulls?.byteLength ?? 0) };
};

const bytesValues = (
  rows: number,
  dictionary: Page | undefined,
  pages: readonly DataPage[],
): BytesValues => {
  const parts: { readonly data: Buffer; readonly pieces: Pieces }[] = [];
  if (dictionary !== undefined) {
    const count = (dictionary.header[7] as Struct)[1] as number;
    parts.push({ data: dictionary.body, pieces: plainPieces(dictionary.body, 0, count) });
  }
  const index = new Int32Array(rows);
  let values = parts[0]?.pieces.starts.length ?? 0;
  let row = 0;
  for (const page of pages) {
    const indexes = page.dictionary ? dictionaryIndexes(page) : null;
    for (let i = 0; i < page.rows; i++, row++) {
      const rank = page.ranks === null ? i : (page.ranks[i] as number);
      index[row] = rank < 0 ? -1 : indexes === null ? values + rank : (indexes[rank] as number);
    }
    if (indexes !== null) continue;
    const pieces = plainPieces(page.body, page.at, page.present);
    parts.push({ data: page.body, pieces });
    values += page.present;
  }
  const [only] = parts;
  if (parts.length === 1 && only !== undefined)
    return bytesOf(only.data, only.pieces.starts, only.pieces.ends, index);
  const starts = new Int32Array(values);
  const ends = new Int32Array(values);
  let value = 0;
  let base = 0;
  for (const { data, pieces } of parts) {
    for (let i = 0; i < pieces.starts.length; i++, value++) {
      starts[value] = (pieces.starts[i] as number) + base;
      ends[value] = (pieces.ends[i] as number) + base;
    }
    base += data.length;
  }
  return bytesOf(Buffer.concat(parts.map(({ data }) => data)), starts, ends, index);
};

const bytesOf = (
  data: Buffer,
  starts: Int32Array,
  ends: Int32Array,
  index: Int32Array,
): BytesValues => ({
  kind: 'bytes',
  data,
  starts,
  ends,
  index,
  bytes: data.length + starts.byteLength + ends.byteLength + index.byteLength,
});

/** Of a column of whole numbers that has one value in all rows, from the footer; else null. */
export const constantValues = (
  { type, maxDefinition }: ParquetColumn,
  { min, max, nulls }: ColumnChunk,
  rows: number,
): NumberValues | null => {
  if (type !== 'int32' && type !== 'int64') return null;
  if (min === null || max?.equals(min) !== true || min.length !== WIDTHS[type]) return null;
  if (maxDefinition > 0 && nulls !== 0) return null;
  const values = new Float64Array(rows).fill(plainNumbers(type, min, 0, 1)[0] as number);
  return { kind: 'numbers', values, nulls: null, bytes: values.byteLength };
};

/**
 * @param chunk the bytes of the column chunk
 * @throws OtherParquet
 */
export const columnValues = (
  column: ParquetColumn,
  { codec }: ColumnChunk,
  rows: number,
  chunk: Buffer,
): ColumnValues => {
  const pages = pagesOf(chunk, codec);
  const dictionary = pages.find(({ header }) => header[1] === DICTIONARY_PAGE);
  const data = pages
    .filter(({ header }) => header[1] === DATA_PAGE)
    .map((page) => dataPage(page, column));
  if (data.reduce((sum, page) => sum + page.rows, 0) !== rows)
    throw new OtherParquet('the pages have another number of rows');
  return column.type === 'bytes'
    ? bytesValues(rows, dictionary, data)
    : numberValues(column, rows, dictionary, data);
};

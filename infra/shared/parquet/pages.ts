/**
 * The pages of a flat column chunk. Only what our writers use is read: data pages of version 1,
 * plain or with a dictionary, not compressed or compressed with zstd.
 */
import { zstdDecompressSync } from 'node:zlib';
import type { ColumnChunk, ParquetColumn } from './footer.ts';
import { type Codes, codesOf, readHybrid } from './hybrid.ts';
import { type Struct, thriftReader } from './thrift.ts';

const [UNCOMPRESSED, ZSTD] = [0, 6];
const [PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, RLE_DICTIONARY] = [0, 2, 3, 4, 8];
const READABLE = new Set([PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, RLE_DICTIONARY]);
const [DATA_PAGE, DICTIONARY_PAGE] = [0, 2];

/** Whether doubles have all whole numbers of the chunk, by its statistics. */
export const isExact = ({ min, max, nulls, values }: ColumnChunk): boolean =>
  nulls === values ||
  [min, max].every(
    (bound) =>
      bound?.length === 4 ||
      (bound?.length === 8 && Number.isSafeInteger(Number(bound.readBigInt64LE()))),
  );

/** Whether the pages of this chunk are read here; another kind of page may still be found in it. */
export const isReadable = (column: ParquetColumn, chunk: ColumnChunk): boolean =>
  (!column.micros || isExact(chunk)) &&
  column.flat &&
  column.maxDefinition <= 1 &&
  column.type !== 'other' &&
  (chunk.codec === UNCOMPRESSED || chunk.codec === ZSTD) &&
  chunk.encodings.every((encoding) => READABLE.has(encoding));

/** Parquet that is valid, but not of the kind that is read here. */
export class OtherParquet extends Error {}

export interface DictionaryPage {
  readonly body: Buffer;
  readonly count: number;
}

export interface DataPage {
  readonly rows: number;
  /** by row: 1: it has a value; 0: it is null; null: all rows have one */
  readonly levels: Uint8Array | null;
  /** how many rows have a value */
  readonly present: number;
  /** where the values begin */
  readonly at: number;
  readonly body: Buffer;
  readonly isCoded: boolean;
}

export interface Pages {
  readonly dictionary: DictionaryPage | null;
  readonly data: readonly DataPage[];
}

const dataPage = (
  header: Struct,
  body: Buffer,
  column: ParquetColumn,
  hasNulls: boolean,
): DataPage => {
  const data = header[5] as Struct;
  const rows = data[1] as number;
  const isCoded = data[2] !== PLAIN;
  if (column.maxDefinition === 0)
    return { rows, levels: null, present: rows, at: 0, body, isCoded };
  if (data[3] !== RLE) throw new OtherParquet('levels of another encoding');
  const at = 4 + body.readUInt32LE(0);
  if (!hasNulls) return { rows, levels: null, present: rows, at, body, isCoded };
  const levels = new Uint8Array(rows);
  readHybrid(body, 4, at, 1, levels);
  let present = 0;
  for (let i = 0; i < rows; i++) present += levels[i] as number;
  return { rows, levels: present === rows ? null : levels, present, at, body, isCoded };
};

/**
 * @param bytes of the column chunk, which has this many rows
 * @throws OtherParquet
 */
export const pagesOf = (
  column: ParquetColumn,
  { codec, nulls }: ColumnChunk,
  rows: number,
  bytes: Buffer,
): Pages => {
  const data: DataPage[] = [];
  let dictionary: DictionaryPage | null = null;
  let counted = 0;
  for (let at = 0; at < bytes.length; ) {
    const reader = thriftReader(bytes, at);
    const header = reader.struct();
    const end = reader.at + (header[3] as number);
    const raw = bytes.subarray(reader.at, end);
    at = end;
    if (header[1] !== DATA_PAGE && header[1] !== DICTIONARY_PAGE)
      throw new OtherParquet('a data page of another version');
    // One piece of output: Node would otherwise join several.
    const options = { chunkSize: Math.max(64, header[2] as number) };
    const body = codec === ZSTD ? zstdDecompressSync(raw, options) : raw;
    if (header[1] === DICTIONARY_PAGE)
      dictionary = { body, count: (header[7] as Struct)[1] as number };
    else {
      const page = dataPage(header, body, column, nulls !== 0);
      counted += page.rows;
      data.push(page);
    }
  }
  if (counted !== rows) throw new OtherParquet('the pages have another number of rows');
  if (dictionary === null && data.some(({ isCoded }) => isCoded))
    throw new OtherParquet('codes without a dictionary');
  return { dictionary, data };
};

/** The index in the dictionary of each value of the page, and of how many bits they are. */
export const dictionaryIndexes = ({ body, at, present }: DataPage): Codes => {
  const width = present === 0 ? 0 : body.readUInt8(at);
  const indexes = codesOf(present, width);
  if (present > 0) readHybrid(body, at + 1, body.length, width, indexes);
  return indexes;
};

/**
 * The values of a flat column in one row group, by row. Numbers and texts of a dictionary stay
 * there, and rows have their codes: that is what a cache keeps, and most rows are never asked for.
 */
import { distinctTexts, type Scale, smallNumbers, type Texts } from './compact.ts';
import type { ColumnChunk, ParquetColumn } from './footer.ts';
import { type Codes, codesOf } from './hybrid.ts';
import { type DataPage, dictionaryIndexes, type Pages, pagesOf } from './pages.ts';
import { LENGTH_BYTES, NUMBER_BYTES, plainNumbers, plainStarts } from './plain.ts';

/** Numbers, timestamps and dates as the file has them, booleans as 0 and 1. */
export interface NumberValues {
  readonly kind: 'numbers';
  /** by row: the number, or its place in `entries`, or by `scale`; of a null row: 0 */
  readonly values: Float64Array | Codes;
  readonly entries: Float64Array | null;
  readonly scale: Scale | null;
  /** 1: the row's value is null; null: no value is */
  readonly nulls: Uint8Array | null;
  readonly bytes: number;
}

export interface BytesValues {
  readonly kind: 'bytes';
  readonly data: Buffer;
  /** by value: where it begins; it ends 4 bytes before the next one begins */
  readonly starts: Uint32Array;
  /** by row: its value; null: each row has the value of its own number */
  readonly codes: Codes | null;
  /** 1: the row's value is null; null: no value is */
  readonly nulls: Uint8Array | null;
  readonly bytes: number;
}

export type ColumnValues = NumberValues | BytesValues;

/** The number of a row that is not null. */
export const numberOf = ({ values, entries, scale }: NumberValues, row: number): number => {
  const value = values[row] as number;
  if (entries !== null) return entries[value] as number;
  return scale === null ? value : scale.base + scale.unit * value;
};

const nullsOf = (rows: number, pages: readonly DataPage[]): Uint8Array | null => {
  if (pages.every(({ levels }) => levels === null)) return null;
  const nulls = new Uint8Array(rows);
  let row = 0;
  for (const { levels, rows: count } of pages) {
    for (let i = 0; levels !== null && i < count; i++) nulls[row + i] = 1 - (levels[i] as number);
    row += count;
  }
  return nulls;
};

/** Puts the values of a page at the rows that have one. */
const place = (
  { levels, rows }: DataPage,
  own: Float64Array | Codes,
  into: Float64Array | Codes,
  row: number,
): void => {
  if (levels === null) return into.set(own, row);
  for (let i = 0, rank = 0; i < rows; i++)
    if (levels[i] === 1) into[row + i] = own[rank++] as number;
};

/** The codes of all rows, where all pages have codes. */
const codesOfPages = (rows: number, pages: readonly DataPage[], entries: number): Codes => {
  const parts = pages.map(dictionaryIndexes);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && pages[0]?.levels === null) return only;
  const codes = codesOf(rows, Math.ceil(Math.log2(Math.max(2, entries))));
  let row = 0;
  for (const [i, page] of pages.entries()) {
    place(page, parts[i] as Codes, codes, row);
    row += page.rows;
  }
  return codes;
};

const numberValues = (
  { type, micros }: ParquetColumn,
  rows: number,
  { dictionary, data }: Pages,
): NumberValues => {
  const nulls = nullsOf(rows, data);
  const nullBytes = nulls?.byteLength ?? 0;
  const entries =
    dictionary === null ? null : plainNumbers(type, dictionary.body, 0, dictionary.count);
  if (entries !== null && data.every(({ isCoded }) => isCoded)) {
    const values = codesOfPages(rows, data, entries.length);
    const bytes = values.byteLength + entries.byteLength + nullBytes;
    return { kind: 'numbers', values, entries, scale: null, nulls, bytes };
  }
  const values = new Float64Array(rows);
  let row = 0;
  for (const page of data) {
    if (page.isCoded) {
      const codes = dictionaryIndexes(page);
      const own = new Float64Array(codes.length);
      for (let i = 0; i < own.length; i++) own[i] = entries?.[codes[i] as number] as number;
      place(page, own, values, row);
    } else place(page, plainNumbers(type, page.body, page.at, page.present), values, row);
    row += page.rows;
  }
  const isInteger = type === 'int32' || type === 'int64';
  const small = isInteger && nulls === null ? smallNumbers(values, micros) : null;
  const kept = small ?? { values, scale: null };
  const bytes = kept.values.byteLength + nullBytes;
  return { kind: 'numbers', ...kept, entries: null, nulls, bytes };
};

const bytesValues = (rows: number, { dictionary, data }: Pages): BytesValues => {
  const nulls = nullsOf(rows, data);
  const parts: Texts[] = [];
  if (dictionary !== null)
    parts.push({
      body: dictionary.body,
      starts: plainStarts(dictionary.body, 0, dictionary.count),
    });
  const known = dictionary?.count ?? 0;
  let codes: Codes | null = null;
  if (dictionary !== null && data.every(({ isCoded }) => isCoded))
    codes = codesOfPages(rows, data, known);
  else {
    const all = new Int32Array(rows);
    let values = known;
    let row = 0;
    for (const page of data) {
      if (page.isCoded) place(page, dictionaryIndexes(page), all, row);
      else {
        const own = new Int32Array(page.present);
        for (let i = 0; i < own.length; i++) own[i] = values++;
        place(page, own, all, row);
        parts.push({ body: page.body, starts: plainStarts(page.body, page.at, page.present) });
      }
      row += page.rows;
    }
    if (dictionary !== null || nulls !== null) codes = all;
  }
  const texts = joined(parts);
  const distinct = codes === null ? distinctTexts(texts) : null;
  codes ??= distinct?.codes ?? null;
  const { body, starts } = distinct ?? texts;
  const held = body.length + starts.byteLength + (codes?.byteLength ?? 0);
  const bytes = held + (nulls?.byteLength ?? 0);
  return { kind: 'bytes', data: body, starts, codes, nulls, bytes };
};

/** Byte arrays that follow each other, each after its length. */
const joined = (parts: readonly Texts[]): Texts => {
  const [only] = parts;
  if (only === undefined) return { body: Buffer.alloc(0), starts: new Uint32Array(1) };
  if (parts.length === 1) return only;
  const starts = new Uint32Array(1 + parts.reduce((sum, part) => sum + part.starts.length - 1, 0));
  const bodies: Buffer[] = [];
  let value = 0;
  let base = 0;
  for (const part of parts) {
    const first = (part.starts[0] as number) - LENGTH_BYTES;
    const end = (part.starts.at(-1) as number) - LENGTH_BYTES;
    for (const start of part.starts) starts[value++] = start - first + base;
    // The next part's first value begins where this one's next would.
    value--;
    bodies.push(part.body.subarray(first, end));
    base += end - first;
  }
  return { body: Buffer.concat(bodies), starts };
};

/** The one value of a column of whole numbers in all rows, from the footer; else null. */
export const constantOf = (
  { type, maxDefinition }: ParquetColumn,
  { min, max, nulls }: ColumnChunk,
): number | null => {
  if (type !== 'int32' && type !== 'int64') return null;
  if (min === null || max?.equals(min) !== true || min.length !== NUMBER_BYTES[type]) return null;
  if (maxDefinition > 0 && nulls !== 0) return null;
  return type === 'int32' ? min.readInt32LE() : Number(min.readBigInt64LE());
};

/** Rows of constant columns share their codes, which are all 0. */
let zeros = new Uint8Array(0);

export const constantValues = (constant: number, rows: number): NumberValues => {
  if (zeros.length < rows) zeros = new Uint8Array(rows);
  const values = zeros.subarray(0, rows);
  const entries = Float64Array.of(constant);
  return { kind: 'numbers', values, entries, scale: null, nulls: null, bytes: 0 };
};

/**
 * @param bytes of the column chunk
 * @throws OtherParquet
 */
export const columnValues = (
  column: ParquetColumn,
  chunk: ColumnChunk,
  rows: number,
  bytes: Buffer,
): ColumnValues => {
  const pages = pagesOf(column, chunk, rows, bytes);
  return column.type === 'bytes' ? bytesValues(rows, pages) : numberValues(column, rows, pages);
};

/**
 * Columns of DuckDB's result chunks as JavaScript values: one pass per column, no object per value.
 */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { STRING_BYTES, stringVectorReader } from '#domain/sql/duckdb/string-vector.ts';
import { type TextCodes, textCodes } from '../text-codes.ts';

export interface RawColumn {
  readonly count: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  isNull(row: number): boolean;
}

const neverNull = (): boolean => false;

const rawColumn = (chunk: DuckDBDataChunk, index: number, width: number): RawColumn => {
  const count = chunk.rowCount;
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
  const bytes = duckdb.vector_get_data(vector, count * width) as Uint8Array<ArrayBuffer>;
  const validity = duckdb.vector_get_validity(
    vector,
    Math.ceil(count / 64) * 8,
  ) as Uint8Array | null;
  if (validity === null) return { count, bytes, isNull: neverNull };
  return {
    count,
    bytes,
    isNull: (row) => (((validity[row >> 3] as number) >> (row & 7)) & 1) === 0,
  };
};

const WIDTHS: Readonly<Record<string, number>> = {
  int: 4,
  date: 4,
  float: 4,
  double: 8,
  boolean: 1,
  long: 8,
  timestamptz: 8,
};

export const isNumeric = (type: string): boolean => type in WIDTHS;

/** floor((high · 2^32 + low) / 1000), in whole numbers that a double has. */
const wholeMs = (high: number, low: number): number =>
  high * 4_294_967 + Math.floor((high * 296 + low) / 1000);

/**
 * Numbers in Millrace's form (timestamps in ms, booleans 0 and 1); null is NaN. Written to `into`
 * from `at` on.
 */
export const readNumbers = (
  chunk: DuckDBDataChunk,
  index: number,
  type: string,
  into: Float64Array,
  at: number,
): void => {
  const { count, bytes, isNull } = rawColumn(chunk, index, WIDTHS[type] as number);
  const { buffer, byteOffset } = bytes;
  if (type === 'long' || type === 'timestamptz') {
    const low = new Uint32Array(buffer, byteOffset, count * 2);
    const high = new Int32Array(buffer, byteOffset, count * 2);
    const isTime = type === 'timestamptz';
    for (let i = 0; i < count; i++) {
      const [h, l] = [high[i * 2 + 1] as number, low[i * 2] as number];
      into[at + i] = isTime ? wholeMs(h, l) : h * 4_294_967_296 + l;
    }
  } else if (type === 'double') {
    into.set(new Float64Array(buffer, byteOffset, count), at);
  } else if (type === 'float') {
    into.set(new Float32Array(buffer, byteOffset, count), at);
  } else if (type === 'boolean') {
    into.set(bytes, at);
  } else {
    into.set(new Int32Array(buffer, byteOffset, count), at);
  }
  if (isNull !== neverNull)
    for (let i = 0; i < count; i++) if (isNull(i)) into[at + i] = Number.NaN;
};

/**
 * Strings by code: `values[code]`; code −1 is null. Grows as chunks are read, so equal strings have
 * one code for the whole read.
 */
export interface Dictionary {
  readonly values: string[];
  /** the same codes */
  readonly texts: TextCodes;
  read(chunk: DuckDBDataChunk, index: number, into: Int32Array, at: number): void;
}

const INLINE_BYTES = 12;

export const createDictionary = (): Dictionary => {
  const codes = textCodes();
  const reader = stringVectorReader();
  // Open addressing over the four words of an inlined string: a repeated short string costs no
  // decoding.
  let capacity = 1024;
  let slots = new Int32Array(capacity * 5);
  let used = 0;
  const hash = (a: number, b: number, c: number, d: number): number => {
    let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ b;
    h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35) ^ c;
    h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f) ^ d;
    h = Math.imul(h ^ (h >>> 16), 0x165667b1);
    return (h ^ (h >>> 15)) >>> 0;
  };
  /** index of the slot that holds the key, or of the free one where it must be put */
  const find = (a: number, b: number, c: number, d: number): number => {
    let at = (hash(a, b, c, d) % capacity) * 5;
    while (slots[at + 4] !== 0) {
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + 3] === d)
        return at;
      at = at + 5 === capacity * 5 ? 0 : at + 5;
    }
    return at;
  };
  const put = (a: number, b: number, c: number, d: number, code: number): void => {
    const at = find(a, b, c, d);
    slots[at] = a;
    slots[at + 1] = b;
    slots[at + 2] = c;
    slots[at + 3] = d;
    slots[at + 4] = code + 1;
  };
  const grow = (): void => {
    const old = slots;
    capacity *= 2;
    slots = new Int32Array(capacity * 5);
    for (let i = 0; i < old.length; i += 5) {
      if (old[i + 4] !== 0)
        put(
          old[i] as number,
          old[i + 1] as number,
          old[i + 2] as number,
          old[i + 3] as number,
          (old[i + 4] as number) - 1,
        );
    }
  };
  /** The code of a string of up to 12 bytes, which lies in its four words. */
  const inlinedCode = (
    bytes: Uint8Array,
    start: number,
    a: number,
    b: number,
    c: number,
    d: number,
  ): number => {
    const known = slots[find(a, b, c, d) + 4] as number;
    if (known !== 0) return known - 1;
    const code = codes.codeOf(bytes, start, start + a);
    put(a, b, c, d, code);
    if (++used * 2 > capacity) grow();
    return code;
  };
  const readLonger = (column: RawColumn, words: Int32Array, into: Int32Array, at: number): void => {
    const { count, bytes, isNull } = column;
    const strings = reader.read(bytes, count, isNull, (offset, length) =>
      duckdb.get_data_from_pointer(bytes.buffer, bytes.byteOffset + offset, length),
    );
    for (let i = 0; i < count; i++) {
      if (isNull(i) || (words[i * 4] as number) <= INLINE_BYTES) continue;
      const text = strings.bytes[i] as Uint8Array;
      into[at + i] = codes.codeOf(text, strings.starts[i] as number, strings.ends[i] as number);
    }
  };
  return {
    values: codes.values,
    texts: codes,
    read(chunk, index, into, at) {
      const column = rawColumn(chunk, index, STRING_BYTES);
      const { count, bytes, isNull } = column;
      const words = new Int32Array(bytes.buffer, bytes.byteOffset, count * 4);
      let hasLonger = false;
      // In files that are sorted by keys, a text mostly equals the one before it.
      let [lastA, lastB, lastC, lastD, last] = [-1, 0, 0, 0, 0];
      for (let i = 0; i < count; i++) {
        if (isNull(i)) {
          into[at + i] = -1;
          continue;
        }
        const word = i * 4;
        const a = words[word] as number;
        if (a > INLINE_BYTES) {
          hasLonger = true;
          continue;
        }
        const b = words[word + 1] as number;
        const c = words[word + 2] as number;
        const d = words[word + 3] as number;
        if (a !== lastA || b !== lastB || c !== lastC || d !== lastD) {
          last = inlinedCode(bytes, word * 4 + 4, a, b, c, d);
          lastA = a;
          lastB = b;
          lastC = c;
          lastD = d;
        }
        into[at + i] = last;
      }
      if (hasLonger) readLonger(column, words, into, at);
    },
  };
};

/**
 * Writes strings and blobs to DuckDB. One of up to 12 bytes lies inside its 16-byte
 * `duckdb_string_t` (length, then the bytes), so it is copied with its column. Only each longer one
 * costs a call.
 */
import type { DuckDBType } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { CHUNK_ROWS, type ColumnWriter, createValidity, noSetters } from './column-parts.ts';

const INLINE_BYTES = 12;
/** of U+FEFF in UTF-8 */
const FIRST_OF_MARK = 0xef;

const utf8 = new TextEncoder();
const ARENA_BYTES = 64 * 1024;

/** Texts as bytes, without a buffer of its own for each. */
const createArena = () => {
  let arena = new Uint8Array(ARENA_BYTES);
  let used = 0;
  return {
    encode(text: string): Uint8Array {
      const most = text.length * 3;
      if (most > arena.length - used) {
        // the texts in the old one are still referred to
        arena = new Uint8Array(Math.max(ARENA_BYTES, most));
        used = 0;
      }
      const { written } = utf8.encodeInto(text, arena.subarray(used));
      used += written;
      return arena.subarray(used - written, used);
    },
    reset() {
      used = 0;
    },
  };
};

export const bytesWriter = (type: DuckDBType): ColumnWriter => {
  const validity = createValidity();
  const arena = createArena();
  const bytes = new Uint8Array(CHUNK_ROWS * 16);
  const words = new Int32Array(bytes.buffer);
  let longRows: number[] = [];
  let longBytes: Uint8Array[] = [];
  let hasMark = false;
  const clear = (row: number): void => {
    const word = row * 4;
    words[word] = 0;
    words[word + 1] = 0;
    words[word + 2] = 0;
    words[word + 3] = 0;
  };
  const setBytes = (row: number, from: Uint8Array, start: number, end: number): void => {
    const length = end - start;
    if (from[start] === FIRST_OF_MARK) hasMark = true;
    clear(row);
    if (length > INLINE_BYTES) {
      longRows.push(row);
      longBytes.push(from.subarray(start, end));
      return;
    }
    words[row * 4] = length;
    const at = row * 16 + 4;
    for (let i = 0; i < length; i++) bytes[at + i] = from[start + i] as number;
  };
  /** @returns whether the text is short and ASCII, so that it was set */
  const setShort = (row: number, text: string): boolean => {
    const { length } = text;
    if (length > INLINE_BYTES) return false;
    clear(row);
    const at = row * 16 + 4;
    for (let i = 0; i < length; i++) {
      const char = text.charCodeAt(i);
      if (char > 127) return false;
      bytes[at + i] = char;
    }
    words[row * 4] = length;
    return true;
  };
  return {
    ...noSetters,
    get hasMark() {
      return hasMark;
    },
    type,
    setNull(row) {
      clear(row);
      validity.setNull(row);
    },
    setBytes,
    setText(row, text) {
      if (setShort(row, text)) return;
      const encoded = arena.encode(text);
      setBytes(row, encoded, 0, encoded.length);
    },
    flush(chunk, index) {
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
      duckdb.copy_data_to_vector(vector, 0, bytes.buffer, 0, chunk.rowCount * 16);
      for (let i = 0; i < longRows.length; i++) {
        duckdb.vector_assign_string_element_len(
          vector,
          longRows[i] as number,
          longBytes[i] as Uint8Array,
        );
      }
      if (longRows.length > 0) {
        longRows = [];
        longBytes = [];
      }
      arena.reset();
      validity.flush(vector);
    },
  };
};

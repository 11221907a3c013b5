/**
 * Writes strings and blobs to DuckDB. One of up to 12 bytes lies inside its 16-byte
 * `duckdb_string_t` (length, then the bytes), so it is copied with its column. Longer ones are
 * copied together (`string-heap.ts`); only each very long one costs a call.
 */
import type { DuckDBType } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { CHUNK_ROWS, type ColumnWriter, createValidity, noSetters } from './column-parts.ts';
import { LONGEST_IN_HEAP, stringHeap } from './string-heap.ts';

const INLINE_BYTES = 12;
/** of U+FEFF in UTF-8 */
const FIRST_OF_MARK = 0xef;

export const bytesWriter = (type: DuckDBType): ColumnWriter => {
  const validity = createValidity();
  const heap = stringHeap();
  const bytes = new Uint8Array(CHUNK_ROWS * 16);
  const words = new Uint32Array(bytes.buffer);
  /** the rows of the heap's strings */
  let heapRows: number[] = [];
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
    if (length > LONGEST_IN_HEAP) {
      longRows.push(row);
      longBytes.push(from.slice(start, end));
      return;
    }
    words[row * 4] = length;
    if (length > INLINE_BYTES) {
      words[row * 4 + 2] = heap.add(from, start, end);
      heapRows.push(row);
      return;
    }
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
  /** @returns whether DuckDB took the strings */
  const flushHeap = (vector: duckdb.Vector): boolean => {
    if (heapRows.length === 0) return true;
    const taken = heap.flush(vector, words, heapRows);
    if (!taken) {
      // one of them is not UTF-8, which DuckDB makes null: it is told about each
      for (const row of heapRows) {
        longRows.push(row);
        longBytes.push(heap.bytes(words[row * 4 + 2] as number, words[row * 4] as number).slice());
        clear(row);
      }
      heap.clear();
    }
    heapRows = [];
    return taken;
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
      const encoded = heap.encode(text);
      setBytes(row, encoded, 0, encoded.length);
    },
    flush(chunk, index) {
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
      const taken = flushHeap(vector);
      duckdb.copy_data_to_vector(vector, 0, bytes.buffer, 0, chunk.rowCount * 16);
      validity.flush(vector, !taken);
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
    },
  };
};

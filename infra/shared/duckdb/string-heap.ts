/**
 * Longer strings of a column, handed to DuckDB with one call. They are collected one after the
 * other and assigned as one string, whose copy belongs to the vector. Each row then gets the place
 * of its own part: its length, its first four bytes and a pointer, as in every string of a vector.
 */
import duckdb from '@duckdb/node-bindings';

const FIRST_BYTES = 64 * 1024;
/** A longer string costs its own copy anyway. */
export const LONGEST_IN_HEAP = 16 * 1024;
const WORDS = 4;
const STRING_BYTES = 16;

const utf8 = new TextEncoder();

export interface StringHeap {
  /** @returns where the string begins in the heap */
  add(from: Uint8Array, start: number, end: number): number;
  /** @returns the bytes of a text, at the end of the heap, where the next string overwrites them */
  encode(text: string): Uint8Array;
  /**
   * Sets the words of these rows to strings of the vector, and empties the heap.
   * @param rows whose words have a length, and in place of the pointer's low half where it begins
   * @returns whether DuckDB took the strings; if not, the words are as they were
   */
  flush(vector: duckdb.Vector, words: Uint32Array, rows: readonly number[]): boolean;
  clear(): void;
  /** a string that begins there */
  bytes(start: number, length: number): Uint8Array;
}

/** Writes the pointer, in two halves, of a string that begins `offset` bytes after another one. */
export const setPointer = (
  words: Uint32Array,
  at: number,
  low: number,
  high: number,
  offset: number,
): void => {
  const sum = low + offset;
  words[at] = sum;
  words[at + 1] = high + (sum > 0xffffffff ? 1 : 0);
};

export const stringHeap = (): StringHeap => {
  let heap = new Uint8Array(FIRST_BYTES);
  let used = 0;
  const reserve = (more: number): void => {
    if (used + more <= heap.length) return;
    const larger = new Uint8Array(Math.max(heap.length * 2, used + more));
    larger.set(heap.subarray(0, used));
    heap = larger;
  };
  return {
    add(from, start, end) {
      const at = used;
      reserve(end - start);
      if (from.buffer !== heap.buffer || from.byteOffset + start !== at)
        heap.set(from.subarray(start, end), at);
      used += end - start;
      return at;
    },
    encode(text) {
      reserve(text.length * 3);
      const { written } = utf8.encodeInto(text, heap.subarray(used));
      return heap.subarray(used, used + written);
    },
    clear() {
      used = 0;
    },
    bytes: (start, length) => heap.subarray(start, start + length),
    flush(vector, words, rows) {
      duckdb.vector_assign_string_element_len(vector, 0, heap.subarray(0, used));
      const data = duckdb.vector_get_data(vector, STRING_BYTES);
      const [length, , low, high] = new Uint32Array(data.buffer, data.byteOffset, WORDS);
      if (length !== used) return false;
      for (const row of rows) {
        const word = row * WORDS;
        const start = words[word + 2] as number;
        words[word + 1] =
          ((heap[start] as number) |
            ((heap[start + 1] as number) << 8) |
            ((heap[start + 2] as number) << 16) |
            ((heap[start + 3] as number) << 24)) >>>
          0;
        setPointer(words, word + 2, low as number, high as number, start);
      }
      used = 0;
      return true;
    },
  };
};

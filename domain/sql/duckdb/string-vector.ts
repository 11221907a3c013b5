/**
 * The strings of a vector of DuckDB, without a call and a string for each. A string has 16 bytes in
 * the vector: its length, then either its bytes, if there are at most 12, or four of them and a
 * pointer. What a query made or read lies together in memory, so strings whose pointers are next to
 * each other are read as one run.
 *
 * A run ends where more than 7 bytes, which alignment explains, are between two strings: so all
 * that is read lies between bytes of the same vector, without a page of memory between them.
 */

/** Reads `length` bytes from where the pointer at `offset` of the vector points. */
export type ReadPointer = (offset: number, length: number) => Uint8Array;

/** By row, until the next vector is read. */
export interface Strings {
  /** null: the string is null */
  readonly bytes: readonly (Uint8Array | null)[];
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

export interface StringVectorReader {
  read(
    vector: Uint8Array,
    count: number,
    isNull: (row: number) => boolean,
    readPointer: ReadPointer,
  ): Strings;
}

/** of a vector, at most */
const ROWS = 2048;
/** of a string in a vector */
export const STRING_BYTES = 16;
const INLINE_BYTES = 12;
const POINTER_AT = 8;
const ALIGNMENT = 8;
/** A run of long strings is not copied as a whole. */
const LONGEST_RUN = 1 << 22;

export const stringVectorReader = (): StringVectorReader => {
  const bytes = new Array<Uint8Array | null>(ROWS).fill(null);
  const starts = new Uint32Array(ROWS);
  const ends = new Uint32Array(ROWS);
  /** the pointers of the rows of the run */
  const pointers = new Float64Array(ROWS);
  const rows = new Uint16Array(ROWS);

  return {
    read(vector, count, isNull, readPointer) {
      const words = new Uint32Array(vector.buffer, vector.byteOffset, count * 4);
      let inRun = 0;
      let [low, high, lowest] = [0, -1, 0];
      const endRun = (): void => {
        if (inRun === 0) return;
        const run = readPointer(lowest * STRING_BYTES + POINTER_AT, high - low);
        for (let i = 0; i < inRun; i++) {
          const row = rows[i] as number;
          const start = (pointers[i] as number) - low;
          bytes[row] = run;
          starts[row] = start;
          ends[row] = start + (words[row * 4] as number);
        }
        inRun = 0;
      };
      for (let row = 0; row < count; row++) {
        if (isNull(row)) {
          bytes[row] = null;
          continue;
        }
        const length = words[row * 4] as number;
        if (length <= INLINE_BYTES) {
          bytes[row] = vector;
          starts[row] = row * STRING_BYTES + 4;
          ends[row] = row * STRING_BYTES + 4 + length;
          continue;
        }
        const from =
          (words[row * 4 + 3] as number) * 4_294_967_296 + (words[row * 4 + 2] as number);
        const to = from + length;
        const joins =
          inRun > 0 &&
          from <= high + ALIGNMENT - 1 &&
          to >= low - ALIGNMENT + 1 &&
          Math.max(to, high) - Math.min(from, low) <= LONGEST_RUN;
        if (!joins) {
          endRun();
          [low, high, lowest] = [from, to, row];
        } else {
          if (from < low) [low, lowest] = [from, row];
          if (to > high) high = to;
        }
        pointers[inRun] = from;
        rows[inRun++] = row;
      }
      endRun();
      return { bytes, starts, ends };
    },
  };
};

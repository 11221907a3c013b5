/**
 * Sorts rows by columns of whole numbers: by the first one, equal ones by the second, and so on.
 * Rows are distributed by the digits of their numbers, so that none is compared with another.
 */

/** Fewer rows are sorted by insertion. */
const FEW = 48;
const DIGIT_BITS = 11;
const DIGITS = 2 ** DIGIT_BITS;
/** Numbers are sorted by so many bits; those that are equal in them are sorted again. */
const BITS = 32;

type Columns = readonly Float64Array[];

const compare = (columns: Columns, from: number, a: number, b: number): number => {
  for (let c = from; c < columns.length; c++) {
    const column = columns[c] as Float64Array;
    const difference = (column[a] as number) - (column[b] as number);
    if (difference !== 0) return difference;
  }
  return 0;
};

const insert = (rows: Uint32Array, columns: Columns, from: number): void => {
  for (let i = 1; i < rows.length; i++) {
    const row = rows[i] as number;
    let at = i;
    for (; at > 0 && compare(columns, from, rows[at - 1] as number, row) > 0; at--)
      rows[at] = rows[at - 1] as number;
    rows[at] = row;
  }
};

/** Sorts rows, and their numbers with them. @param most none is larger */
const distribute = (rows: Uint32Array, numbers: Uint32Array, most: number): void => {
  let [fromRows, fromNumbers] = [rows, numbers];
  let toRows: Uint32Array = new Uint32Array(rows.length);
  let toNumbers: Uint32Array = new Uint32Array(rows.length);
  const ends = new Uint32Array(DIGITS);
  for (let shift = 0; shift < BITS && most >>> shift > 0; shift += DIGIT_BITS) {
    ends.fill(0);
    for (let i = 0; i < rows.length; i++) {
      const digit = ((fromNumbers[i] as number) >>> shift) & (DIGITS - 1);
      ends[digit] = (ends[digit] as number) + 1;
    }
    let end = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      end += ends[digit] as number;
      ends[digit] = end;
    }
    for (let i = rows.length - 1; i >= 0; i--) {
      const number = fromNumbers[i] as number;
      const digit = (number >>> shift) & (DIGITS - 1);
      const at = (ends[digit] as number) - 1;
      ends[digit] = at;
      toNumbers[at] = number;
      toRows[at] = fromRows[i] as number;
    }
    [fromRows, toRows] = [toRows, fromRows];
    [fromNumbers, toNumbers] = [toNumbers, fromNumbers];
  }
  if (fromRows === rows) return;
  rows.set(fromRows);
  numbers.set(fromNumbers);
};

/** @param from the first column that counts: the rows have equal numbers in those before it */
const sortFrom = (rows: Uint32Array, columns: Columns, from: number): void => {
  const column = columns[from];
  if (column === undefined || rows.length < 2) return;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let inOrder = true;
  for (let i = 0; i < rows.length; i++) {
    const value = column[rows[i] as number] as number;
    if (value <= high) inOrder = false;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (inOrder) return;
  if (rows.length < FEW) return insert(rows, columns, from);
  if (low === high) return sortFrom(rows, columns, from + 1);
  const unit = 2 ** Math.max(0, Math.ceil(Math.log2(high - low + 1)) - BITS);
  const numbers = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++)
    numbers[i] = ((column[rows[i] as number] as number) - low) / unit;
  distribute(rows, numbers, Math.floor((high - low) / unit));
  for (let begin = 0, i = 1; i <= rows.length; i++) {
    if (i < rows.length && numbers[i] === numbers[begin]) continue;
    if (i - begin > 1) sortFrom(rows.subarray(begin, i), columns, unit === 1 ? from + 1 : from);
    begin = i;
  }
};

/** Sorts the rows in place. @param columns whole numbers that a double has exactly, by row */
export const sortRows = (rows: Uint32Array, columns: Columns): void => sortFrom(rows, columns, 0);

/** The values of these rows, in their order. One function for each type: V8 compiles it for it. */
export const gatherNumbers = (from: Float64Array, rows: Uint32Array): Float64Array => {
  const into = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) into[i] = from[rows[i] as number] as number;
  return into;
};

export const gatherCodes = (from: Int32Array, rows: Uint32Array): Int32Array => {
  const into = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) into[i] = from[rows[i] as number] as number;
  return into;
};

/** The pages of row groups, one after the other, in arrays of the form that scans answer. */
import type { ParquetColumn } from '#infra/shared/parquet/footer.ts';
import { type DataPage, dictionaryIndexes, type Pages } from '#infra/shared/parquet/pages.ts';
import {
  LENGTH_BYTES,
  plainNumbers,
  plainStarts,
  readPlainNumbers,
} from '#infra/shared/parquet/plain.ts';
import type { TextCodes } from '#infra/shared/text-codes.ts';

const US_PER_MS = 1000;

/** Rounds down, also before 1970. */
const toMs = (micros: Float64Array, from: number, to: number): void => {
  for (let i = from; i < to; i++) micros[i] = Math.floor((micros[i] as number) / US_PER_MS);
};

/** Calls `put` with the index of each value of the page, and the row that has it, from `at` on. */
const eachValue = (
  { levels, rows }: DataPage,
  at: number,
  put: (value: number, row: number) => void,
): void => {
  let value = 0;
  for (let row = 0; row < rows; row++) if (levels?.[row] !== 0) put(value++, at + row);
};

/** Numbers from `into[at]` on; null is NaN. @param inMs whether microseconds become milliseconds */
export const fillNumbers = (
  { type }: ParquetColumn,
  { dictionary, data }: Pages,
  inMs: boolean,
  into: Float64Array,
  at: number,
): void => {
  const known =
    dictionary === null ? null : plainNumbers(type, dictionary.body, 0, dictionary.count);
  if (inMs && known !== null) toMs(known, 0, known.length);
  let row = at;
  for (const page of data) {
    const { body, levels, present, rows } = page;
    if (page.isCoded) {
      const codes = dictionaryIndexes(page);
      const entries = known as Float64Array;
      if (levels === null)
        for (let i = 0; i < rows; i++) into[row + i] = entries[codes[i] as number] as number;
      else {
        into.fill(Number.NaN, row, row + rows);
        eachValue(page, row, (value, to) => {
          into[to] = entries[codes[value] as number] as number;
        });
      }
    } else if (levels === null) {
      readPlainNumbers(type, body, page.at, rows, into, row);
      if (inMs) toMs(into, row, row + rows);
    } else {
      const own = plainNumbers(type, body, page.at, present);
      if (inMs) toMs(own, 0, present);
      into.fill(Number.NaN, row, row + rows);
      eachValue(page, row, (value, to) => {
        into[to] = own[value] as number;
      });
    }
    row += rows;
  }
};

/** The codes of byte arrays. In files that are sorted by it, a text follows an equal one. */
const codesOfTexts = (texts: TextCodes, body: Buffer, starts: Uint32Array): Int32Array => {
  const codes = new Int32Array(starts.length - 1);
  let [last, length] = [0, -1];
  for (let i = 0; i < codes.length; i++) {
    const start = starts[i] as number;
    const end = (starts[i + 1] as number) - LENGTH_BYTES;
    let same = end - start === length;
    for (let at = length - 1; same && at >= 0; at--) same = body[start + at] === body[last + at];
    codes[i] = same ? (codes[i - 1] as number) : texts.codeOf(body, start, end);
    last = start;
    length = end - start;
  }
  return codes;
};

/** Codes of texts from `into[at]` on; −1 is null. */
export const fillCodes = (
  { dictionary, data }: Pages,
  texts: TextCodes,
  into: Int32Array,
  at: number,
): void => {
  const known =
    dictionary === null
      ? null
      : codesOfTexts(texts, dictionary.body, plainStarts(dictionary.body, 0, dictionary.count));
  let row = at;
  for (const page of data) {
    const { body, levels, present, rows } = page;
    const indexes = page.isCoded ? dictionaryIndexes(page) : null;
    const codes =
      indexes === null
        ? codesOfTexts(texts, body, plainStarts(body, page.at, present))
        : (known as Int32Array);
    if (levels === null) {
      if (indexes === null) into.set(codes, row);
      else for (let i = 0; i < rows; i++) into[row + i] = codes[indexes[i] as number] as number;
    } else {
      into.fill(-1, row, row + rows);
      eachValue(page, row, (value, to) => {
        into[to] = codes[indexes === null ? value : (indexes[value] as number)] as number;
      });
    }
    row += rows;
  }
};

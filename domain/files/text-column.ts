/**
 * The type that a column of texts has in a typed file. It is a number, a boolean or a date only if
 * each of its texts is how that value is written, so that the value loses nothing of the text:
 * 1.10, 007 and 1E5 are no numbers. All rows are looked at; none is guessed.
 *
 * Texts are looked at as the bytes that they are in the file: most numbers need no string.
 */
import { readDate } from '#domain/values/date.ts';
import { NUMBER_BYTES, putNumber } from '#domain/values/number-bytes.ts';
import { type CsvBlock, cellText, DOUBLED } from './csv-block.ts';

export type TextColumnType = 'long' | 'double' | 'boolean' | 'date' | 'string';

export interface TextColumn {
  /** whether it is a column of strings, whatever follows */
  readonly settled: boolean;
  /** @param cell its index in the block; not that of a null */
  add(block: CsvBlock, cell: number): void;
  type(): TextColumnType;
}

/** Every whole number of at most 18 digits fits into 64 bits. */
const WHOLE_DIGITS = 18;
/** A double has all digits of a decimal of at most 15. */
const EXACT_DIGITS = 15;
const DATE = /^\d{4}-\d\d-\d\d$/;
const DATE_BYTES = 10;

const [ZERO, NINE, MINUS, POINT] = [48, 57, 45, 46] as const;

/** Where the digits end that begin at `from`. */
const afterDigits = (bytes: Uint8Array, from: number, end: number): number => {
  let at = from;
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte < ZERO || byte > NINE) break;
  }
  return at;
};

const endsInPointZero = (bytes: Uint8Array, start: number, end: number): boolean =>
  end - start > 2 && bytes[end - 1] === ZERO && bytes[end - 2] === POINT;

const scratch = new Uint8Array(NUMBER_BYTES);

/** Whether the bytes are how JavaScript writes the number, or that and `.0`. */
const isShortest = (number: number, bytes: Uint8Array, start: number, end: number): boolean => {
  const length = putNumber(scratch, 0, number);
  const more = end - start - length;
  if (more !== 0 && !(more === 2 && endsInPointZero(bytes, start, end))) return false;
  for (let i = 0; i < length; i++) if (scratch[i] !== bytes[start + i]) return false;
  return true;
};

type NumberForm = 'whole' | 'decimal' | 'other';

/** Digits, or digits, a point, and digits that end in no needless zero. */
const formOf = (bytes: Uint8Array, start: number, end: number): NumberForm => {
  const from = bytes[start] === MINUS ? start + 1 : start;
  const point = afterDigits(bytes, from, end);
  if (point === from || (bytes[from] === ZERO && point > from + 1)) return 'other';
  if (point === end) {
    const minusZero = from > start && bytes[from] === ZERO;
    return minusZero || end - from > WHOLE_DIGITS ? 'other' : 'whole';
  }
  const decimal =
    bytes[point] === POINT &&
    end > point + 1 &&
    afterDigits(bytes, point + 1, end) === end &&
    (bytes[end - 1] !== ZERO || end === point + 2);
  return decimal ? 'decimal' : 'other';
};

/** -0.0, which is another text as a number */
const isMinusZero = (bytes: Uint8Array, start: number, end: number): boolean =>
  end - start === 4 &&
  bytes[start] === MINUS &&
  bytes[start + 1] === ZERO &&
  bytes[end - 1] === ZERO;

export const textColumn = (): TextColumn => {
  let some = false;
  let [whole, real, flag, date] = [true, true, true, true];
  // 1 and 1.0 are one number: a column that has both forms keeps its texts
  let [plain, pointed] = [false, false];

  const isDouble = (block: CsvBlock, cell: number, start: number, end: number): boolean => {
    const number = Number(cellText(block, cell));
    return Number.isFinite(number) && isShortest(number, block.bytes, start, end);
  };
  const addNumber = (block: CsvBlock, cell: number, start: number, end: number): void => {
    const { bytes } = block;
    const form = formOf(bytes, start, end);
    if (form === 'whole') {
      plain = true;
      real &&= end - start <= EXACT_DIGITS;
      return;
    }
    whole = false;
    if (!real) return;
    real =
      form === 'decimal' && end - start <= EXACT_DIGITS + 1
        ? !isMinusZero(bytes, start, end)
        : isDouble(block, cell, start, end);
    pointed ||= endsInPointZero(bytes, start, end);
  };
  const isFlag = (text: string): boolean => text === 'true' || text === 'false';
  const isDate = (text: string): boolean =>
    DATE.test(text) && !text.startsWith('0000') && !Number.isNaN(readDate(text));

  return {
    get settled() {
      return some && !whole && !flag && !date && !(real && !(plain && pointed));
    },
    add(block, cell) {
      some = true;
      const [start, end] = [block.cellStarts[cell] as number, block.cellEnds[cell] as number];
      if (block.forms[cell] === DOUBLED) {
        // it has a quote
        [whole, real, flag, date] = [false, false, false, false];
        return;
      }
      if (whole || real) addNumber(block, cell, start, end);
      flag &&= end - start <= 'false'.length && isFlag(cellText(block, cell) ?? '');
      date &&= end - start === DATE_BYTES && isDate(cellText(block, cell) ?? '');
    },
    type() {
      if (!some) return 'string';
      if (whole) return 'long';
      if (real && !(plain && pointed)) return 'double';
      if (flag) return 'boolean';
      return date ? 'date' : 'string';
    },
  };
};

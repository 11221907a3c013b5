/**
 * The type that a column of texts has in a typed file. It is a number, a boolean or a date only if
 * each of its texts is how that value is written, so that the value loses nothing of the text:
 * 1.10, 007 and 1E5 are no numbers. All rows are looked at; none is guessed.
 */
import { readDate } from '#domain/values/date.ts';

export type TextColumnType = 'long' | 'double' | 'boolean' | 'date' | 'string';

export interface TextColumn {
  /** whether it is a column of strings, whatever follows */
  readonly settled: boolean;
  add(text: string): void;
  type(): TextColumnType;
}

/** Every whole number of at most 18 digits fits into 64 bits. */
const WHOLE_DIGITS = 18;
/** A double has all digits of a decimal of at most 15. */
const EXACT_DIGITS = 15;
const DATE = /^\d{4}-\d\d-\d\d$/;

const [ZERO, NINE, MINUS, POINT] = [48, 57, 45, 46] as const;

/** Where the digits end that begin at `from`. */
const afterDigits = (text: string, from: number): number => {
  let at = from;
  for (; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char < ZERO || char > NINE) break;
  }
  return at;
};

/** The number of digits before a point or the end, without a needless zero; 0: no number. */
const wholeDigits = (text: string): number => {
  const from = text.charCodeAt(0) === MINUS ? 1 : 0;
  const end = afterDigits(text, from);
  return text.charCodeAt(from) === ZERO && end > from + 1 ? 0 : end - from;
};

/** -0 would be 0. */
const isWhole = (text: string, digits: number): boolean =>
  digits > 0 &&
  digits <= WHOLE_DIGITS &&
  text.length === digits + (text.charCodeAt(0) === MINUS ? 1 : 0) &&
  text !== '-0';

/** Whether it is digits, a point, and digits that end in no needless zero. */
const isDecimal = (text: string, digits: number): boolean => {
  const point = digits + (text.charCodeAt(0) === MINUS ? 1 : 0);
  const { length } = text;
  return (
    digits > 0 &&
    text.charCodeAt(point) === POINT &&
    length > point + 1 &&
    afterDigits(text, point + 1) === length &&
    (text.charCodeAt(length - 1) !== ZERO || length === point + 2)
  );
};

/** Whether a text that is not whole is how a double is written. */
const isDouble = (text: string, digits: number): boolean => {
  if (text.length <= EXACT_DIGITS + 1 && isDecimal(text, digits)) return text !== '-0.0';
  const number = Number(text);
  if (!Number.isFinite(number)) return false;
  const shortest = String(number);
  return shortest === text || (text.endsWith('.0') && `${shortest}.0` === text);
};

export const textColumn = (): TextColumn => {
  let some = false;
  let [whole, real, flag, date] = [true, true, true, true];
  // 1 and 1.0 are one number: a column that has both forms keeps its texts
  let [plain, pointed] = [false, false];
  const addNumber = (text: string): void => {
    const digits = wholeDigits(text);
    if (isWhole(text, digits)) {
      plain = true;
      real &&= text.length <= EXACT_DIGITS;
      return;
    }
    whole = false;
    real &&= isDouble(text, digits);
    pointed ||= text.endsWith('.0');
  };
  return {
    get settled() {
      return some && !whole && !flag && !date && !(real && !(plain && pointed));
    },
    add(text) {
      some = true;
      if (whole || real) addNumber(text);
      flag &&= text === 'true' || text === 'false';
      date &&= DATE.test(text) && !text.startsWith('0000') && !Number.isNaN(readDate(text));
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

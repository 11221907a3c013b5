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
const WHOLE = /^(0|-?[1-9]\d{0,17})$/;
/** A double has all digits of a decimal of at most 15. */
const DECIMAL = /^-?(0|[1-9]\d*)\.(\d*[1-9]|0)$/;
const EXACT_DIGITS = 15;
const DATE = /^\d{4}-\d\d-\d\d$/;

/** Whether a text that is not whole is how a double is written. */
const isDouble = (text: string): boolean => {
  if (DECIMAL.test(text) && text.length <= EXACT_DIGITS + 1) return text !== '-0.0';
  const shortest = String(Number(text));
  return (shortest === text || `${shortest}.0` === text) && Number.isFinite(Number(text));
};

export const textColumn = (): TextColumn => {
  let some = false;
  let [whole, real, flag, date] = [true, true, true, true];
  // 1 and 1.0 are one number: a column that has both forms keeps its texts
  let [plain, pointed] = [false, false];
  const addNumber = (text: string): void => {
    if (WHOLE.test(text)) {
      plain = true;
      real &&= text.length <= EXACT_DIGITS;
      return;
    }
    whole = false;
    real &&= isDouble(text);
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

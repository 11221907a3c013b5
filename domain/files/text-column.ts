/**
 * The type that a column of texts has in a typed file. It is a number, a boolean or a date only if
 * each of its texts is how that value is written, so that the value loses nothing of the text:
 * 1.10, 007 and 1E5 are no numbers. All rows are looked at; none is guessed.
 */
import { readDate } from '#domain/values/date.ts';

export type TextColumnType = 'long' | 'double' | 'boolean' | 'date' | 'string';

export interface TextColumn {
  add(text: string): void;
  type(): TextColumnType;
}

/** Every whole number of at most 18 digits fits into 64 bits. */
const WHOLE = /^(0|-?[1-9]\d{0,17})$/;
const DATE = /^\d{4}-\d\d-\d\d$/;

const isDouble = (text: string): boolean => {
  const shortest = String(Number(text));
  return (shortest === text || `${shortest}.0` === text) && Number.isFinite(Number(text));
};

/** Within ±(2^53 − 1) a double has all digits of a whole number. */
const isSafe = (text: string): boolean => Number.isSafeInteger(Number(text));

export const textColumn = (): TextColumn => {
  let some = false;
  let [whole, real, flag, date] = [true, true, true, true];
  // 1 and 1.0 are one number: a column that has both forms keeps its texts
  let [plain, pointed] = [false, false];
  return {
    add(text) {
      some = true;
      if (!whole && !real && !flag && !date) return;
      whole &&= WHOLE.test(text);
      if (real) {
        real = isDouble(text) && (!WHOLE.test(text) || isSafe(text));
        if (text.endsWith('.0')) pointed = true;
        else if (WHOLE.test(text)) plain = true;
      }
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

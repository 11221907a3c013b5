/**
 * Calendar dates: `YYYY-MM-DD` as text, days since 1970-01-01 in the code (proleptic Gregorian).
 */
import { fail } from '#domain/errors.ts';

const MONTH_DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export const MIN_DATE = -719_528;
export const MAX_DATE = 2_932_896;

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

export const daysInMonth = (year: number, month: number): number =>
  month === 2 && isLeap(year) ? 29 : (MONTH_DAYS[month] ?? 0);

/**
 * Days since 1970-01-01 of an existing date. Years are counted from March, so that a leap day is
 * the last day of its year.
 */
export function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  );
}

/** A date, alone or as the midnight at which it begins: programs write dates in both forms. */
const DATE =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ]00:00(?::00(?:[.,]0{1,9})?)?(?:[Zz]|[+-]00(?::?00)?)?)?$/;

/** NaN where the text is not an existing date. */
export function readDate(text: string): number {
  const match = DATE.exec(text);
  if (match === null) return Number.NaN;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return day >= 1 && day <= daysInMonth(year, month) ? daysOf(year, month, day) : Number.NaN;
}

export const isDate = (days: number): boolean =>
  Number.isInteger(days) && days >= MIN_DATE && days <= MAX_DATE;

export function parseDate(text: string): number {
  const days = readDate(text);
  return isDate(days)
    ? days
    : fail('MR_TIME_INVALID', `${JSON.stringify(text)} is not a date: write it as YYYY-MM-DD.`, {
        value: text,
      });
}

export const formatDate = (days: number): string =>
  isDate(days)
    ? new Date(days * 86_400_000).toISOString().slice(0, 10)
    : fail(
        'MR_TIME_INVALID',
        `${days} is not a date: a date is a whole number of days since 1970-01-01, in the years 0000 to 9999.`,
        { value: days },
      );

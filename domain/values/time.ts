/**
 * Points in time: ISO 8601 with a zone, or epoch milliseconds. A text without a zone is refused,
 * because it would mean another moment on another machine.
 */
import { fail } from '#domain/errors.ts';
import { daysInMonth, daysOf } from './date.ts';

/** The years 0000 to 9999, those with four digits. */
export const MIN_TIME = -62_167_219_200_000;
export const MAX_TIME = 253_402_300_799_999;

const DAY = 86_400_000;
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)$/;

const ZERO = 48;

const two = (text: string, at: number): number => {
  const tens = text.charCodeAt(at) - ZERO;
  const ones = text.charCodeAt(at + 1) - ZERO;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? Number.NaN : tens * 10 + ones;
};

const assemble = (
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  ms: number,
): number =>
  month >= 1 &&
  month <= 12 &&
  day >= 1 &&
  day <= 28 + 3 &&
  (day <= 28 || day <= daysInMonth(year, month)) &&
  hour < 24 &&
  minute < 60 &&
  second < 60
    ? daysOf(year, month, day) * DAY + hour * 3_600_000 + minute * 60_000 + second * 1_000 + ms
    : Number.NaN;

/**
 * `YYYY-MM-DDTHH:MM:SSZ` and `YYYY-MM-DDTHH:MM:SS.mmmZ` without a regular expression, because
 * nearly every event carries one of the two.
 */
function usual(text: string): number {
  const length = text.length;
  if (length !== 20 && length !== 24) return Number.NaN;
  if (
    text.charCodeAt(length - 1) !== 90 ||
    text.charCodeAt(4) !== 45 ||
    text.charCodeAt(7) !== 45 ||
    text.charCodeAt(10) !== 84 ||
    text.charCodeAt(13) !== 58 ||
    text.charCodeAt(16) !== 58
  ) {
    return Number.NaN;
  }
  let ms = 0;
  if (length === 24) {
    const last = text.charCodeAt(22) - ZERO;
    if (text.charCodeAt(19) !== 46 || last < 0 || last > 9) return Number.NaN;
    ms = two(text, 20) * 10 + last;
    if (Number.isNaN(ms)) return Number.NaN;
  }
  const year = two(text, 0) * 100 + two(text, 2);
  return assemble(
    year,
    two(text, 5),
    two(text, 8),
    two(text, 11),
    two(text, 14),
    two(text, 17),
    ms,
  );
}

/**
 * Epoch ms of an ISO text; NaN where the text is not one, or has no zone. Digits past the
 * millisecond are ignored.
 */
export function readIsoTime(text: string): number {
  const quick = usual(text);
  if (!Number.isNaN(quick)) return quick;
  const match = ISO.exec(text);
  if (match === null) return Number.NaN;
  const [
    ,
    year,
    month,
    day,
    hour,
    minute,
    second = '0',
    fraction = '',
    ,
    sign,
    zoneHour = '0',
    zoneMinute = '0',
  ] = match;
  if (Number(zoneHour) > 23 || Number(zoneMinute) > 59) return Number.NaN;
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000;
  const ms = Number(fraction.slice(0, 3).padEnd(3, '0'));
  const time =
    assemble(
      Number(year),
      Number(month),
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
      ms,
    ) - (sign === '-' ? -zone : zone);
  return time >= MIN_TIME && time <= MAX_TIME ? time : Number.NaN;
}

/**
 * Whether a number that was given as epoch milliseconds is almost surely in seconds: as seconds it
 * lies in the years 2001 to 2286, as milliseconds in the first four months of 1970.
 */
export const looksLikeSeconds = (ms: number): boolean => ms >= 1e9 && ms < 1e10;

const PLAUSIBLE_MS = [1e12, 1e13] as const;
const isPlausible = (ms: number): boolean => ms >= PLAUSIBLE_MS[0] && ms < PLAUSIBLE_MS[1];

/**
 * The unit that a number given as epoch milliseconds seems to be in, and what to do; null: no
 * other unit is likely. It completes a sentence that begins with the number.
 */
export const unitHint = (ms: number): string | null => {
  const otherwise = 'or write ISO 8601 with a zone';
  if (looksLikeSeconds(ms)) return `looks like epoch seconds: multiply it by 1,000, ${otherwise}`;
  if (isPlausible(ms / 1e3)) return `looks like microseconds: divide it by 1,000, ${otherwise}`;
  if (isPlausible(ms / 1e6)) return `looks like nanoseconds: divide it by 1,000,000, ${otherwise}`;
  return null;
};

export const isTime = (ms: number): boolean =>
  Number.isInteger(ms) && ms >= MIN_TIME && ms <= MAX_TIME;

/** the characters of the longest: longer texts need no pattern */
const LONGEST_EPOCH = 20;

/** Whether a text is epoch milliseconds: shorter ones are years, dates or small numbers. */
export const isEpochText = (text: string): boolean =>
  text.length <= LONGEST_EPOCH && /^-?[1-9]\d{8,18}$|^0$/.test(text);

/**
 * Why a text is not a time, and what to write instead. It completes a sentence that begins with the
 * value.
 */
export function whyNoTime(text: string): string {
  if (/^(\d{4}|\d{8})$/.test(text))
    return 'looks like a year or a date, not a point in time: add the time and a zone, for example 2026-01-31T00:00:00Z';
  if (/^\d{4}-\d\d-\d\d$/.test(text))
    return `is a date, not a point in time: add the time and a zone, for example ${text}T00:00:00Z`;
  if (/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?$/.test(text))
    return 'has no zone: add Z for UTC, or an offset such as +02:00';
  if (/^-?\d{1,8}$/.test(text))
    return 'has too few digits for epoch milliseconds: write ISO 8601 with a zone';
  return 'is not a time: write ISO 8601 with a zone, for example 2026-01-31T12:00:00Z, or epoch milliseconds';
}

/**
 * Epoch ms of ISO 8601 text with a zone, or of epoch milliseconds as a number or as 9 digits or
 * more (0 is one digit). Numbers that look like seconds are refused: the beginning of 1970 is
 * written as ISO 8601.
 * @throws MillraceError MR_TIME_INVALID
 */
export function parseTime(time: string | number): number {
  const digits = typeof time === 'number' || isEpochText(time);
  const ms = digits ? Number(time) + 0 : readIsoTime(time as string);
  if (isTime(ms) && !(digits && looksLikeSeconds(ms))) return ms;
  const hint = digits ? unitHint(ms) : null;
  const why =
    typeof time === 'string'
      ? whyNoTime(time)
      : 'is not a time: epoch milliseconds are a whole number, in the years 0000 to 9999';
  return fail(
    'MR_TIME_INVALID',
    `${typeof time === 'string' ? JSON.stringify(time) : time} ${hint ?? why}.`,
    { value: time },
  );
}

/** ISO 8601 in UTC, to the millisecond. */
export const formatTime = (ms: number): string =>
  isTime(ms)
    ? new Date(ms).toISOString()
    : fail(
        'MR_TIME_INVALID',
        `${ms} is not a time: epoch milliseconds are a whole number, in the years 0000 to 9999.`,
        { value: ms },
      );

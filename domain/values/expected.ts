/** What refusals show of a value, and what to send instead. */
import { isExactNumber } from './exact-json.ts';
import type { ScalarType } from './value.ts';

/** What to send for a value of each base type; it completes a sentence such as "send …". */
export const EXPECTED: Readonly<Record<ScalarType, string>> = {
  string: 'a string',
  int: 'a whole number from -2147483648 to 2147483647',
  long: 'a whole number within ±(2^53 − 1)',
  float: 'a number',
  double: 'a number',
  boolean: 'true or false',
  timestamp: 'ISO 8601 with a zone (2026-01-31T12:00:00Z) or whole epoch milliseconds',
  date: 'a date as YYYY-MM-DD',
  bytes: 'base64 text with its padding',
};

/** A value of any kind, short enough for a message; NaN and infinity by their names. */
export function showShort(value: unknown): string {
  let text: string | undefined;
  try {
    text =
      typeof value === 'number'
        ? String(value)
        : typeof value === 'string'
          ? JSON.stringify(value.slice(0, 80))
          : JSON.stringify(value);
  } catch {
    text = undefined;
  }
  text ??= String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** What to send instead of a value that does not belong to the type. */
export const expectedFor = (base: ScalarType, value: unknown): string => {
  if (base !== 'string') return EXPECTED[base];
  if (typeof value === 'string') return 'a string of well-formed Unicode';
  return ['number', 'boolean'].includes(typeof value) || isExactNumber(value)
    ? `a string (${JSON.stringify(showShort(value))})`
    : EXPECTED.string;
};

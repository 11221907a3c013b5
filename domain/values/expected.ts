/** What to send for a value of each base type; it completes a sentence such as "send …". */
import type { ScalarType } from './value.ts';

export const EXPECTED: Readonly<Record<ScalarType, string>> = {
  string: 'a string of well-formed Unicode',
  int: 'a whole number from -2147483648 to 2147483647',
  long: 'a whole number within ±(2^53 − 1)',
  float: 'a number',
  double: 'a number',
  boolean: 'true or false',
  timestamp: 'ISO 8601 with a zone (2026-01-31T12:00:00Z) or whole epoch milliseconds',
  date: 'a date as YYYY-MM-DD',
  bytes: 'base64 text with its padding',
};

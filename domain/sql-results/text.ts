/**
 * SQL values as text and as JSON. A number that a double would change is written as text, so no
 * reader loses digits. Times are ISO 8601 in UTC.
 */
import type { SqlType, SqlValue } from './sql-type.ts';

const MICROS_PER_MS = 1000n;
/** A date of JavaScript reaches so far; SQL has times beyond. */
const FARTHEST_MS = 8_640_000_000_000_000;
const MS_PER_DAY = 86_400_000;
/** Every decimal number of so many digits has a double that gives it back. */
const EXACT_DIGITS = 15;

/** Milliseconds, or microseconds if the time has some; beyond JavaScript's dates: the number. */
const timestampText = (micros: bigint): string => {
  const rest = ((micros % MICROS_PER_MS) + MICROS_PER_MS) % MICROS_PER_MS;
  const ms = Number((micros - rest) / MICROS_PER_MS);
  if (Math.abs(ms) > FARTHEST_MS) return String(micros);
  const text = new Date(ms).toISOString();
  return rest === 0n ? text : `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
};

const dateText = (days: number): string => {
  const ms = days * MS_PER_DAY;
  if (Math.abs(ms) > FARTHEST_MS) return String(days);
  const text = new Date(ms).toISOString();
  return text.slice(0, text.indexOf('T'));
};

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** The zeros at the end of a fraction say no more than that it was computed so far. */
const exactDouble = (text: string): number | string => {
  const digits = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  const significant = digits.replace('.', '').replace(/^-?0*/, '');
  return significant.length <= EXACT_DIGITS ? Number(digits) : digits;
};

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A value of JSON; what `JSON.stringify` writes of it. */
export const jsonOf = (type: SqlType, value: SqlValue): Json => {
  if (value === null) return null;
  switch (type.form) {
    case 'long':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'decimal':
      return exactDouble(value as string);
    case 'float':
    case 'double':
      return Number.isFinite(value) ? (value as number) : String(value);
    case 'bytes':
      return base64(value as Uint8Array);
    case 'date':
      return dateText(value as number);
    case 'timestamp':
      return timestampText(value as bigint);
    case 'list':
      return (value as readonly SqlValue[]).map((item) => jsonOf(type.element, item));
    case 'struct':
      return Object.fromEntries(
        type.fields.map((field, i) => [
          field.name,
          jsonOf(field.type, (value as readonly SqlValue[])[i] ?? null),
        ]),
      );
    default:
      return value as Json;
  }
};

/** A cell of a table of text; null is empty. */
export const textOf = (type: SqlType, value: SqlValue): string => {
  if (value === null) return '';
  switch (type.form) {
    case 'list':
    case 'struct':
      return JSON.stringify(jsonOf(type, value));
    case 'bytes':
      return base64(value as Uint8Array);
    case 'date':
      return dateText(value as number);
    case 'timestamp':
      return timestampText(value as bigint);
    default:
      return String(value);
  }
};

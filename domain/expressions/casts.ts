/** The conversions of a cast: which there are, and what each gives. */
import { formatDate, isDate, readDate } from '#domain/values/date.ts';
import { fieldType, isNumeric } from '#domain/values/field-type.ts';
import { formatTime, isTime, readIsoTime } from '#domain/values/time.ts';
import type { FieldType, ScalarType, Value } from '#domain/values/value.ts';

const DAY = 86_400_000;
const NUMERAL = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

const within = (n: number, limit: number): number | null =>
  n >= -limit && n <= limit ? Math.trunc(n) + 0 : null;

const numberTo: Readonly<Partial<Record<ScalarType, (n: number) => Value>>> = {
  int: (n) => (n > -2147483649 && n < 2147483648 ? Math.trunc(n) + 0 : null),
  long: (n) => within(n, Number.MAX_SAFE_INTEGER),
  float: (n) => (Math.abs(Math.fround(n)) < Number.POSITIVE_INFINITY ? Math.fround(n) + 0 : null),
  double: (n) => (n - n === 0 ? n + 0 : null),
  timestamp: (n) => (isTime(Math.trunc(n)) ? Math.trunc(n) + 0 : null),
  date: (n) => (isDate(Math.trunc(n)) ? Math.trunc(n) + 0 : null),
  string: (n) => String(n),
  boolean: (n) => n !== 0,
};

const orNull = (n: number): number | null => (Number.isNaN(n) ? null : n);

const textTo: Readonly<Partial<Record<ScalarType, (s: string) => Value>>> = {
  boolean: (s) => (s === 'true' ? true : s === 'false' ? false : null),
  timestamp: (s) => orNull(readIsoTime(s)),
  date: (s) => orNull(readDate(s)),
};

/** Null where there is no such conversion. */
export function converter(from: ScalarType, to: ScalarType): ((value: never) => Value) | null {
  if (from === to) return (value: Value) => value;
  if (from === 'bytes' || to === 'bytes') return null;
  const number = numberTo[to];
  switch (from) {
    case 'string':
      return isNumeric(fieldType(to)) && number
        ? (s: string) => (NUMERAL.test(s) ? number(Number(s)) : null)
        : (textTo[to] ?? null);
    case 'boolean':
      if (to === 'string') return (b: boolean) => String(b);
      return isNumeric(fieldType(to)) ? (b: boolean) => (b ? 1 : 0) : null;
    case 'timestamp':
      if (to === 'string') return (ms: number) => (isTime(ms) ? formatTime(ms) : null);
      if (to === 'date') return (ms: number) => Math.floor(ms / DAY);
      return to === 'long' || to === 'double' ? (number ?? null) : null;
    case 'date':
      if (to === 'string') return (days: number) => (isDate(days) ? formatDate(days) : null);
      if (to === 'timestamp') return (days: number) => days * DAY;
      return isNumeric(fieldType(to)) ? (number ?? null) : null;
    default:
      return to === 'timestamp' || to === 'date'
        ? from === 'int' || from === 'long'
          ? (number ?? null)
          : null
        : (number ?? null);
  }
}

export const canCast = (from: FieldType, to: ScalarType): boolean =>
  !from.array && converter(from.base, to) !== null;

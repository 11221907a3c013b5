/** `cast(x, 'type')`: the value in the other type, or null where that type cannot hold it. */
import { formatDate, isDate, readDate } from '#domain/values/date.ts';
import { isNumeric, isScalarType } from '#domain/values/field-type.ts';
import { formatTime, isTime, readIsoTime } from '#domain/values/time.ts';
import type { ScalarType, Value } from '#domain/values/value.ts';
import type { Argument, FunctionRow, Implementation } from './function-row.ts';
import { of, show } from './types.ts';

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

function converter(from: ScalarType, to: ScalarType): ((value: never) => Value) | null {
  if (from === to) return (value: Value) => value;
  if (from === 'bytes' || to === 'bytes') return null;
  const number = numberTo[to];
  switch (from) {
    case 'string':
      return isNumeric(of(to, false)) && number
        ? (s: string) => (NUMERAL.test(s) ? number(Number(s)) : null)
        : (textTo[to] ?? null);
    case 'boolean':
      if (to === 'string') return (b: boolean) => String(b);
      return isNumeric(of(to, false)) ? (b: boolean) => (b ? 1 : 0) : null;
    case 'timestamp':
      if (to === 'string') return (ms: number) => (isTime(ms) ? formatTime(ms) : null);
      if (to === 'date') return (ms: number) => Math.floor(ms / DAY);
      return to === 'long' || to === 'double' ? (number ?? null) : null;
    case 'date':
      if (to === 'string') return (days: number) => (isDate(days) ? formatDate(days) : null);
      if (to === 'timestamp') return (days: number) => days * DAY;
      return isNumeric(of(to, false)) ? (number ?? null) : null;
    default:
      return to === 'timestamp' || to === 'date'
        ? from === 'int' || from === 'long'
          ? (number ?? null)
          : null
        : (number ?? null);
  }
}

const ends = (args: readonly Argument[]): ((value: never) => Value) | null => {
  const [value, to] = args as readonly [Argument, Argument];
  return isScalarType(to.literal) && !value.type.array
    ? converter(value.type.base, to.literal)
    : null;
};

export const CAST: readonly FunctionRow[] = [
  {
    name: 'cast',
    arity: [2, 2],
    nulls: 'strict',
    literals: [1],
    type: (args) => {
      const to = args[1]?.literal;
      if (!isScalarType(to)) return `needs a type to cast to, got ${JSON.stringify(to)}`;
      return ends(args) === null ? `cannot cast ${show(args.slice(0, 1))} to ${to}` : of(to, true);
    },
    js: (args) => (ends(args) ?? (() => null)) as Implementation,
  },
];

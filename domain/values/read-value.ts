/**
 * Values that callers send in JSON, gRPC or Avro: fields of events, entity keys, request inputs.
 * One rule for all of them: types are strict, a time or a date may be text, a number that looks
 * like epoch seconds is no time, a whole number that would lose digits is refused, a float is
 * rounded to 32 bits.
 */
import { isDate, readDate } from './date.ts';
import { isExactNumber } from './exact-json.ts';
import { isTime, looksLikeSeconds, readIsoTime } from './time.ts';
import type { FieldType, Scalar, ScalarType, Value } from './value.ts';

/** The value in canonical form (value.ts), or undefined where it does not belong to the type. */
type ReadScalar = (value: unknown) => Scalar | undefined;

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);

const real = (value: unknown): number | undefined => {
  const number = isExactNumber(value) ? Number(value.rawJSON) : value;
  return isNumber(number) ? number + 0 : undefined;
};

const time: ReadScalar = (value) => {
  if (typeof value === 'string') {
    const ms = readIsoTime(value);
    return isTime(ms) ? ms + 0 : undefined;
  }
  return isNumber(value) && isTime(value) && !looksLikeSeconds(value) ? value + 0 : undefined;
};

const date: ReadScalar = (value) => {
  const days = typeof value === 'string' ? readDate(value) : value;
  return isNumber(days) && isDate(days) ? days + 0 : undefined;
};

const READERS: Readonly<Record<ScalarType, ReadScalar>> = {
  string: (v) => (typeof v === 'string' && v.isWellFormed() ? v : undefined),
  int: (v) => (isNumber(v) && (v | 0) === v ? v | 0 : undefined),
  long: (v) => (Number.isSafeInteger(v) ? (v as number) + 0 : undefined),
  float: (v) => {
    const float = Math.fround(real(v) ?? Number.NaN);
    return Number.isFinite(float) ? float : undefined;
  },
  double: real,
  boolean: (v) => (typeof v === 'boolean' ? v : undefined),
  timestamp: time,
  date,
  bytes: (v) =>
    typeof v === 'string' && Buffer.from(v, 'base64').toString('base64') === v ? v : undefined,
};

/** One value of a base type in canonical form; undefined where it does not belong to the type. */
export const readScalar = (base: ScalarType, value: unknown): Scalar | undefined =>
  READERS[base](value);

/** A value that is not null in canonical form; undefined where it does not belong to the type. */
export const readValue = ({ base, array }: FieldType, value: unknown): Value | undefined => {
  const read = READERS[base];
  if (!array) return read(value);
  if (!Array.isArray(value)) return undefined;
  const items = value.map(read);
  return items.includes(undefined) ? undefined : (items as Scalar[]);
};

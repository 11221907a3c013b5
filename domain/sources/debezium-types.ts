/**
 * The types of columns in change records. A time is a whole number whose unit is in the record's
 * schema only, so without its schema a record's numbers are taken as the source's own: milliseconds
 * and days.
 */
import { isExactNumber } from '#domain/values/exact-json.ts';
import { formatTime, isTime } from '#domain/values/time.ts';
import type { FieldType } from '#domain/values/value.ts';

type TimeKind = 'days' | 'ms' | 'us' | 'ns';
/** The last three are no times, and JSON has them as numbers and base64 text. */
type Kind = TimeKind | 'time of day' | 'decimal' | 'bytes';

const KINDS: Readonly<Record<string, Kind>> = {
  'io.debezium.time.Date': 'days',
  'org.apache.kafka.connect.data.Date': 'days',
  'io.debezium.time.Timestamp': 'ms',
  'org.apache.kafka.connect.data.Timestamp': 'ms',
  'io.debezium.time.MicroTimestamp': 'us',
  'io.debezium.time.NanoTimestamp': 'ns',
  'io.debezium.time.Time': 'time of day',
  'io.debezium.time.MicroTime': 'time of day',
  'io.debezium.time.NanoTime': 'time of day',
  'org.apache.kafka.connect.data.Time': 'time of day',
  'org.apache.kafka.connect.data.Decimal': 'decimal',
};

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

/** The record among the branches of a union, or a name that stands for it. */
const branchOf = (type: unknown): unknown =>
  Array.isArray(type) ? type.find((branch) => branch !== 'null') : type;

const recordNamed = (schema: unknown, name: string): Json | undefined => {
  if (Array.isArray(schema))
    return schema.map((branch) => recordNamed(branch, name)).find((found) => found !== undefined);
  if (!isObject(schema)) return undefined;
  const full = typeof schema.namespace === 'string' ? `${schema.namespace}.${schema.name}` : '';
  if (schema.type === 'record' && (schema.name === name || full === name)) return schema;
  return listOf(schema.fields)
    .map(({ type }) => recordNamed(type, name))
    .find((found) => found !== undefined);
};

const NOTHING: ReadonlyMap<string, Kind> = new Map();

const known = new WeakMap<object, Map<string, ReadonlyMap<string, Kind>>>();

/**
 * The kinds of the columns of `before` or `after`: of a schema of Kafka Connect in JSON, or of an
 * Avro schema.
 */
export const kindsOfColumns = (
  schema: unknown,
  part: 'before' | 'after',
): ReadonlyMap<string, Kind> => {
  if (!isObject(schema)) return NOTHING;
  const parts = known.get(schema) ?? new Map<string, ReadonlyMap<string, Kind>>();
  known.set(schema, parts);
  const found = parts.get(part);
  if (found !== undefined) return found;
  const kinds = new Map<string, Kind>();
  const note = (field: unknown, name: unknown, type: unknown): void => {
    if (typeof field !== 'string') return;
    if (typeof name === 'string' && Object.hasOwn(KINDS, name))
      kinds.set(field, KINDS[name] as Kind);
    else if (type === 'bytes') kinds.set(field, 'bytes');
  };
  for (const { field, name, type, fields } of listOf(schema.fields)) {
    if (field === part)
      for (const column of listOf(fields)) note(column.field, column.name, column.type);
    if (name !== part || field !== undefined) continue;
    const branch = branchOf(type);
    const row = typeof branch === 'string' ? recordNamed(schema, branch) : branch;
    if (isObject(row))
      for (const column of listOf(row.fields)) {
        const its = branchOf(column.type);
        if (isObject(its)) note(column.name, its['connect.name'], its.type);
        else note(column.name, undefined, its);
      }
  }
  parts.set(part, kinds);
  return kinds;
};

const PER_MS: Readonly<Record<TimeKind, bigint>> = { days: 0n, ms: 1n, us: 1_000n, ns: 1_000_000n };
const DAY_MS = 86_400_000n;

const floorDiv = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((-a + b - 1n) / b));

/** What the source's own rules read, or why there is no value. */
type ReadColumn =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly why: string };

const taken = (value: unknown): ReadColumn => ({ ok: true, value });
const no = (why: string): ReadColumn => ({ ok: false, why });

export const readColumn = (value: unknown, kind: Kind | undefined, type: FieldType): ReadColumn => {
  if (kind === undefined || type.array || value === null) return taken(value);
  if (kind === 'decimal')
    return no(
      'the column is a decimal in bytes; send a string or a double (decimal.handling.mode)',
    );
  if (kind === 'bytes')
    return type.base === 'bytes'
      ? taken(value)
      : no(`the column is bytes, and the field ${type.base}; declare the field bytes`);
  if (type.base !== 'timestamp' && type.base !== 'date') return taken(value);
  if (kind === 'time of day')
    return no(`the column is a time of day, not a ${type.base}; declare the field long`);
  const isNumber = typeof value === 'number';
  if (!isNumber && !(typeof value === 'object' && isExactNumber(value))) return taken(value);
  if (isNumber && !Number.isSafeInteger(value))
    return no(
      'a time in nanoseconds beyond 2^53 lost digits in Avro; send microseconds (time.precision.mode)',
    );
  const digits = isNumber ? String(value) : value.rawJSON;
  // A fraction: the source's own rules refuse it.
  if (!/^-?\d+$/.test(digits)) return taken(value);
  const count = BigInt(digits);
  if (kind === 'days' && type.base === 'date') return taken(Number(count));
  const ms = Number(kind === 'days' ? count * DAY_MS : floorDiv(count, PER_MS[kind]));
  // As text, milliseconds are never taken for seconds, and a date must be a midnight.
  return taken(isTime(ms) ? formatTime(ms) : ms);
};

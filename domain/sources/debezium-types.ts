/**
 * The types of columns in change records. A time is a whole number whose unit is in the record's
 * schema only, so without its schema a record's numbers are taken as the source's own: milliseconds
 * and days.
 */
import { isExactNumber } from '#domain/values/exact-json.ts';
import { formatTime, isTime } from '#domain/values/time.ts';
import type { FieldType } from '#domain/values/value.ts';

type Kind = 'days' | 'ms' | 'us' | 'ns';

const KINDS: Readonly<Record<string, Kind>> = {
  'io.debezium.time.Date': 'days',
  'org.apache.kafka.connect.data.Date': 'days',
  'io.debezium.time.Timestamp': 'ms',
  'org.apache.kafka.connect.data.Timestamp': 'ms',
  'io.debezium.time.MicroTimestamp': 'us',
  'io.debezium.time.NanoTimestamp': 'ns',
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
  const note = (field: unknown, name: unknown): void => {
    if (typeof field === 'string' && typeof name === 'string' && Object.hasOwn(KINDS, name))
      kinds.set(field, KINDS[name] as Kind);
  };
  for (const { field, name, type, fields } of listOf(schema.fields)) {
    if (field === part) for (const column of listOf(fields)) note(column.field, column.name);
    if (name !== part || field !== undefined) continue;
    const branch = branchOf(type);
    const row = typeof branch === 'string' ? recordNamed(schema, branch) : branch;
    if (isObject(row))
      for (const column of listOf(row.fields)) {
        const its = branchOf(column.type);
        note(column.name, isObject(its) ? its['connect.name'] : undefined);
      }
  }
  parts.set(part, kinds);
  return kinds;
};

const PER_MS: Readonly<Record<Kind, bigint>> = { days: 0n, ms: 1n, us: 1_000n, ns: 1_000_000n };
const DAY_MS = 86_400_000n;

const floorDiv = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((-a + b - 1n) / b));

/** @returns what the source's own rules read; undefined for a number that has lost its digits */
export const readColumn = (value: unknown, kind: Kind | undefined, type: FieldType): unknown => {
  if (kind === undefined || type.array || (type.base !== 'timestamp' && type.base !== 'date'))
    return value;
  const isNumber = typeof value === 'number';
  if (!isNumber && !(typeof value === 'object' && isExactNumber(value))) return value;
  if (isNumber && !Number.isSafeInteger(value)) return undefined;
  const digits = isNumber ? String(value) : value.rawJSON;
  // A fraction: the source's own rules refuse it.
  if (!/^-?\d+$/.test(digits)) return value;
  const count = BigInt(digits);
  if (kind === 'days' && type.base === 'date') return Number(count);
  const ms = Number(kind === 'days' ? count * DAY_MS : floorDiv(count, PER_MS[kind]));
  // As text, milliseconds are never taken for seconds, and a date must be a midnight.
  return isTime(ms) ? formatTime(ms) : ms;
};

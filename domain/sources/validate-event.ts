/**
 * Turns what a producer sent into the row that the log keeps, or the reason for its rejection.
 * Every event passes through it.
 *
 * One function is generated per source. It reads each field once, checks it with a few instructions
 * of its type, and makes the row as one object literal in field order. It counts the fields of an
 * event, and compares names only if the count is wrong. The row equals what the log returns: floats
 * are rounded to 32 bits here.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { isDate, readDate } from '#domain/values/date.ts';
import { isTime, readIsoTime } from '#domain/values/time.ts';
import type { FieldType, Row, ScalarType } from '#domain/values/value.ts';
import {
  AHEAD,
  EARLIEST,
  type Refusal,
  refuseShape,
  refuseTime,
  refuseUnknown,
  refuseValue,
} from './refusal.ts';
import { sourceFields } from './source-schema.ts';

interface Accepted {
  readonly ok: true;
  readonly row: Row;
  readonly eventTime: number;
  readonly id: string | null;
}

export type EventValidator = (input: unknown, now: number) => Accepted | Refusal;

/** The value in canonical form, or undefined if it does not fit the type. */
type Reader = (value: unknown) => string | number | boolean | undefined;

/** Checks that are generated inline: a test, and the value to keep, both over `v`. */
const INLINE: Readonly<Partial<Record<ScalarType, readonly [test: string, keep: string]>>> = {
  string: ["typeof v === 'string' && v.isWellFormed()", 'v'],
  boolean: ["typeof v === 'boolean'", 'v'],
  int: ["typeof v === 'number' && (v | 0) === v", 'v | 0'],
  long: ["typeof v === 'number' && Number.isSafeInteger(v)", 'v + 0'],
  double: ["typeof v === 'number' && v - v === 0", 'v + 0'],
  float: ["typeof v === 'number' && Math.abs(Math.fround(v)) < Infinity", 'Math.fround(v) + 0'],
};

const READERS: Readonly<Partial<Record<ScalarType, Reader>>> = {
  timestamp: (value) => {
    const ms =
      typeof value === 'string'
        ? readIsoTime(value)
        : typeof value === 'number'
          ? value
          : Number.NaN;
    return isTime(ms) ? ms + 0 : undefined;
  },
  date: (value) => {
    const days =
      typeof value === 'string' ? readDate(value) : typeof value === 'number' ? value : Number.NaN;
    return isDate(days) ? days + 0 : undefined;
  },
  bytes: (value) =>
    typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value
      ? value
      : undefined,
};

const quote = (value: unknown): string => JSON.stringify(value);

/** Statements that assign the value to keep to the local `out`, or return the refusal. */
function readField(field: string, type: FieldType, at: number, out: string): string {
  const refuse = `return refuseValue(def, ${quote(field)}, types[${at}], v);`;
  const own =
    field in Object.prototype
      ? `Object.hasOwn(input, ${quote(field)}) ? input[${quote(field)}] : undefined`
      : `input[${quote(field)}]`;
  const inline = INLINE[type.base];
  const scalar = inline
    ? `if (!(${inline[0]})) ${refuse}\n${out} = ${inline[1]};`
    : `${out} = read_${type.base}(v);\nif (${out} === undefined) ${refuse}`;
  const one = inline
    ? `if (!(${inline[0]})) return refuseValue(def, ${quote(field)}, item${at}, v);\n${out}[i] = ${inline[1]};`
    : '';
  const item = inline
    ? one
    : `const kept = read_${type.base}(v);\nif (kept === undefined) return refuseValue(def, ${quote(field)}, item${at}, v);\n${out}[i] = kept;`;
  const value = type.array
    ? `if (!Array.isArray(v)) ${refuse}
       ${out} = new Array(v.length);
       for (let i = 0, all = v; i < all.length; i++) { const v = all[i]; ${item} }`
    : scalar;
  return `let ${out} = null; { const v = ${own};
    if (v !== undefined) present++;
    ${type.nullable ? `if (v !== null && v !== undefined) { ${value} }` : type.array ? `if (v === null || v === undefined) ${refuse} ${value}` : value} }`;
}

export function compileValidator(def: SourceDefinition): EventValidator {
  const types = sourceFields(def);
  const names = Object.keys(types);
  const local = (name: string): string => `f${names.indexOf(name)}`;
  const list = Object.values(types);
  const eventTime =
    types[def.eventTime]?.base === 'date'
      ? `${local(def.eventTime)} * 86400000`
      : local(def.eventTime);
  const id =
    def.eventId === undefined
      ? 'null'
      : `${local(def.eventId)} === null ? null : String(${local(def.eventId)})`;

  const unknown = (input: Readonly<Record<string, unknown>>): Refusal | null => {
    for (const key of Object.keys(input))
      if (!Object.hasOwn(types, key)) return refuseUnknown(def, key, input[key]);
    return null;
  };
  const body = `'use strict';
    ${list.map((type, i) => (type.array ? `const item${i} = { base: types[${i}].base, array: false, nullable: false };` : '')).join('\n')}
    return (input, now) => {
      if (typeof input !== 'object' || input === null || Array.isArray(input)) return refuseShape(def, input);
      let present = 0;
      ${names.map((name, i) => readField(name, list[i] as FieldType, i, `f${i}`)).join('\n')}
      let keys = 0;
      for (const _ in input) keys++;
      if (keys !== present) { const refusal = unknown(input); if (refusal !== null) return refusal; }
      const eventTime = ${eventTime};
      if (eventTime < ${EARLIEST} || eventTime > now + ${AHEAD}) return refuseTime(def, eventTime, now);
      return { ok: true, row: { ${names.map((name, i) => `${quote(name)}: f${i}`).join(', ')} }, eventTime, id: ${id} };
    };`;
  const given = {
    def,
    types: list,
    refuseValue,
    refuseShape,
    refuseTime,
    unknown,
    read_timestamp: READERS.timestamp,
    read_date: READERS.date,
    read_bytes: READERS.bytes,
  };
  return new Function(...Object.keys(given), body)(...Object.values(given)) as EventValidator;
}

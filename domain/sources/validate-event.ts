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
import { isExactNumber } from '#domain/values/exact-json.ts';
import { readScalar } from '#domain/values/read-value.ts';
import type { FieldType, Row, ScalarType } from '#domain/values/value.ts';
import {
  AHEAD,
  EARLIEST,
  type Refusal,
  refuseItem,
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

const NUMBER = "(typeof v === 'number' || typeof (v = numberOf(v)) === 'number')";

/** Checks that are generated inline: a test, and the value to keep, both over `v`. */
const INLINE: Readonly<Partial<Record<ScalarType, readonly [test: string, keep: string]>>> = {
  string: ["typeof v === 'string' && v.isWellFormed()", 'v'],
  boolean: ["typeof v === 'boolean'", 'v'],
  int: ["typeof v === 'number' && (v | 0) === v", 'v | 0'],
  long: ["typeof v === 'number' && Number.isSafeInteger(v)", 'v + 0'],
  double: [`${NUMBER} && v - v === 0`, 'v + 0'],
  float: [`${NUMBER} && Math.abs(Math.fround(v)) < Infinity`, 'Math.fround(v) + 0'],
};

/** A large whole number is the nearest double, as in JSON. */
const numberOf = (value: unknown): unknown =>
  typeof value === 'object' && isExactNumber(value) ? Number(value.rawJSON) : value;

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
  const refuseOne = `return refuseItem(def, ${quote(field)}, types[${at}], i, v);`;
  const item = inline
    ? `if (!(${inline[0]})) ${refuseOne}\n${out}[i] = ${inline[1]};`
    : `const kept = read_${type.base}(v);\nif (kept === undefined) ${refuseOne}\n${out}[i] = kept;`;
  const value = type.array
    ? `if (!Array.isArray(v)) ${refuse}
       ${out} = new Array(v.length);
       for (let i = 0, all = v; i < all.length; i++) { let v = all[i]; ${item} }`
    : scalar;
  return `let ${out} = null; { let v = ${own};
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
    numberOf,
    refuseValue,
    refuseItem,
    refuseShape,
    refuseTime,
    unknown,
    read_timestamp: (value: unknown) => readScalar('timestamp', value),
    read_date: (value: unknown) => readScalar('date', value),
    read_bytes: (value: unknown) => readScalar('bytes', value),
  };
  return new Function(...Object.keys(given), body)(...Object.values(given)) as EventValidator;
}

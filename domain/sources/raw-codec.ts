/**
 * Rows to the Avro binary of raw.<source> and back, by one encoder and one decoder generated per
 * schema.
 *
 * Why not avsc: it returns instances of its own classes and Buffers where rows are plain and hold
 * base64, it refuses a long of 2^53 − 1, and negative longs below −2^52 come back positive. Raw
 * records are flat, so their own codec is short; tests compare its bytes with avsc's where those
 * are right. A writer's schema may be older: fields that it lacks read as null, and narrower
 * numbers are widened.
 */

import { ByteWriter } from '#domain/avro/bytes.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import type { FieldType, Row, ScalarType } from '#domain/values/value.ts';
import { compileDecoder } from './compile-decoder.ts';
import { fieldsOfAvro, sourceFields } from './source-schema.ts';

export interface RawCodec {
  readonly encode: (row: Row) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Row;
}

const METHOD: Readonly<Record<ScalarType, string>> = {
  string: 'Text',
  int: 'Long',
  long: 'Long',
  float: 'Float',
  double: 'Double',
  boolean: 'Boolean',
  timestamp: 'Long',
  date: 'Long',
  bytes: 'Base64',
};

const quote = (value: unknown): string => JSON.stringify(value);

function write(name: string, type: FieldType): string {
  const value = `row[${quote(name)}]`;
  const put = (what: string) => `w.write${METHOD[type.base]}(${what});`;
  const all = type.array
    ? `if (v.length > 0) { w.writeLong(v.length); for (let i = 0; i < v.length; i++) ${put('v[i]')} } w.writeLong(0);`
    : put('v');
  return type.nullable
    ? `{ const v = ${value}; if (v === null || v === undefined) w.writeLong(0); else { w.writeLong(1); ${all} } }`
    : `{ const v = ${value}; ${all} }`;
}

const writer = new ByteWriter();

type Encode = RawCodec['encode'];

const encoderOf = (fields: Readonly<Record<string, FieldType>>): Encode => {
  const puts = Object.entries(fields).map(([name, type]) => write(name, type));
  const body = `'use strict'; return (row) => { w.reset(); ${puts.join('\n')} return w.take(); };`;
  return new Function('w', body)(writer) as Encode;
};

/** Encodes rows as records of a schema of raw.<source>. */
export const rawEncoder = (schema: object): Encode => encoderOf(fieldsOfAvro(schema));

/** @param written the Avro schema of the records, if it is not that of `def` */
export function rawCodec(def: SourceDefinition, written?: object): RawCodec {
  const now = sourceFields(def);
  const then = Object.entries(written ? fieldsOfAvro(written) : now);
  const encode = encoderOf(now);
  const decode = compileDecoder(
    then.map(([name, { base, array, nullable }]) => ({
      name,
      read: `r.read${METHOD[base]}()`,
      array,
      present: nullable ? 'r.readPresent()' : null,
    })),
    Object.keys(now),
    (why) => fail('MR_STORAGE_FAILED', `a record of raw.${def.name} cannot be read: ${why}.`),
  );
  return { encode, decode };
}

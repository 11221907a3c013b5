/** Generates decoders of flat Avro records: one function per schema, without a loop over fields. */
import { ByteReader } from '#domain/avro/bytes.ts';
import type { Row } from '#domain/values/value.ts';

/** How the bytes of one field are read, in the order of the writer's schema. */
export interface FieldCode {
  readonly name: string;
  /** an expression that reads one value from `r` */
  readonly read: string;
  readonly array: boolean;
  /** an expression that reads whether there is a value; null: there always is */
  readonly present: string | null;
}

const quote = (value: unknown): string => JSON.stringify(value);

const readField = ({ read, array, present }: FieldCode, out: string): string => {
  const all = array
    ? `${out} = []; for (let n = r.readBlock(); n > 0; n = r.readBlock()) for (let i = 0; i < n; i++) ${out}.push(${read});`
    : `${out} = ${read};`;
  return `let ${out} = null; ${present === null ? all : `if (${present}) { ${all} }`}`;
};

/**
 * @param row the fields of the result; those that the writer did not have are null
 * @param broken called with the reason where bytes do not fit the schema
 * @param given what the expressions use besides `r`
 */
export const compileDecoder = (
  written: readonly FieldCode[],
  row: readonly string[],
  broken: (why: string) => never,
  given: Readonly<Record<string, unknown>> = {},
): ((bytes: Uint8Array) => Row) => {
  const locals = new Map(written.map(({ name }, i) => [name, `f${i}`]));
  const body = `'use strict'; return (bytes) => { r.reset(bytes);
    ${written.map((field, i) => readField(field, `f${i}`)).join('\n')}
    r.end();
    return { ${row.map((name) => `${quote(name)}: ${locals.get(name) ?? 'null'}`).join(', ')} }; };`;
  const names = ['r', ...Object.keys(given)];
  return new Function(...names, body)(new ByteReader(broken), ...Object.values(given)) as (
    bytes: Uint8Array,
  ) => Row;
};

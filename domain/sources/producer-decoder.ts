/**
 * Decodes Avro records that producers wrote with a schema of their own into events, which are then
 * validated as JSON events are. An event has exactly the fields of its record, so a field that the
 * source lacks is refused as in JSON.
 *
 * Avro has more types than JSON. What has one meaning as a value of the field is read as that;
 * every other pair of types is refused with the schema, because its bytes would be read as another
 * value:
 *
 *   timestamp-millis, -micros, -nanos   milliseconds, where the field is a timestamp
 *   enum                                its symbol
 *   decimal, local-timestamp-*, time-*, bytes for a field of another type:   refused
 *
 * Whole numbers past 2^53 keep their digits, and texts must be UTF-8.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { type ExactNumber, isExactNumber } from '#domain/values/exact-json.ts';
import type { FieldType, Row, ScalarType } from '#domain/values/value.ts';
import { compileDecoder, type FieldCode } from './compile-decoder.ts';
import { sourceFields } from './source-schema.ts';

type Json = Readonly<Record<string, unknown>>;
type Refuse = (why: string) => never;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const PRIMITIVES: Readonly<Record<string, string>> = {
  string: 'r.readCheckedText()',
  int: 'r.readExactLong()',
  long: 'r.readExactLong()',
  float: 'r.readFloat()',
  double: 'r.readDouble()',
  boolean: 'r.readBoolean()',
  bytes: 'r.readBase64()',
};

/** What a number is divided by to get milliseconds. */
const PER_MS: Readonly<Record<string, bigint>> = {
  'timestamp-micros': 1_000n,
  'timestamp-nanos': 1_000_000n,
};

/** Digits past the millisecond are left out, as of a text. */
const msOf = (value: number | ExactNumber, per: bigint): number => {
  const count = BigInt(isExactNumber(value) ? value.rawJSON : value);
  return Number(count >= 0n ? count / per : -((-count + per - 1n) / per));
};

/** Whether numbers of a logical type mean what numbers of the field mean. */
const fits = (logical: string, base: ScalarType): boolean =>
  base === 'timestamp'
    ? logical === 'timestamp-millis' || Object.hasOwn(PER_MS, logical)
    : base === 'date'
      ? logical === 'date'
      : true;

const REMEDY: Readonly<Record<string, string>> = {
  decimal: 'send a double, or a string',
  date: 'send a timestamp-millis',
};

/** Values that the generated code refers to by name. */
type Given = Record<string, unknown>;

const addTo = (given: Given, value: unknown): string => {
  const name = `given${Object.keys(given).length}`;
  given[name] = value;
  return name;
};

/**
 * An expression that reads one value.
 * @param base of the field; null: the source has no such field
 */
const readOne = (avro: unknown, base: ScalarType | null, given: Given, refuse: Refuse): string => {
  const schema = isObject(avro) ? avro : { type: avro };
  const { type, logicalType: logical, symbols } = schema;
  if (isObject(type)) return readOne(type, base, given, refuse);
  if (type === 'enum' && Array.isArray(symbols))
    return `r.readSymbol(${addTo(given, symbols.map(String))})`;
  const read = typeof type === 'string' && Object.hasOwn(PRIMITIVES, type) && PRIMITIVES[type];
  if (typeof read !== 'string')
    return refuse(`has an Avro type that sources do not have: ${JSON.stringify(avro)}`);
  const shown = typeof logical === 'string' ? logical : String(type);
  const wrong = (): never =>
    refuse(
      `is Avro's ${shown} and ${base} in the source: ${REMEDY[shown] ?? `send Avro's ${base === 'timestamp' ? 'timestamp-millis' : base}`}`,
    );
  if (logical === 'decimal') return wrong();
  if (base === null) return read;
  if (type === 'bytes' && base !== 'bytes') return wrong();
  if (typeof logical !== 'string' || (type !== 'int' && type !== 'long')) return read;
  if (!fits(logical, base)) return wrong();
  return base === 'timestamp' && Object.hasOwn(PER_MS, logical)
    ? `msOf(${read}, ${PER_MS[logical]}n)`
    : read;
};

const codeOf = (
  { name, type: avro }: { readonly name: string; readonly type: unknown },
  type: FieldType | undefined,
  given: Given,
): FieldCode => {
  const refuse = (why: string): never =>
    fail('MR_SCHEMA_INCOMPATIBLE', `the field ${name} ${why}.`, { field: name });
  const union = Array.isArray(avro) ? avro : [avro];
  const value = union.find((branch) => branch !== 'null');
  if (Array.isArray(avro) && (avro.length !== 2 || !avro.includes('null')))
    return refuse(`is a union of more than null and one type: ${JSON.stringify(avro)}`);
  const array = isObject(value) && value.type === 'array';
  return {
    name,
    array,
    read: readOne(array ? value.items : value, type?.base ?? null, given, refuse),
    present: !Array.isArray(avro)
      ? null
      : avro[0] === 'null'
        ? 'r.readPresent()'
        : '!r.readPresent()',
  };
};

/**
 * @param written the Avro schema of the records
 * @throws MillraceError MR_SCHEMA_INCOMPATIBLE where its records cannot be events of the source
 */
export const producerDecoder = (
  def: SourceDefinition,
  written: object,
): ((bytes: Uint8Array) => Row) => {
  const { type, fields } = written as Json;
  if (type !== 'record' || !Array.isArray(fields))
    return fail('MR_SCHEMA_INCOMPATIBLE', 'the Avro schema is not that of a record.');
  const types = sourceFields(def);
  const given: Given = { msOf };
  const codes = fields.map((field: { readonly name: string; readonly type: unknown }) =>
    codeOf(field, Object.hasOwn(types, field.name) ? types[field.name] : undefined, given),
  );
  return compileDecoder(
    codes,
    codes.map(({ name }) => name),
    (why) => fail('MR_STORAGE_FAILED', `an Avro record cannot be read: ${why}.`),
    given,
  );
};

/** Field types and state types as Avro schemas, and field types back. */
import type { StateType } from '#domain/aggregations/forms.ts';
import { fail } from '#domain/errors.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';

const AVRO: Readonly<Record<ScalarType, unknown>> = {
  string: 'string',
  int: 'int',
  long: 'long',
  float: 'float',
  double: 'double',
  boolean: 'boolean',
  timestamp: { type: 'long', logicalType: 'timestamp-millis' },
  date: { type: 'int', logicalType: 'date' },
  bytes: 'bytes',
};

/** Avro's primitive types, apart from null. */
export type AvroPrimitive = Exclude<ScalarType, 'timestamp' | 'date'>;

/** The Avro schema of one field's values. */
export function avroType(type: FieldType): unknown {
  const one = type.array ? { type: 'array', items: AVRO[type.base] } : AVRO[type.base];
  return type.nullable ? ['null', one] : one;
}

/** The Avro schema of a reference slot's plain data, in which bytes are base64 text. */
export const stateAvro = (type: StateType): unknown => {
  if ('list' in type) return { type: 'array', items: stateAvro(type.list) };
  if ('record' in type)
    return {
      type: 'record',
      name: type.record,
      fields: type.fields.map((field) => ({ name: field.name, type: stateAvro(field.type) })),
    };
  return avroType({ ...type, base: type.base === 'bytes' ? 'string' : type.base });
};

const LOGICAL: Readonly<Record<string, ScalarType>> = {
  'timestamp-millis': 'timestamp',
  date: 'date',
};

/**
 * The field type whose `avroType` is this schema.
 * @throws MillraceError MR_SCHEMA_INCOMPATIBLE where there is none
 */
export function typeOfAvro(schema: unknown, name: string): FieldType {
  if (Array.isArray(schema) && schema.length === 2 && schema[0] === 'null')
    return { ...typeOfAvro(schema[1], name), nullable: true };
  if (typeof schema === 'string' && Object.hasOwn(AVRO, schema))
    return { base: schema as ScalarType, array: false, nullable: false };
  if (typeof schema === 'object' && schema !== null) {
    const { type, items, logicalType } = schema as {
      readonly type?: unknown;
      readonly items?: unknown;
      readonly logicalType?: string;
    };
    if (type === 'array') return { ...typeOfAvro(items, name), array: true };
    const logical = logicalType === undefined ? undefined : LOGICAL[logicalType];
    return logical ? { base: logical, array: false, nullable: false } : typeOfAvro(type, name);
  }
  return fail(
    'MR_SCHEMA_INCOMPATIBLE',
    `the field ${name} has an Avro type that sources do not have: ${JSON.stringify(schema)}.`,
  );
}

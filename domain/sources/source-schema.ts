/**
 * What a source's definition says of its fields: their types, and the Avro record that raw.<source>
 * is written in.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';

export const sourceFields = (def: SourceDefinition): Record<string, FieldType> =>
  Object.fromEntries(
    Object.entries(def.fields).map(([name, text]) => [name, parseFieldType(text)]),
  );

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

/** The Avro schema of one field's values. */
export function avroType(type: FieldType): unknown {
  const one = type.array ? { type: 'array', items: AVRO[type.base] } : AVRO[type.base];
  return type.nullable ? ['null', one] : one;
}

/** Nullable fields default to null, so that a reader of a newer schema takes older records. */
export const rawAvroSchema = (def: SourceDefinition): object => ({
  type: 'record',
  name: def.name,
  namespace: 'millrace.raw',
  ...(def.description !== undefined && { doc: def.description }),
  // Avro lets a schema carry attributes of its own: whoever reads the records knows which field is
  // the event time.
  eventTime: def.eventTime,
  fields: Object.entries(sourceFields(def)).map(([name, type]) => ({
    name,
    type: avroType(type),
    ...(type.nullable && { default: null }),
  })),
});

const LOGICAL: Readonly<Record<string, ScalarType>> = {
  'timestamp-millis': 'timestamp',
  date: 'date',
};

/** The field type that `avroType` made this schema from. */
function typeOfAvro(schema: unknown, name: string): FieldType {
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
    `the field ${name} has an Avro type that no source has: ${JSON.stringify(schema)}.`,
  );
}

/** The fields of a schema that `rawAvroSchema` made, in its order. */
export const fieldsOfAvro = (schema: object): Record<string, FieldType> =>
  Object.fromEntries(
    (schema as { readonly fields: readonly { name: string; type: unknown }[] }).fields.map((f) => [
      f.name,
      typeOfAvro(f.type, f.name),
    ]),
  );

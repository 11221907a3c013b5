/** What a source's definition says of its fields: their types, and the Avro record that raw.<source> is written in. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';

export const sourceFields = (def: SourceDefinition): Record<string, FieldType> =>
  Object.fromEntries(Object.entries(def.fields).map(([name, text]) => [name, parseFieldType(text)]));

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
  fields: Object.entries(sourceFields(def)).map(([name, type]) => ({ name, type: avroType(type), ...(type.nullable && { default: null }) })),
});

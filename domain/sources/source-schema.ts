/** The fields of a source: their types, and the Avro schema of raw.<source>. */
import { avroType, typeOfAvro } from '#domain/avro/types.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';

export const sourceFields = (def: SourceDefinition): Record<string, FieldType> =>
  Object.fromEntries(
    Object.entries(def.fields).map(([name, text]) => [name, parseFieldType(text)]),
  );

/** Nullable fields default to null, so that a reader of a newer schema accepts older records. */
export const rawAvroSchema = (def: SourceDefinition): object => ({
  type: 'record',
  name: def.name,
  namespace: 'millrace.raw',
  ...(def.description !== undefined && { doc: def.description }),
  // Avro schemas may carry custom attributes: this one names the field that holds the event time.
  eventTime: def.eventTime,
  fields: Object.entries(sourceFields(def)).map(([name, type]) => ({
    name,
    type: avroType(type),
    ...(type.nullable && { default: null }),
  })),
});

/** The inverse of `rawAvroSchema`: the fields of such a schema, in its order. */
export const fieldsOfAvro = (schema: object): Record<string, FieldType> =>
  Object.fromEntries(
    (schema as { readonly fields: readonly { name: string; type: unknown }[] }).fields.map((f) => [
      f.name,
      typeOfAvro(f.type, f.name),
    ]),
  );

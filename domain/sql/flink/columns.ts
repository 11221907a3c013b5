/**
 * Avro schemas as Flink columns. The tables of a session have exactly the fields of the schemas in
 * the schema registry.
 */

import type { AvroPrimitive } from '#domain/avro/types.ts';

interface AvroField {
  readonly name: string;
  readonly type: unknown;
}

const PRIMITIVE: Readonly<Record<AvroPrimitive, string>> = {
  string: 'STRING',
  int: 'INT',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  bytes: 'BYTES',
};

const quote = (name: string): string => `\`${name}\``;

/** Logical types are read as their underlying numbers: epoch ms and days. */
export const flinkColumnType = (schema: unknown): string => {
  if (Array.isArray(schema)) {
    const [branch] = schema.filter((s) => s !== 'null');
    return flinkColumnType(branch).replace(/ NOT NULL$/, '');
  }
  if (typeof schema === 'string')
    return `${PRIMITIVE[schema as AvroPrimitive] ?? 'STRING'} NOT NULL`;
  const { type, items, fields } = schema as {
    type: unknown;
    items?: unknown;
    fields?: readonly AvroField[];
  };
  if (type === 'array') return `ARRAY<${flinkColumnType(items)}> NOT NULL`;
  if (type === 'record')
    return `ROW<${(fields ?? []).map((f) => `${quote(f.name)} ${flinkColumnType(f.type)}`).join(', ')}> NOT NULL`;
  return flinkColumnType(type);
};

export const flinkColumns = (schema: {
  readonly fields: readonly AvroField[];
}): readonly string[] =>
  schema.fields.map((field) => `${quote(field.name)} ${flinkColumnType(field.type)}`);

/**
 * BACKWARD compatibility: can a reader of the new schema read records of the old one? avsc's
 * resolver decides. If it refuses, the two record schemas are compared field by field, so that the
 * message can name the field to change.
 */

import avro from 'avsc';
import { messageOf } from '#domain/error-message.ts';

export interface Incompatibility {
  /** dotted path of the field; null if the schema as a whole does not fit */
  readonly field: string | null;
  readonly message: string;
}

type AvroField = {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
  readonly aliases?: readonly string[];
};
type AvroRecord = {
  readonly type: 'record';
  readonly name: string;
  readonly fields: readonly AvroField[];
};

const isRecord = (schema: unknown): schema is AvroRecord =>
  (schema as AvroRecord | null)?.type === 'record' && Array.isArray((schema as AvroRecord).fields);

const reads = (reader: unknown, writer: unknown): string | null => {
  try {
    const options = (): { registry: Record<string, never> } => ({ registry: {} });
    const type = avro.Type.forSchema(reader as avro.Schema, options());
    type.createResolver(avro.Type.forSchema(writer as avro.Schema, options()));
    return null;
  } catch (error) {
    return messageOf(error);
  }
};

const show = (type: unknown): string => (typeof type === 'string' ? type : JSON.stringify(type));

const fieldProblem = (
  reader: AvroRecord,
  writer: AvroRecord,
  path: string,
): Incompatibility | null => {
  for (const field of reader.fields) {
    const name = `${path}${field.name}`;
    const old = writer.fields.find(
      (f) => f.name === field.name || (field.aliases ?? []).includes(f.name),
    );
    if (old === undefined) {
      if (!('default' in field))
        return {
          field: name,
          message: `field "${name}" is new and has no default, so older records could not be read; make it nullable.`,
        };
      continue;
    }
    if (isRecord(field.type) && isRecord(old.type)) {
      const inner = fieldProblem(field.type, old.type, `${name}.`);
      if (inner !== null) return inner;
    } else if (reads(field.type, old.type) !== null) {
      return {
        field: name,
        message: `field "${name}" was ${show(old.type)} and cannot be read as ${show(field.type)}.`,
      };
    }
  }
  return null;
};

/**
 * @param writer null for the subject's first schema, which only has to be valid
 * @returns null if compatible
 */
export const incompatibility = (reader: object, writer: object | null): Incompatibility | null => {
  const problem = reads(reader, writer ?? reader);
  if (problem === null) return null;
  const named = isRecord(reader) && isRecord(writer) ? fieldProblem(reader, writer, '') : null;
  return (
    named ?? {
      field: null,
      message:
        writer === null
          ? `this is not an Avro schema: ${problem}.`
          : `records of the previous version could not be read: ${problem}.`,
    }
  );
};

/** Feast's value types, and the field types for the same values. */
import type { FieldType, ScalarType } from '#domain/values/value.ts';
import type { FeastType } from './model.ts';

export interface Counterpart {
  readonly type: Omit<FieldType, 'nullable'>;
  /** what the conversion loses */
  readonly note?: string;
}

const SCALARS: Readonly<Record<string, readonly [base: ScalarType, note?: string]>> = {
  BYTES: ['bytes'],
  STRING: ['string'],
  INT32: ['int'],
  INT64: ['long'],
  DOUBLE: ['double'],
  FLOAT: ['float'],
  BOOL: ['boolean'],
  UNIX_TIMESTAMP: ['timestamp'],
  JSON: ['string', 'JSON is stored as text'],
  UUID: ['string', 'a UUID is stored as text'],
  TIME_UUID: ['string', 'a UUID is stored as text'],
  DECIMAL: ['string', 'a decimal is stored as text, which aggregations do not read as a number'],
};

/** Null: there is no field type for such values. */
export const counterpartOf = (type: FeastType): Counterpart | null => {
  if (typeof type === 'number') return null;
  const [, name, many] = /^(.*?)(?:_(LIST|SET))?$/.exec(type) as unknown as [
    string,
    string,
    string | undefined,
  ];
  const found = SCALARS[name];
  if (found === undefined) return null;
  const [base, note] = found;
  const notes = [note, many === 'SET' ? 'a set is stored as a list' : undefined].filter(
    (text) => text !== undefined,
  );
  return {
    type: { base, array: many !== undefined },
    ...(notes.length > 0 && { note: notes.join('; ') }),
  };
};

export const typeName = (type: FeastType): string =>
  typeof type === 'number' ? `number ${type} (newer than this import)` : type.toLowerCase();

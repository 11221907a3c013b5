/** Field types as the Iceberg type names that the column readers and writers take. */
import type { FieldType, ScalarType } from '#domain/values/value.ts';

const ICEBERG: Readonly<Record<ScalarType, string>> = {
  string: 'string',
  int: 'int',
  long: 'long',
  float: 'float',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'timestamptz',
  date: 'date',
  bytes: 'binary',
};

export const icebergType = (type: FieldType): string =>
  type.array ? `list<${ICEBERG[type.base]}>` : ICEBERG[type.base];

/** A field for readers of Iceberg columns; ids and `required` do not matter to a read. */
export const icebergField = (
  name: string,
  type: FieldType,
): {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: never;
} => ({
  id: 0,
  name,
  required: false,
  type: (type.array
    ? { type: 'list', 'element-id': 0, element: ICEBERG[type.base], 'element-required': false }
    : ICEBERG[type.base]) as never,
});

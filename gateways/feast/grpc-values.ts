/**
 * Converts Feast's `Value` from and to ours: Feast's times are seconds, and its bytes not base64.
 */
import type { FieldType, ScalarType, Value } from '#domain/values/value.ts';

/** A decoded value: `val` is the name of the field that is set. */
export interface FeastValue {
  readonly val?: string;
  readonly [field: string]: unknown;
}

const FIELD: Readonly<Record<ScalarType, string>> = {
  string: 'stringVal',
  int: 'int32Val',
  long: 'int64Val',
  float: 'floatVal',
  double: 'doubleVal',
  boolean: 'boolVal',
  timestamp: 'unixTimestampVal',
  // Feast has no dates: they are the same numbers as over HTTP.
  date: 'int32Val',
  bytes: 'bytesVal',
};

const bytesText = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;

/** A value without any field set is null. */
export const plainOf = (value: FeastValue | null | undefined): unknown => {
  if (value?.val === undefined || value.val === 'nullVal') return null;
  const found = value[value.val];
  if (typeof found === 'object' && found !== null && 'val' in found)
    return (found.val as readonly unknown[]).map(bytesText);
  return bytesText(found);
};

const scalar = (base: ScalarType, value: Value): unknown =>
  base === 'timestamp'
    ? Math.floor((value as number) / 1000)
    : base === 'bytes'
      ? Buffer.from(value as string, 'base64')
      : value;

export const feastValueOf = (value: Value, { base, array }: FieldType): FeastValue => {
  if (value === null) return {};
  const field = FIELD[base];
  if (!array) return { [field]: scalar(base, value) };
  return {
    [field.replace('Val', 'ListVal')]: {
      val: (value as readonly Value[]).map((item) => scalar(base, item)),
    },
  };
};

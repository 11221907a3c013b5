/** Feast's `Value` and ours. A time is seconds there, milliseconds here; bytes are base64 here. */
import type { FieldType, ScalarType, Value } from '#domain/values/value.ts';

/** As it is decoded: `val` names the field that is set. */
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
  // Feast has no days: they stay the number that they are over HTTP.
  date: 'int32Val',
  bytes: 'bytesVal',
};

const bytesText = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;

/** A null is a value with nothing set. */
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

/** Converts google.protobuf.Struct, the protobuf form of JSON, from and to plain data. */
import { setOwn } from '#gateways/shared/own-property.ts';
import type { ListValue } from './generated/google/protobuf/ListValue.ts';
import type { Struct, Struct__Output } from './generated/google/protobuf/Struct.ts';
import type { Value, Value__Output } from './generated/google/protobuf/Value.ts';

export const plainOf = (value: Value__Output | Value | null | undefined): unknown => {
  switch (value?.kind) {
    case 'numberValue':
      return value.numberValue;
    case 'stringValue':
      return value.stringValue;
    case 'boolValue':
      return value.boolValue;
    case 'listValue':
      return value.listValue?.values?.map(plainOf) ?? [];
    case 'structValue':
      return plainRowOf(value.structValue);
    default:
      return null;
  }
};

export const plainRowOf = (
  struct: Struct__Output | Struct | null | undefined,
): Record<string, unknown> => {
  const row: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(struct?.fields ?? {}))
    setOwn(row, name, plainOf(value));
  return row;
};

/** @param plain a JSON value; objects lose undefined properties */
export const toValue = (plain: unknown): Value => {
  if (plain === null || plain === undefined) return { nullValue: 'NULL_VALUE', kind: 'nullValue' };
  if (typeof plain === 'number') return { numberValue: plain, kind: 'numberValue' };
  if (typeof plain === 'string') return { stringValue: plain, kind: 'stringValue' };
  if (typeof plain === 'boolean') return { boolValue: plain, kind: 'boolValue' };
  if (Array.isArray(plain)) {
    const list: ListValue = { values: plain.map(toValue) };
    return { listValue: list, kind: 'listValue' };
  }
  return { structValue: structOf(plain as Readonly<Record<string, unknown>>), kind: 'structValue' };
};

export const structOf = (row: Readonly<Record<string, unknown>>): Struct => {
  const fields: Record<string, Value> = {};
  for (const [name, value] of Object.entries(row))
    if (value !== undefined) setOwn(fields, name, toValue(value));
  return { fields };
};

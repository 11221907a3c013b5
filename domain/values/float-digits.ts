/**
 * The digits of a 32-bit float. 1.111 is stored as the nearest float, 1.11100006103515625; as a
 * double that would be shown with all its digits. The number shown here is the shortest decimal
 * that reads back as the same float: between 6 and 9 significant digits always suffice (IEEE 754).
 */
import type { FieldType, Row, Value } from './value.ts';

export const floatDigits = (value: number): number => {
  const float = Math.fround(value);
  if (Number.isInteger(float) && Math.abs(float) <= 16_777_216) return float;
  // The smallest floats have fewer bits, and so fewer digits.
  for (let digits = Math.abs(float) < 1.2e-38 ? 1 : 6; digits < 9; digits++) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return Number(float.toPrecision(9));
};

/** The value as it is shown: floats with their own digits, every other type as it is. */
export const shownValue = (
  { base, array }: Pick<FieldType, 'base' | 'array'>,
  value: Value,
): Value => {
  if (base !== 'float' || value === null) return value;
  if (!array) return typeof value === 'number' ? floatDigits(value) : value;
  return Array.isArray(value)
    ? value.map((item: Value) => (typeof item === 'number' ? floatDigits(item) : item))
    : value;
};

/** Shows the rows of a source, whose fields have these types. */
export const rowsShown = (fields: Readonly<Record<string, FieldType>>): ((row: Row) => Row) => {
  const floats = Object.entries(fields).filter(([, { base }]) => base === 'float');
  if (floats.length === 0) return (row) => row;
  return (row) => ({
    ...row,
    ...Object.fromEntries(
      floats.map(([name, type]) => [name, shownValue(type, row[name] ?? null)]),
    ),
  });
};

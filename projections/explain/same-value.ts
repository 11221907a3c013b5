import type { FieldType, Value } from '#domain/values/value.ts';

/** Sums of doubles may differ in the last digits, by the order of addition; other values not. */
const RELATIVE = 1e-9;

export const sameValue = (a: Value, b: Value): boolean => {
  if (typeof a === 'number' && typeof b === 'number') {
    return a === b || Math.abs(a - b) <= RELATIVE * Math.max(Math.abs(a), Math.abs(b));
  }
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => sameValue(item as Value, b[i] as Value));
  if (a !== null && b !== null && typeof a === 'object' && typeof b === 'object') {
    const left = Object.entries(a);
    return (
      left.length === Object.keys(b).length &&
      left.every(([key, item]) =>
        sameValue(item as Value, (b as Record<string, Value>)[key] ?? null),
      )
    );
  }
  return a === b;
};

/** Doubles are compared with a tolerance; times, whole numbers and texts exactly. */
export const isRounded = ({ base }: FieldType): boolean => base === 'double' || base === 'float';

export const equalValue = (a: Value, b: Value): boolean =>
  a === b || JSON.stringify(a) === JSON.stringify(b);

/** Compares values of one feature, by its type. */
export const sameResult = (type: FieldType, a: Value, b: Value): boolean =>
  isRounded(type) ? sameValue(a, b) : equalValue(a, b);

/** Which types combine, for the type rules of the function table and for `when`. */
import { formatFieldType, isNumeric } from '#domain/values/field-type.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';

const WIDTH: Readonly<Partial<Record<ScalarType, number>>> = {
  int: 0,
  long: 1,
  float: 2,
  double: 3,
};

export const of = (base: ScalarType, nullable: boolean): FieldType => ({
  base,
  array: false,
  nullable,
});

export const is = (type: FieldType, ...bases: readonly ScalarType[]): boolean =>
  !type.array && bases.includes(type.base);

export const anyNull = (types: readonly { readonly type: FieldType }[]): boolean =>
  types.some((a) => a.type.nullable);

export const show = (types: readonly { readonly type: FieldType }[]): string =>
  types.map((a) => formatFieldType(a.type)).join(', ');

/** The narrowest type that holds both, or null. */
export function unify(a: FieldType, b: FieldType): FieldType | null {
  const nullable = a.nullable || b.nullable;
  if (a.array === b.array && a.base === b.base) return { base: a.base, array: a.array, nullable };
  if (!isNumeric(a) || !isNumeric(b)) return null;
  const [narrow, wide] = (WIDTH[a.base] ?? 0) < (WIDTH[b.base] ?? 0) ? [a, b] : [b, a];
  return of(wide.base === 'float' && narrow.base !== 'float' ? 'double' : wide.base, nullable);
}

/** Whether two values can be compared: both are numbers, or both have one type. */
export const comparable = (a: FieldType, b: FieldType): boolean =>
  !a.array && !b.array && (a.base === b.base || (isNumeric(a) && isNumeric(b)));

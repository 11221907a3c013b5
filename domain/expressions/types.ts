/** Which types combine, for the type rules of the function table and for `when`. */
import { formatFieldType, isNumeric } from '#domain/values/field-type.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';
import type { Expr } from './ast.ts';
import { canCast } from './casts.ts';
import { shortExpr } from './format.ts';
import type { Argument } from './function-row.ts';

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

/** The arguments with their types, for messages: `carrier (string?), 1 (int)`. */
export const show = (args: readonly Pick<Argument, 'type' | 'expr'>[]): string =>
  args.map(({ type, expr }) => `${shortExpr(expr)} (${formatFieldType(type)})`).join(', ');

/** The expression as a definition has it. */
const written = (expr: Expr): string =>
  expr.op === 'col' ? `col(${JSON.stringify(expr.name)})` : `(${shortExpr(expr)})`;

/**
 * The end of a message: how to convert the first argument that has none of the wanted types to the
 * first of them; nothing where no conversion exists.
 */
export const castHint = (args: readonly Argument[], ...wanted: readonly ScalarType[]): string => {
  const [to] = wanted;
  const wrong = args.find(({ type }) => !is(type, ...wanted));
  return to === undefined || wrong === undefined || !canCast(wrong.type, to)
    ? ''
    : `: convert it, as in ${written(wrong.expr)}.cast("${to}")`;
};

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

/**
 * The type of an expression over the columns or inputs in scope. A literal null has no type of its
 * own: it takes the type of another branch or argument. Without one it is refused, because the
 * result would always be null.
 */
import { fail } from '#domain/errors.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import type { FieldType, Scalar } from '#domain/values/value.ts';
import type { Expr } from './ast.ts';
import { shortExpr } from './format.ts';
import type { Argument, FunctionRow } from './function-row.ts';
import { FUNCTIONS } from './functions.ts';
import { of, unify } from './types.ts';

export interface Scope {
  readonly columns?: Readonly<Record<string, FieldType>>;
  readonly inputs?: Readonly<Record<string, FieldType>>;
}

const sentence = (text: string): string => (text.endsWith('?') ? text : `${text}.`);

const invalid = (expr: Expr, what: string): never =>
  fail('MR_EXPRESSION_INVALID', sentence(`in ${shortExpr(expr, 200)}: ${what}`));

export function literalType(value: Scalar): FieldType {
  if (typeof value === 'string') return of('string', false);
  if (typeof value === 'boolean') return of('boolean', false);
  if (!Number.isSafeInteger(value)) return of('double', false);
  return of(value === (value | 0) ? 'int' : 'long', false);
}

function reference(expr: Expr & { readonly op: 'col' | 'input' }, scope: Scope): FieldType {
  const known = expr.op === 'col' ? scope.columns : scope.inputs;
  if (known !== undefined && Object.hasOwn(known, expr.name)) return known[expr.name] as FieldType;
  const what = expr.op === 'col' ? 'column' : 'input';
  const names = Object.keys(known ?? {});
  const others =
    names.length > 0
      ? `: the ${what}s are ${names.join(', ')}${suggestion(expr.name, names)}`
      : ` here (${what}s cannot be used here)`;
  return fail(
    'MR_UNKNOWN_COLUMN',
    sentence(`there is no ${what} ${JSON.stringify(expr.name)}${others}`),
    { name: expr.name },
  );
}

/**
 * @throws MillraceError MR_EXPRESSION_INVALID where the function is unknown, or takes another
 * number of arguments
 */
export function functionRow(expr: Expr & { readonly op: 'call' }): FunctionRow {
  const row = FUNCTIONS.get(expr.fn);
  const names = [...FUNCTIONS.keys()];
  if (row === undefined)
    return invalid(
      expr,
      `there is no function ${JSON.stringify(expr.fn)}: the functions are ${names.join(', ')}${suggestion(expr.fn, names)}`,
    );
  const [min, max] = row.arity;
  if (expr.args.length < min || expr.args.length > max) {
    return invalid(
      expr,
      `${expr.fn} takes ${min === max ? min : `${min} to ${max}`} arguments, got ${expr.args.length}`,
    );
  }
  expr.args.forEach((arg, i) => {
    const wanted = row.literals?.includes(i) || (i > 0 && row.literals?.includes(-1));
    if (wanted && (arg.op !== 'lit' || arg.value === null))
      invalid(expr, `argument ${i + 1} of ${expr.fn} must be a literal`);
  });
  return row;
}

/**
 * Arguments with their types; a null literal takes the type of the first typed argument.
 */
export function argumentsOf(
  expr: Expr & { readonly op: 'call' },
  row: FunctionRow,
  scope: Scope,
): readonly Argument[] {
  const types = expr.args.map((arg) => infer(arg, scope));
  const first = types.find((type) => type !== null);
  return expr.args.map((arg, i) => {
    const literal = arg.op === 'lit' ? arg.value : undefined;
    const type = types[i];
    if (type) return { type, literal, expr: arg };
    if (row.name !== 'coalesce' || !first) {
      return row.name === 'cast'
        ? { type: of('string', true), literal, expr: arg }
        : invalid(
            expr,
            'an argument is a null literal, so the result is always the same; use isNull to test for null',
          );
    }
    return { type: { ...first, nullable: true }, literal, expr: arg };
  });
}

/** The type of an expression; null for the literal null, which has none.
 * @throws MillraceError MR_EXPRESSION_INVALID, MR_UNKNOWN_COLUMN */
export function infer(expr: Expr, scope: Scope): FieldType | null {
  switch (expr.op) {
    case 'col':
    case 'input':
      return reference(expr, scope);
    case 'lit':
      return expr.value === null ? null : literalType(expr.value);
    case 'call': {
      const row = functionRow(expr);
      const type = row.type(argumentsOf(expr, row, scope));
      return typeof type === 'string' ? invalid(expr, type) : type;
    }
    case 'when':
      return inferWhen(expr, scope);
  }
}

function inferWhen(expr: Expr & { readonly op: 'when' }, scope: Scope): FieldType | null {
  for (const [condition] of expr.branches) {
    const type = infer(condition, scope);
    if (type === null || type.base !== 'boolean' || type.array)
      invalid(
        expr,
        `the condition ${shortExpr(condition)} must be a boolean, is ${type ? formatFieldType(type) : 'null'}: compare it, for example with gt(0) or isNotNull()`,
      );
  }
  let type: FieldType | null = null;
  let nullable = false;
  for (const value of [...expr.branches.map(([, then]) => then), expr.otherwise]) {
    const next = infer(value, scope);
    if (next === null) nullable = true;
    else if (type === null) type = next;
    else
      type =
        unify(type, next) ??
        invalid(
          expr,
          `the branches must have one type, got ${formatFieldType(type)} and, from ${shortExpr(value)}, ${formatFieldType(next)}: cast one of them`,
        );
  }
  return type && { ...type, nullable: type.nullable || nullable };
}

/** @throws MillraceError MR_EXPRESSION_INVALID, MR_UNKNOWN_COLUMN */
export const typeOf = (expr: Expr, scope: Scope): FieldType =>
  infer(expr, scope) ?? invalid(expr, 'the type of null is unknown here: cast it');

/**
 * Expressions for a back end that has no types: what a function's result depends on beside the
 * values is written out, and columns are indices into an event's values. The Java module evaluates
 * this form (io.millrace.join.Expressions).
 */
import type { Scalar, ScalarType } from '#domain/values/value.ts';
import type { Expr } from './ast.ts';
import type { Argument, FunctionName } from './function-row.ts';
import { isReal } from './functions-number.ts';
import { argumentsOf, functionRow, type Scope } from './typecheck.ts';

export type TypedExpr =
  | { readonly op: 'col'; readonly index: number }
  | { readonly op: 'lit'; readonly value: Scalar | null }
  | {
      readonly op: 'call';
      readonly fn: FunctionName;
      readonly args: readonly TypedExpr[];
      /** of arithmetic: whether the result may have a fraction */
      readonly real?: boolean;
      /** of a cast */
      readonly from?: ScalarType;
      /** of a part of a time: whether the argument is in days */
      readonly days?: boolean;
    }
  | {
      readonly op: 'when';
      readonly branches: readonly (readonly [condition: TypedExpr, value: TypedExpr])[];
      readonly otherwise: TypedExpr;
    };

const ARITHMETIC: ReadonlySet<FunctionName> = new Set(['add', 'sub', 'mul', 'div', 'mod']);
const TIME_PARTS: ReadonlySet<FunctionName> = new Set([
  'hour',
  'minute',
  'dayOfWeek',
  'dayOfMonth',
  'month',
  'year',
]);

const typesOf = (name: FunctionName, args: readonly Argument[]) => {
  const [first] = args as readonly [Argument, ...Argument[]];
  if (ARITHMETIC.has(name)) return { real: isReal(name, args) };
  if (TIME_PARTS.has(name)) return { days: first.type.base === 'date' };
  return name === 'cast' ? { from: first.type.base } : {};
};

/** @param indexOf the index of a column in an event's values */
export const typedExpr = (
  expr: Expr,
  scope: Scope,
  indexOf: (column: string) => number,
): TypedExpr => {
  const typed = (part: Expr): TypedExpr => typedExpr(part, scope, indexOf);
  switch (expr.op) {
    case 'lit':
      return expr;
    case 'col':
    case 'input':
      return { op: 'col', index: indexOf(expr.name) };
    case 'call': {
      const row = functionRow(expr);
      const types = typesOf(row.name, argumentsOf(expr, row, scope));
      return { op: 'call', fn: row.name, args: expr.args.map(typed), ...types };
    }
    case 'when':
      return {
        op: 'when',
        branches: expr.branches.map(([condition, value]) => [typed(condition), typed(value)]),
        otherwise: typed(expr.otherwise),
      };
  }
};

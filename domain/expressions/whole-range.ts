/**
 * Where an expression over whole numbers gives another value once it is computed with fractions.
 * Arithmetic is in doubles either way, so the values differ only if a result is outside ±(2^53 −
 * 1): of whole numbers it is null then. A bound on every result shows whether that can happen.
 */
import type { ScalarType } from '#domain/values/value.ts';
import type { Expr } from './ast.ts';
import { isReal } from './functions-number.ts';
import { argumentsOf, functionRow, infer, type Scope } from './typecheck.ts';

const LIMITS: Readonly<Partial<Record<ScalarType, number>>> = {
  int: 2 ** 31,
  long: Number.MAX_SAFE_INTEGER,
};

const OVERFLOWING: Readonly<Record<string, (bounds: readonly number[]) => number>> = {
  add: ([a = 0, b = 0]) => a + b,
  sub: ([a = 0, b = 0]) => a + b,
  mul: ([a = 0, b = 0]) => a * b,
};
const KEEPING: ReadonlySet<string> = new Set([
  'neg',
  'abs',
  'mod',
  'round',
  'floor',
  'ceil',
  'least',
  'greatest',
  'coalesce',
]);

const limitOf = (expr: Expr, scope: Scope): number =>
  LIMITS[infer(expr, scope)?.base ?? 'double'] ?? Number.POSITIVE_INFINITY;

/** The largest magnitude that a whole result can have. */
const boundOf = (expr: Expr, scope: Scope): number => {
  const limit = limitOf(expr, scope);
  if (expr.op === 'lit')
    return typeof expr.value === 'number' ? Math.abs(expr.value) : expr.value === null ? 0 : limit;
  if (expr.op === 'when')
    return Math.max(
      ...[...expr.branches.map(([, value]) => value), expr.otherwise].map((e) => boundOf(e, scope)),
    );
  if (expr.op !== 'call' || limit === Number.POSITIVE_INFINITY) return limit;
  const bounds = expr.args.map((arg) => boundOf(arg, scope));
  if (expr.fn === 'mod') return Math.min(limit, bounds[0] ?? limit);
  if (KEEPING.has(expr.fn)) return Math.min(limit, Math.max(...bounds));
  return Math.min(limit, OVERFLOWING[expr.fn]?.(bounds) ?? limit);
};

const childrenOf = (expr: Expr): readonly Expr[] => {
  if (expr.op === 'call') return expr.args;
  return expr.op === 'when' ? [...expr.branches.flat(), expr.otherwise] : [];
};

const isWholeArithmetic = (expr: Expr & { readonly op: 'call' }, scope: Scope): boolean => {
  const row = functionRow(expr);
  const args = argumentsOf(expr, row, scope);
  return !isReal(row.name, args) && infer(expr, scope)?.base === 'long';
};

/**
 * The first part of an expression that some earlier event gives another value once its columns have
 * the types of `after`; null: there is none. The expression must fit both scopes.
 */
export const differsWhenWidened = (expr: Expr, before: Scope, after: Scope): Expr | null => {
  for (const child of childrenOf(expr)) {
    const found = differsWhenWidened(child, before, after);
    if (found !== null) return found;
  }
  if (expr.op !== 'call' || OVERFLOWING[expr.fn] === undefined) return null;
  if (!isWholeArithmetic(expr, before) || isWholeArithmetic(expr, after)) return null;
  const bounds = expr.args.map((arg) => boundOf(arg, before));
  const bound = OVERFLOWING[expr.fn]?.(bounds) ?? 0;
  return bound > Number.MAX_SAFE_INTEGER ? expr : null;
};

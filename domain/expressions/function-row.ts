/**
 * One row of the function table: name, arity, type rule and JavaScript. Each SQL dialect
 * (`domain/sql`) has a row for the same name, so a function means one thing in every back end.
 */
import type { FieldType, Scalar, Value } from '#domain/values/value.ts';
import type { Expr } from './ast.ts';

/** Every function of an expression. */
export type FunctionName =
  | 'eq'
  | 'ne'
  | 'gt'
  | 'gte'
  | 'lt'
  | 'lte'
  | 'and'
  | 'or'
  | 'not'
  | 'isNull'
  | 'isNotNull'
  | 'coalesce'
  | 'in'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'mod'
  | 'neg'
  | 'abs'
  | 'round'
  | 'floor'
  | 'ceil'
  | 'least'
  | 'greatest'
  | 'sqrt'
  | 'ln'
  | 'exp'
  | 'pow'
  | 'lower'
  | 'upper'
  | 'trim'
  | 'length'
  | 'concat'
  | 'startsWith'
  | 'endsWith'
  | 'contains'
  | 'replace'
  | 'substring'
  | 'hour'
  | 'minute'
  | 'dayOfWeek'
  | 'dayOfMonth'
  | 'month'
  | 'year'
  | 'truncate'
  | 'cast';

/** An argument as the type rule sees it; `literal` is undefined unless it is a literal. */
export interface Argument {
  readonly type: FieldType;
  readonly literal: Scalar | null | undefined;
  /** the argument itself, for messages */
  readonly expr: Expr;
}

export type Implementation = (...args: never[]) => Value;

export interface FunctionRow {
  readonly name: FunctionName;
  /** fewest and most arguments */
  readonly arity: readonly [min: number, max: number];
  /**
   * `strict`: null where any argument is null, and `js` never receives one; `aware`: `js` receives
   * nulls
   */
  readonly nulls: 'strict' | 'aware';
  /** arguments that must be literals, by index; -1: all but the first */
  readonly literals?: readonly number[];
  /** the result's type, or a sentence that says what does not fit */
  readonly type: (args: readonly Argument[]) => FieldType | string;
  /** the implementation, specialized on the argument types */
  readonly js: (args: readonly Argument[]) => Implementation;
}

/** Finite or null, and no negative zero: the one definition of overflow and of division by zero. */
export const finite = (n: number): number | null => (n - n === 0 ? n + 0 : null);

/** A whole-number result: null outside ±(2^53 − 1), where a double skips whole numbers. */
export const whole = (n: number): number | null =>
  n >= -9007199254740991 && n <= 9007199254740991 ? n + 0 : null;

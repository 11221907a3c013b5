/**
 * What one row of the function table owns: name, arity, type rule and JavaScript. SQL printers join
 * the same row, so that a function means one thing in every back end.
 */
import type { FieldType, Scalar, Value } from '#domain/values/value.ts';

/**
 * An argument as the type rule sees it. `literal` is undefined where the argument is not a literal.
 */
export interface Argument {
  readonly type: FieldType;
  readonly literal: Scalar | null | undefined;
}

export type Implementation = (...args: never[]) => Value;

/** An argument as the SQL printer sees it: its text stands alone, or is in parentheses. */
export interface SqlArgument extends Argument {
  readonly sql: string;
}

export interface FunctionRow {
  readonly name: string;
  /** fewest and most arguments */
  readonly arity: readonly [min: number, max: number];
  /**
   * `strict`: null where any argument is null, and `js` never sees one; `aware`: `js` is given
   * nulls
   */
  readonly nulls: 'strict' | 'aware';
  /** arguments that must be literals, by index; -1: all but the first */
  readonly literals?: readonly number[];
  /** the result's type, or a sentence that says what does not fit */
  readonly type: (args: readonly Argument[]) => FieldType | string;
  /** the implementation, specialised on the argument types */
  readonly js: (args: readonly Argument[]) => Implementation;
  /**
   * the same in Flink SQL, where times are BIGINT (epoch ms), dates INT (days) and bytes base64
   * text; MR_… are functions of the Java module
   */
  readonly flink: (args: readonly SqlArgument[], result: FieldType) => string;
}

/** Finite or null, and no negative zero: the one definition of overflow and of division by zero. */
export const finite = (n: number): number | null => (n - n === 0 ? n + 0 : null);

/** A whole-number result: null where it can't be told from its neighbours. */
export const whole = (n: number): number | null =>
  n >= -9007199254740991 && n <= 9007199254740991 ? n + 0 : null;

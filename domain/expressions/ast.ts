/**
 * The expression tree: plain JSON, built by functions, compiled to JavaScript and printed as SQL.
 *
 * One meaning in every back end:
 * - Null: any operator or function over a null is null, with three exceptions: `and` and `or` are
 *   three-valued as in SQL; `isNull`, `isNotNull` and `coalesce` accept nulls; and `when` takes a
 *   branch only if its condition is true.
 * - Arithmetic is in IEEE doubles; a result that is not finite (division by zero, overflow), or a
 *   whole-number result outside ±(2^53 − 1), is null. `div` of whole numbers is a double.
 * - Comparison needs equal types (numbers compare with numbers); strings compare by UTF-16 code
 *   unit.
 * - Time functions work in UTC.
 */
import type { Scalar } from '#domain/values/value.ts';

export type Expr =
  | { readonly op: 'col'; readonly name: string }
  | { readonly op: 'lit'; readonly value: Scalar | null }
  /** a parameter of an on-demand feature's `value` */
  | { readonly op: 'input'; readonly name: string }
  /** a function of the table in `functions.ts`, by name; readers of the tree check the name */
  | { readonly op: 'call'; readonly fn: string; readonly args: readonly Expr[] }
  | {
      readonly op: 'when';
      readonly branches: readonly (readonly [condition: Expr, value: Expr])[];
      readonly otherwise: Expr;
    };

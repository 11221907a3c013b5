/**
 * The expression tree: plain JSON, built by functions, compiled to JavaScript (and, from the same
 * tree, to SQL).
 *
 * One meaning everywhere:
 * - Null: any operator or function over a null is null; but `and`/`or` are three-valued as in SQL,
 *   `isNull`, `isNotNull`, `coalesce` see nulls, and `when` takes a branch only where its condition
 *   is true.
 * - Arithmetic is in IEEE doubles; a result that is not finite (division by zero, overflow), or a
 *   whole-number result outside ±(2^53 − 1), is null. `div` of whole numbers is a double.
 * - Comparison needs equal types (numbers compare with numbers); strings compare by UTF-16 code
 *   unit.
 * - Time functions work in UTC.
 */
import type { Scalar } from '#domain/values/value.ts';

export type BinaryFn =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'mod'
  | 'eq'
  | 'ne'
  | 'gt'
  | 'gte'
  | 'lt'
  | 'lte'
  | 'and'
  | 'or';
export type UnaryFn = 'not' | 'neg' | 'isNull' | 'isNotNull';

/** Functions by name; arity and types are in the function table of `functions.ts`. */
export type FunctionName = BinaryFn | UnaryFn | (string & {});

export type Expr =
  | { readonly op: 'col'; readonly name: string }
  | { readonly op: 'lit'; readonly value: Scalar | null }
  /** a parameter of an on-demand feature's `value` */
  | { readonly op: 'input'; readonly name: string }
  | { readonly op: 'call'; readonly fn: FunctionName; readonly args: readonly Expr[] }
  | {
      readonly op: 'when';
      readonly branches: readonly (readonly [condition: Expr, value: Expr])[];
      readonly otherwise: Expr;
    };

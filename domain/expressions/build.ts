/**
 * The builders of expressions. They return the tree of ast.ts as plain properties, with the methods
 * on its prototype: `col('delay').gt(15).and(col('carrier').eq('AA'))`.
 */
import { fail } from '#domain/errors.ts';
import type { Scalar, ScalarType } from '#domain/values/value.ts';
import type { Expr } from './ast.ts';

/** An argument of a method: an expression, or a value that becomes a literal. */
export type Operand = Expression | Expr | Scalar | null;
export type TimeUnit = 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

type Unary = () => Expression;
type Binary = (other: Operand) => Expression;
type Variadic = (...others: readonly Operand[]) => Expression;

export interface ExpressionMethods {
  plus: Binary;
  minus: Binary;
  times: Binary;
  dividedBy: Binary;
  div: Binary;
  /** remainder with the sign of the dividend */
  mod: Binary;
  neg: Unary;
  gt: Binary;
  gte: Binary;
  lt: Binary;
  lte: Binary;
  eq: Binary;
  ne: Binary;
  and: Variadic;
  or: Variadic;
  not: Unary;
  isNull: Unary;
  isNotNull: Unary;
  coalesce: Variadic;
  in: (values: readonly Scalar[]) => Expression;
  /** both ends included */
  between: (low: Operand, high: Operand) => Expression;
  lower: Unary;
  upper: Unary;
  trim: Unary;
  /** in characters (Unicode code points) */
  length: Unary;
  concat: Variadic;
  /** from position 0; `length` characters, or the rest */
  substring: (start: Operand, length?: Operand) => Expression;
  startsWith: Binary;
  endsWith: Binary;
  contains: Binary;
  /** replaces every occurrence */
  replace: (part: Operand, by: Operand) => Expression;
  abs: Unary;
  /** rounds half away from zero */
  round: Unary;
  floor: Unary;
  ceil: Unary;
  least: Variadic;
  greatest: Variadic;
  sqrt: Unary;
  ln: Unary;
  exp: Unary;
  pow: Binary;
  hour: Unary;
  minute: Unary;
  /** Monday 1 to Sunday 7 */
  dayOfWeek: Unary;
  dayOfMonth: Unary;
  month: Unary;
  year: Unary;
  truncate: (unit: TimeUnit) => Expression;
  /** null where the other type cannot hold the value */
  cast: (type: ScalarType) => Expression;
}

export type Expression = Expr & ExpressionMethods;

const isExpr = (operand: Operand): operand is Expr =>
  typeof operand === 'object' && operand !== null && 'op' in operand;

/** The operand as a plain tree. */
export function toExpr(operand: Operand): Expr {
  if (isExpr(operand)) return plain(operand);
  if (typeof operand === 'number' && !Number.isFinite(operand)) {
    return fail(
      'MR_EXPRESSION_INVALID',
      `${operand} cannot be a literal: use a finite number, or null.`,
    );
  }
  if (typeof operand === 'object' && operand !== null && 'otherwise' in operand) {
    return fail(
      'MR_EXPRESSION_INVALID',
      'a when needs a last part: end it with .otherwise(value), or .otherwise(null).',
    );
  }
  if (operand !== null && !['string', 'number', 'boolean'].includes(typeof operand)) {
    return fail(
      'MR_EXPRESSION_INVALID',
      `${String(operand)} is neither an expression nor a string, number, boolean or null.`,
    );
  }
  return { op: 'lit', value: operand };
}

function plain(expr: Expr): Expr {
  switch (expr.op) {
    case 'col':
    case 'input':
      return { op: expr.op, name: expr.name };
    case 'lit':
      return { op: 'lit', value: expr.value };
    case 'call':
      return { op: 'call', fn: expr.fn, args: expr.args.map(plain) };
    case 'when':
      return {
        op: 'when',
        branches: expr.branches.map(([c, v]) => [plain(c), plain(v)] as const),
        otherwise: plain(expr.otherwise),
      };
  }
}

const call = (fn: string, ...args: readonly Operand[]): Expression =>
  wrap({ op: 'call', fn, args: args.map(toExpr) });

const unary = (fn: string) =>
  function (this: Expr): Expression {
    return call(fn, this);
  };
const binary = (fn: string) =>
  function (this: Expr, other: Operand): Expression {
    return call(fn, this, other);
  };
const variadic = (fn: string) =>
  function (this: Expr, ...others: readonly Operand[]): Expression {
    return call(fn, this, ...others);
  };
/** `a and b and c` becomes nested pairs, because `and` takes two arguments */
const folded = (fn: string) =>
  function (this: Expr, ...others: readonly Operand[]): Expression {
    return others.reduce<Expression>((left, right) => call(fn, left, right), wrap(plain(this)));
  };

const METHODS: ExpressionMethods & ThisType<Expr> = {
  plus: binary('add'),
  minus: binary('sub'),
  times: binary('mul'),
  dividedBy: binary('div'),
  div: binary('div'),
  mod: binary('mod'),
  neg: unary('neg'),
  gt: binary('gt'),
  gte: binary('gte'),
  lt: binary('lt'),
  lte: binary('lte'),
  eq: binary('eq'),
  ne: binary('ne'),
  and: folded('and'),
  or: folded('or'),
  not: unary('not'),
  isNull: unary('isNull'),
  isNotNull: unary('isNotNull'),
  coalesce: variadic('coalesce'),
  in(values) {
    return call('in', this, ...values);
  },
  between(low, high) {
    return call('and', call('gte', this, low), call('lte', this, high));
  },
  lower: unary('lower'),
  upper: unary('upper'),
  trim: unary('trim'),
  length: unary('length'),
  concat: variadic('concat'),
  substring(start, length) {
    return length === undefined
      ? call('substring', this, start)
      : call('substring', this, start, length);
  },
  startsWith: binary('startsWith'),
  endsWith: binary('endsWith'),
  contains: binary('contains'),
  replace(part, by) {
    return call('replace', this, part, by);
  },
  abs: unary('abs'),
  round: unary('round'),
  floor: unary('floor'),
  ceil: unary('ceil'),
  least: variadic('least'),
  greatest: variadic('greatest'),
  sqrt: unary('sqrt'),
  ln: unary('ln'),
  exp: unary('exp'),
  pow: binary('pow'),
  hour: unary('hour'),
  minute: unary('minute'),
  dayOfWeek: unary('dayOfWeek'),
  dayOfMonth: unary('dayOfMonth'),
  month: unary('month'),
  year: unary('year'),
  truncate(unit) {
    return call('truncate', this, unit);
  },
  cast(type) {
    return call('cast', this, type);
  },
};

const wrap = (expr: Expr): Expression => Object.assign(Object.create(METHODS), expr) as Expression;

/** A column of the view's source. */
export const col = (name: string): Expression => wrap({ op: 'col', name });
export const lit = (value: Scalar | null): Expression => wrap(toExpr(value));
/** A parameter of an on-demand feature's `value`. */
export const input = (name: string): Expression => wrap({ op: 'input', name });

interface When {
  when(condition: Operand, value: Operand): When;
  otherwise(value: Operand): Expression;
}

const branching = (branches: readonly (readonly [Expr, Expr])[]): When => ({
  when: (condition, value) => branching([...branches, [toExpr(condition), toExpr(value)]]),
  otherwise: (value) => wrap({ op: 'when', branches, otherwise: toExpr(value) }),
});

/**
 * `when(col('delay').gt(15), 1).otherwise(0)`: the value of the first branch whose condition is
 * true.
 */
export const when = (condition: Operand, value: Operand): When =>
  branching([]).when(condition, value);

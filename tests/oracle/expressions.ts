/**
 * The oracle's interpreter of expressions: a tree walk over the functions that random definitions
 * use. It shares no code with the compiler.
 */
import type { Expr } from '#domain/expressions/ast.ts';
import type { Row, Value } from '#domain/values/value.ts';

const truth = (a: Value, b: Value, absorbing: boolean): Value =>
  a === absorbing || b === absorbing ? absorbing : a === null || b === null ? null : !absorbing;

const arithmetic: Readonly<Record<string, (a: number, b: number) => number | boolean>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  gt: (a, b) => a > b,
  lt: (a, b) => a < b,
  eq: (a, b) => a === b,
};

export const interpret = (expr: Expr, row: Row): Value => {
  switch (expr.op) {
    case 'col':
      return row[expr.name] ?? null;
    case 'lit':
      return expr.value;
    case 'when': {
      const taken = expr.branches.find(([condition]) => interpret(condition, row) === true);
      return interpret(taken === undefined ? expr.otherwise : taken[1], row);
    }
    case 'call': {
      const [a = null, b = null] = expr.args.map((arg) => interpret(arg, row));
      if (expr.fn === 'and' || expr.fn === 'or') return truth(a, b, expr.fn === 'or');
      if (expr.fn === 'isNull') return a === null;
      if (a === null || (b === null && expr.args.length > 1)) return null;
      if (expr.fn === 'not') return !a;
      const compute = arithmetic[expr.fn];
      if (compute === undefined) throw new Error(`the oracle has no function ${expr.fn}`);
      return compute(a as number, b as number);
    }
    default:
      throw new Error(`the oracle has no node ${expr.op}`);
  }
};

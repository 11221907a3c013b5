/** Expressions to Flink SQL, from the same tree and the same function table as the JavaScript. */
import { fail } from '#domain/errors.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import {
  argumentsOf,
  functionRow,
  infer,
  literalType,
  type Scope,
} from '#domain/expressions/typecheck.ts';
import type { FieldType } from '#domain/values/value.ts';
import { flinkAs, flinkLiteral, flinkName } from './types.ts';

const UNTYPED: FieldType = { base: 'string', array: false, nullable: true };

/** @param wanted the type of a literal null, which has none of its own */
const print = (expr: Expr, scope: Scope, wanted: FieldType): string => {
  switch (expr.op) {
    case 'col':
      return flinkName(expr.name);
    case 'input':
      return fail(
        'MR_EXPRESSION_INVALID',
        `"${expr.name}" is an input of an on-demand feature, and those are not computed by Flink`,
      );
    case 'lit':
      return flinkLiteral(expr.value, expr.value === null ? wanted : literalType(expr.value));
    case 'call': {
      const row = functionRow(expr);
      const args = argumentsOf(expr, row, scope);
      const result = infer(expr, scope) ?? wanted;
      return row.flink(
        args.map((arg, i) => ({ ...arg, sql: print(expr.args[i] as Expr, scope, arg.type) })),
        result,
      );
    }
    case 'when': {
      const type = infer(expr, scope) ?? wanted;
      const value = (part: Expr): string =>
        flinkAs({ sql: print(part, scope, type), type: infer(part, scope) ?? type }, type);
      const branches = expr.branches.map(
        ([condition, then]) =>
          `WHEN ${print(condition, scope, { base: 'boolean', array: false, nullable: true })} THEN ${value(then)}`,
      );
      return `(CASE ${branches.join(' ')} ELSE ${value(expr.otherwise)} END)`;
    }
  }
};

/** @throws MillraceError where the expression does not fit the scope */
export const flinkSql = (expr: Expr, scope: Scope): string => {
  infer(expr, scope);
  return print(expr, scope, UNTYPED);
};

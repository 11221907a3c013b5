/** Expressions to SQL, from the same tree and the same function table as the JavaScript. */
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
import type { Dialect } from './dialect.ts';

const UNTYPED: FieldType = { base: 'string', array: false, nullable: true };
const CONDITION: FieldType = { base: 'boolean', array: false, nullable: true };

/** @param wanted the type of a literal null, which has no type of its own */
const print = (dialect: Dialect, expr: Expr, scope: Scope, wanted: FieldType): string => {
  switch (expr.op) {
    case 'col':
      return dialect.identifier(expr.name);
    case 'input':
      return fail(
        'MR_EXPRESSION_INVALID',
        `"${expr.name}" is an input of an on-demand feature, which ${dialect.name} does not compute`,
      );
    case 'lit':
      return dialect.literal(expr.value, expr.value === null ? wanted : literalType(expr.value));
    case 'call': {
      const row = functionRow(expr);
      const args = argumentsOf(expr, row, scope);
      const result = infer(expr, scope) ?? wanted;
      const printed = dialect.functions[row.name];
      if (typeof printed !== 'function')
        return fail(
          'MR_EXPRESSION_INVALID',
          `${row.name} is not supported in ${dialect.name} SQL: ${printed.notSupported}`,
        );
      return printed(
        args.map((arg, i) => ({
          ...arg,
          sql: print(dialect, expr.args[i] as Expr, scope, arg.type),
        })),
        result,
      );
    }
    case 'when': {
      const type = infer(expr, scope) ?? wanted;
      const value = (part: Expr): string =>
        dialect.convert(
          { sql: print(dialect, part, scope, type), type: infer(part, scope) ?? type },
          type,
        );
      const branches = expr.branches.map(
        ([condition, then]) =>
          `WHEN ${print(dialect, condition, scope, CONDITION)} THEN ${value(then)}`,
      );
      return `(CASE ${branches.join(' ')} ELSE ${value(expr.otherwise)} END)`;
    }
  }
};

/**
 * @throws MillraceError MR_EXPRESSION_INVALID or MR_UNKNOWN_COLUMN where the expression does not
 * fit the scope, or the dialect does not support it
 */
export const expressionSql = (dialect: Dialect, expr: Expr, scope: Scope): string => {
  infer(expr, scope);
  return print(dialect, expr, scope, UNTYPED);
};

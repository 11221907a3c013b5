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
import type { ExpressionDialect, PrintContext } from './dialect.ts';

const UNTYPED: FieldType = { base: 'string', array: false, nullable: true };
const CONDITION: FieldType = { base: 'boolean', array: false, nullable: true };

interface Printing {
  readonly dialect: ExpressionDialect;
  readonly scope: Scope;
  readonly context: PrintContext;
}

/** @param wanted the type of a literal null, which has no type of its own */
const print = (printing: Printing, expr: Expr, wanted: FieldType): string => {
  const { dialect, scope, context } = printing;
  switch (expr.op) {
    case 'col':
    case 'input':
      return context.column(expr.name, infer(expr, scope) ?? wanted);
    case 'lit':
      return dialect.literal(expr.value, expr.value === null ? wanted : literalType(expr.value));
    case 'call': {
      const row = functionRow(expr);
      const args = argumentsOf(expr, row, scope).map((arg, i) => ({
        ...arg,
        sql: print(printing, expr.args[i] as Expr, arg.type),
      }));
      const result = infer(expr, scope) ?? wanted;
      const printer = dialect.functions[row.name];
      const printed = typeof printer === 'function' ? printer(args, result, context) : printer;
      if (typeof printed === 'string') return printed;
      return fail(
        'MR_EXPRESSION_INVALID',
        `${row.name} is not supported in ${dialect.name} SQL: ${printed.notSupported}`,
      );
    }
    case 'when': {
      const type = infer(expr, scope) ?? wanted;
      const value = (part: Expr): string =>
        dialect.convert(
          { sql: print(printing, part, type), type: infer(part, scope) ?? type },
          type,
        );
      const branches = expr.branches.map(
        ([condition, then]) => `WHEN ${print(printing, condition, CONDITION)} THEN ${value(then)}`,
      );
      return `(CASE ${branches.join(' ')} ELSE ${value(expr.otherwise)} END)`;
    }
  }
};

/**
 * @param context absent: columns have their names, and nothing is given a name of its own
 * @throws MillraceError MR_EXPRESSION_INVALID or MR_UNKNOWN_COLUMN where the expression does not
 * fit the scope, or the dialect does not support it
 */
export const expressionSql = (
  dialect: ExpressionDialect,
  expr: Expr,
  scope: Scope,
  context: Partial<PrintContext> = {},
): string => {
  const type = infer(expr, scope) ?? UNTYPED;
  const complete: PrintContext = {
    column: (name) => dialect.identifier(name),
    bind: (sql) => sql,
    note: () => {},
    ...context,
  };
  return print({ dialect, scope, context: complete }, expr, type);
};

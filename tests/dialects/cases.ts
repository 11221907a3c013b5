/**
 * Expressions of a dialect as statements that run on its engine without any table, with the results
 * of the same expressions in JavaScript.
 */

import type { Expr } from '#domain/expressions/ast.ts';
import { compileExpr } from '#domain/expressions/compile.ts';
import { typeOf } from '#domain/expressions/typecheck.ts';
import { engineDialect } from '#domain/sql/engines/dialect.ts';
import { createSteps, stepsOver, withQuery } from '#domain/sql/engines/steps.ts';
import type { Syntax } from '#domain/sql/engines/syntax.ts';
import { expressionSql } from '#domain/sql/print-expression.ts';
import type { FieldType, Row, ScalarType, Value } from '#domain/values/value.ts';

export interface DialectCase {
  readonly name: string;
  readonly sql: string;
  /** of the results */
  readonly base: ScalarType;
  readonly expected: readonly Value[];
}

type Columns = Readonly<Record<string, FieldType>>;

/** A relation of these rows; times are numbers, as expressions have them. */
const relation = (syntax: Syntax, columns: Columns, rows: readonly Row[]): string => {
  const dialect = engineDialect(syntax);
  return rows
    .map((row, i) => {
      const cells = Object.entries(columns).map(([name, type]) => {
        const value = row[name] ?? null;
        const literal = dialect.literal(value as string | number | boolean | null, type);
        return `CAST(${literal} AS ${dialect.type(type)}) AS ${dialect.identifier(name)}`;
      });
      return `SELECT ${[`${i} AS __id`, ...cells].join(', ')}`;
    })
    .join('\nUNION ALL\n');
};

export const expressionQuery = (
  syntax: Syntax,
  expr: Expr,
  columns: Columns,
  rows: readonly Row[],
): string => {
  const steps = createSteps();
  const sql = expressionSql(engineDialect(syntax), expr, { columns }, { bind: steps.bind });
  const { ctes, last } = stepsOver(steps, 'given');
  return withQuery(
    [{ name: 'given', lines: [relation(syntax, columns, rows)] }, ...ctes],
    `SELECT __id, ${sql} AS result FROM ${last} ORDER BY __id`,
  );
};

export const expressionCase = (
  syntax: Syntax,
  name: string,
  expr: Expr,
  columns: Columns,
  rows: readonly Row[],
): DialectCase => {
  const evaluate = compileExpr(expr, { columns });
  return {
    name,
    sql: expressionQuery(syntax, expr, columns, rows),
    base: typeOf(expr, { columns }).base,
    expected: rows.map((row) => evaluate(row)),
  };
};

/** A result as an engine gives it, as a value of its type. */
export const plainResult = (value: unknown, base: ScalarType): unknown => {
  if (value === null || value === undefined) return null;
  if (base === 'boolean') return Boolean(value);
  return base === 'string' || base === 'bytes' ? value : Number(value) + 0;
};

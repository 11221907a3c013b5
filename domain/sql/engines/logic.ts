/** Comparison, three-valued logic and nulls. */
import type { FunctionName } from '#domain/expressions/function-row.ts';
import { is } from '#domain/expressions/types.ts';
import type { SqlArgument, SqlFunction } from '../dialect.ts';
import { convert, ORDER_NOTE, toDouble } from './numbers.ts';
import type { Syntax } from './syntax.ts';

type Make = (syntax: Syntax) => SqlFunction;

/** Numbers of two types compare as doubles. */
const comparison =
  (operator: string): Make =>
  (syntax) =>
  (args, _, { note }) => {
    const [a, b] = args as readonly [SqlArgument, SqlArgument];
    if (/^[<>]=?$/.test(operator) && is(a.type, 'string')) note(ORDER_NOTE);
    const text = (arg: SqlArgument): string =>
      a.type.base === b.type.base ? arg.sql : toDouble(syntax, arg);
    return `(${text(a)} ${operator} ${text(b)})`;
  };

const infix =
  (operator: string): Make =>
  () =>
  (args) =>
    `(${args.map((a) => a.sql).join(` ${operator} `)})`;

const postfix =
  (test: string): Make =>
  () =>
  ([a]) =>
    `(${a?.sql} ${test})`;

export const LOGIC = {
  eq: comparison('='),
  ne: comparison('<>'),
  gt: comparison('>'),
  gte: comparison('>='),
  lt: comparison('<'),
  lte: comparison('<='),
  and: infix('AND'),
  or: infix('OR'),
  not:
    () =>
    ([a]) =>
      `(NOT ${a?.sql})`,
  isNull: postfix('IS NULL'),
  isNotNull: postfix('IS NOT NULL'),
  coalesce: (syntax) => (args, result) =>
    `COALESCE(${args.map((a) => convert(syntax, a, result)).join(', ')})`,
  in: (syntax) => (args) => {
    const [first, ...members] = args as readonly [SqlArgument, ...SqlArgument[]];
    const same = members.every((m) => m.type.base === first.type.base);
    const text = (a: SqlArgument): string => (same ? a.sql : toDouble(syntax, a));
    return `(${text(first)} IN (${members.map(text).join(', ')}))`;
  },
} as const satisfies Partial<Record<FunctionName, Make>>;

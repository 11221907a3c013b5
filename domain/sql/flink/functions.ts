/**
 * The expression functions in Flink SQL. Where Flink's own function differs from the definition in
 * null, overflow, order or rounding, a function of the Java module (`MR_…`) takes its place.
 */
import type { FunctionName } from '#domain/expressions/function-row.ts';
import { isReal } from '#domain/expressions/functions-number.ts';
import { is, of } from '#domain/expressions/types.ts';
import { isWhole } from '#domain/values/field-type.ts';
import type { SqlArgument, SqlFunction } from '../dialect.ts';
import { flinkCast } from './cast.ts';
import { flinkConvert, flinkDouble } from './types.ts';

const DAY_MS = 86_400_000;

/**
 * Numbers of two types compare as doubles. Text compares by UTF-16 code unit; Flink would compare
 * it by code point.
 */
const comparison =
  (operator: string, ordered: boolean): SqlFunction =>
  (args) => {
    const [a, b] = args as readonly [SqlArgument, SqlArgument];
    if (ordered && is(a.type, 'string')) return `(MR_COMPARE(${a.sql}, ${b.sql}) ${operator} 0)`;
    return a.type.base === b.type.base
      ? `(${a.sql} ${operator} ${b.sql})`
      : `(${flinkDouble(a)} ${operator} ${flinkDouble(b)})`;
  };

const infix =
  (operator: string): SqlFunction =>
  (args) =>
    `(${args.map((a) => a.sql).join(` ${operator} `)})`;

const postfix =
  (test: string): SqlFunction =>
  ([a]) =>
    `(${a?.sql} ${test})`;

const call =
  (name: string): SqlFunction =>
  (args) =>
    `${name}(${args.map((a) => a.sql).join(', ')})`;

const arithmetic =
  (name: FunctionName, apply: (a: string, b: string) => string): SqlFunction =>
  (args, result) => {
    const [a, b] = (args as readonly [SqlArgument, SqlArgument]).map(flinkDouble);
    const value = apply(a as string, b as string);
    if (isReal(name, args)) return `MR_FINITE(${value})`;
    return result.base === 'date' ? `CAST(MR_WHOLE(${value}) AS INT)` : `MR_WHOLE(${value})`;
  };

const real =
  (name: string): SqlFunction =>
  (args) =>
    `MR_FINITE(${name}(${args.map(flinkDouble).join(', ')}))`;

/** Of a whole number: a whole number, unchanged where `keepsWholes`. */
const unary =
  (apply: (x: string) => string, keepsWholes: boolean): SqlFunction =>
  ([arg]) => {
    const a = arg as SqlArgument;
    if (!isWhole(a.type)) return apply(flinkDouble(a));
    const long = flinkConvert(a, of('long', false));
    return keepsWholes ? long : apply(long);
  };

const extremeText = (args: readonly SqlArgument[], operator: string): string =>
  args
    .map((a) => a.sql)
    .reduce(
      (best, x) =>
        `CASE WHEN ${best} IS NULL OR ${x} IS NULL THEN NULL WHEN MR_COMPARE(${x}, ${best}) ${operator} 0 THEN ${x} ELSE ${best} END`,
    );

const extreme =
  (name: string, operator: string): SqlFunction =>
  (args, result) =>
    result.base === 'string'
      ? extremeText(args, operator)
      : `${name}(${args.map((a) => flinkConvert(a, result)).join(', ')})`;

/** A date counts as its midnight. */
const timePart =
  (name: string): SqlFunction =>
  ([time]) => {
    const { sql, type } = time as SqlArgument;
    return `${name}(${type.base === 'date' ? `(${sql} * CAST(${DAY_MS} AS BIGINT))` : sql})`;
  };

export const FLINK_FUNCTIONS: Readonly<Record<FunctionName, SqlFunction>> = {
  eq: comparison('=', false),
  ne: comparison('<>', false),
  gt: comparison('>', true),
  gte: comparison('>=', true),
  lt: comparison('<', true),
  lte: comparison('<=', true),
  and: infix('AND'),
  or: infix('OR'),
  not: ([a]) => `(NOT ${a?.sql})`,
  isNull: postfix('IS NULL'),
  isNotNull: postfix('IS NOT NULL'),
  coalesce: (args, result) => `COALESCE(${args.map((a) => flinkConvert(a, result)).join(', ')})`,
  in: ([value, ...members]) => {
    const first = value as SqlArgument;
    const same = members.every((m) => m.type.base === first.type.base);
    const text = (a: SqlArgument): string => (same ? a.sql : flinkDouble(a));
    return `(${text(first)} IN (${members.map(text).join(', ')}))`;
  },
  add: arithmetic('add', (a, b) => `${a} + ${b}`),
  sub: arithmetic('sub', (a, b) => `${a} - ${b}`),
  mul: arithmetic('mul', (a, b) => `${a} * ${b}`),
  div: arithmetic('div', (a, b) => `${a} / ${b}`),
  mod: arithmetic('mod', (a, b) => `MR_MOD(${a}, ${b})`),
  neg: unary((x) => `(0 - ${x})`, false),
  abs: unary((x) => `ABS(${x})`, false),
  round: unary((x) => `MR_ROUND(${x})`, true),
  floor: unary((x) => `MR_FINITE(FLOOR(${x}))`, true),
  ceil: unary((x) => `MR_FINITE(CEIL(${x}))`, true),
  least: extreme('LEAST', '<'),
  greatest: extreme('GREATEST', '>'),
  sqrt: real('SQRT'),
  ln: real('LN'),
  exp: real('EXP'),
  pow: real('POWER'),
  lower: call('LOWER'),
  upper: call('UPPER'),
  trim: call('TRIM'),
  length: call('CHAR_LENGTH'),
  concat: call('MR_CONCAT'),
  startsWith: call('MR_STARTS_WITH'),
  endsWith: call('MR_ENDS_WITH'),
  contains: call('MR_CONTAINS'),
  replace: call('MR_REPLACE'),
  substring: (args) =>
    `MR_SUBSTRING(${args.map((a, i) => (i === 0 ? a.sql : `CAST(${a.sql} AS BIGINT)`)).join(', ')})`,
  hour: timePart('MR_HOUR'),
  minute: timePart('MR_MINUTE'),
  dayOfWeek: timePart('MR_DAY_OF_WEEK'),
  dayOfMonth: timePart('MR_DAY_OF_MONTH'),
  month: timePart('MR_MONTH'),
  year: timePart('MR_YEAR'),
  truncate: call('MR_TRUNCATE'),
  cast: ([value], result) => flinkCast(value as SqlArgument, result.base),
};

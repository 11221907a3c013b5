/**
 * Arithmetic. It is in doubles, and each result is checked: engines differ in what they do when a
 * number overflows, when they divide by zero, and when they round.
 */
import type { FunctionName } from '#domain/expressions/function-row.ts';
import { isReal } from '#domain/expressions/functions-number.ts';
import { of } from '#domain/expressions/types.ts';
import { isWhole } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import type { PrintContext, SqlArgument, SqlFunction, TypedSql } from '../dialect.ts';
import { columnType, doubleLiteral, type Syntax } from './syntax.ts';

type Bind = PrintContext['bind'];

const MOST = doubleLiteral(Number.MAX_VALUE);
const MOST_WHOLE = doubleLiteral(Number.MAX_SAFE_INTEGER);
/** From here on, a double is whole. */
const ALL_WHOLE = doubleLiteral(2 ** 53);

/** Without −0, which some engines print. */
export const finite = (bind: Bind, sql: string): string => {
  const x = bind(sql);
  return `(CASE WHEN ABS(${x}) <= ${MOST} THEN ${x} + 0E0 END)`;
};

/** A whole double as a long. */
export const whole = ({ types }: Syntax, bind: Bind, sql: string): string => {
  const x = bind(sql);
  return `(CASE WHEN ABS(${x}) <= ${MOST_WHOLE} THEN CAST(${x} AS ${types.long}) END)`;
};

/** Some engines give FLOOR and CEIL of a double as a long, which not every double fits. */
const toWhole = ({ types }: Syntax, name: 'FLOOR' | 'CEIL', x: string): string =>
  `(CASE WHEN ABS(${x}) < ${ALL_WHOLE} THEN CAST(${name}(${x}) AS ${types.double}) + 0E0 ELSE ${x} END)`;

/** Toward zero. */
export const truncated = (syntax: Syntax, bind: Bind, sql: string): string => {
  const x = bind(sql);
  return `(CASE WHEN ${x} < 0E0 THEN ${toWhole(syntax, 'CEIL', x)} ELSE ${toWhole(syntax, 'FLOOR', x)} END)`;
};

export const toDouble = ({ types }: Syntax, arg: TypedSql | SqlArgument): string => {
  if ('literal' in arg && typeof arg.literal === 'number') return doubleLiteral(arg.literal);
  return arg.type.base === 'double' ? arg.sql : `CAST(${arg.sql} AS ${types.double})`;
};

export const convert = (syntax: Syntax, { sql, type }: TypedSql, to: FieldType): string =>
  columnType(syntax, type.base) === columnType(syntax, to.base)
    ? sql
    : `CAST(${sql} AS ${columnType(syntax, to.base)})`;

type Make = (syntax: Syntax) => SqlFunction;

const arithmetic =
  (name: FunctionName, apply: (a: string, b: string) => string): Make =>
  (syntax) =>
  (args, _, { bind }) => {
    const [a, b] = args.map((arg) => toDouble(syntax, arg)) as [string, string];
    const value = `(${apply(a, b)})`;
    return isReal(name, args) ? finite(bind, value) : whole(syntax, bind, value);
  };

const INEXACT = { notSupported: 'its remainder of doubles has the error of a division' } as const;

const remainder: Make = (syntax) => {
  const ofDoubles = arithmetic('mod', (a, b) => `${a} % ${notZero(b)}`)(syntax);
  return (args, result, context) => {
    if (syntax.exactRemainder) return ofDoubles(args, result, context);
    if (isReal('mod', args)) return INEXACT;
    const [a, b] = args.map((arg) => convert(syntax, arg, of('long', true)));
    return whole(syntax, context.bind, `(${a} % NULLIF(${b}, 0))`);
  };
};

/** @param domain of the argument: outside it, the value is null */
const real =
  (name: string, domain: string | null): Make =>
  (syntax) =>
  (args, _, { bind, note }) => {
    if (name !== 'SQRT') note(`${name} may differ in the last digit of the result.`);
    const numbers = args.map((arg) => toDouble(syntax, arg));
    if (domain === null) return finite(bind, `${name}(${numbers.join(', ')})`);
    const x = bind(numbers[0] as string);
    return finite(bind, `${name}(CASE WHEN ${x} ${domain} THEN ${x} END)`);
  };

/** Of a whole number: a whole number, unchanged where `keepsWholes`. */
const unary =
  (apply: (syntax: Syntax, bind: Bind, sql: string) => string, keepsWholes: boolean): Make =>
  (syntax) =>
  (args, _, { bind }) => {
    const arg = args[0] as SqlArgument;
    if (!isWhole(arg.type)) return apply(syntax, bind, toDouble(syntax, arg));
    const long = convert(syntax, arg, of('long', false));
    return keepsWholes ? long : apply(syntax, bind, long);
  };

const towards =
  (name: 'FLOOR' | 'CEIL') =>
  (syntax: Syntax, bind: Bind, sql: string): string =>
    toWhole(syntax, name, bind(sql));

/** Half away from zero. */
const rounded = (syntax: Syntax, bind: Bind, sql: string): string => {
  const x = bind(sql);
  const t = bind(truncated(syntax, bind, x));
  return `(CASE WHEN ABS(${x} - ${t}) < 5E-1 THEN ${t} WHEN ${x} < 0E0 THEN ${t} - 1E0 ELSE ${t} + 1E0 END)`;
};

/** Engines differ in LEAST and GREATEST of nulls; here a null makes the result null. */
const extreme =
  (better: '<' | '>'): Make =>
  (syntax) =>
  (args, result, { bind, note }) => {
    if (result.base === 'string') note(ORDER_NOTE);
    const [first, ...rest] = args.map((arg) => bind(convert(syntax, arg, result)));
    return rest.reduce((best, value) => {
      const b = bind(best);
      return `(CASE WHEN ${value} ${better} ${b} THEN ${value} WHEN ${b} ${better}= ${value} THEN ${b} END)`;
    }, first as string);
  };

export const ORDER_NOTE =
  'Text is ordered by code point, in Millrace by UTF-16 code unit: they differ where a character past U+FFFF is compared with one from U+E000 to U+FFFF.';

/** Engines differ in what a division by zero is; by null, it is null in each. */
const notZero = (divisor: string): string =>
  /^\(?-?[1-9][\d.E+-]*\)?$/.test(divisor) ? divisor : `NULLIF(${divisor}, 0E0)`;

export const NUMBERS = {
  add: arithmetic('add', (a, b) => `${a} + ${b}`),
  sub: arithmetic('sub', (a, b) => `${a} - ${b}`),
  mul: arithmetic('mul', (a, b) => `${a} * ${b}`),
  div: arithmetic('div', (a, b) => `${a} / ${notZero(b)}`),
  mod: remainder,
  neg: unary((_, __, x) => `(0 - ${x})`, false),
  abs: unary((_, __, x) => `ABS(${x})`, false),
  round: unary(rounded, true),
  floor: unary(towards('FLOOR'), true),
  ceil: unary(towards('CEIL'), true),
  least: extreme('<'),
  greatest: extreme('>'),
  sqrt: real('SQRT', '>= 0E0'),
  ln: real('LN', '> 0E0'),
  exp: real('EXP', null),
  pow: real('POWER', null),
} as const satisfies Partial<Record<FunctionName, Make>>;

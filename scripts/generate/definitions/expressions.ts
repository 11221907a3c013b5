/**
 * The functions of expressions. Which types they take, and what they give, is computed with the
 * type rules. A new method does not compile without its row here.
 */
import {
  col,
  type Expression,
  type ExpressionMethods,
  lit,
  type Operand,
} from '#domain/expressions/build.ts';
import { canCast } from '#domain/expressions/casts.ts';
import { compileExpr } from '#domain/expressions/compile.ts';
import { formatExpr } from '#domain/expressions/format.ts';
import { infer } from '#domain/expressions/typecheck.ts';
import { fieldType, formatFieldType, SCALAR_TYPES } from '#domain/values/field-type.ts';
import type { ScalarType } from '#domain/values/value.ts';
import { codeList, codeText, table, typesAndResults } from './table.ts';

type Method = keyof ExpressionMethods;

interface MethodDoc {
  /** the arguments as a definition has them */
  readonly write: string;
  readonly says: string;
  /** calls the method */
  readonly call: (x: Expression, y: Expression, z: Expression) => Operand;
  /** whether the types are those with a number for `y`; otherwise `y` has the type of `x` */
  readonly byNumber?: true;
  /** an expression whose value the page shows */
  readonly example?: Expression;
}

const TIME = lit('2026-01-31T17:05:09Z').cast('timestamp');

export const METHODS: Readonly<Record<Method, MethodDoc>> = {
  plus: {
    write: 'y',
    says: 'sum; to a timestamp it adds milliseconds, to a date days',
    call: (x, y) => x.plus(y),
    byNumber: true,
  },
  minus: {
    write: 'y',
    says: 'difference; between timestamps in milliseconds, between dates in days, as a `long`',
    call: (x, y) => x.minus(y),
    byNumber: true,
    example: lit(1).minus(3),
  },
  times: { write: 'y', says: 'product', call: (x, y) => x.times(y) },
  dividedBy: {
    write: 'y',
    says: 'quotient, always a `double`; by 0 it is null',
    call: (x, y) => x.dividedBy(y),
    example: lit(7).dividedBy(2),
  },
  div: { write: 'y', says: 'the same as `dividedBy`', call: (x, y) => x.div(y) },
  mod: {
    write: 'y',
    says: 'remainder, with the sign of `x`; by 0 it is null',
    call: (x, y) => x.mod(y),
    example: lit(-7).mod(3),
  },
  neg: { write: '', says: 'the negative', call: (x) => x.neg() },
  gt: { write: 'y', says: 'greater; strings by UTF-16 code unit', call: (x, y) => x.gt(y) },
  gte: { write: 'y', says: 'greater or equal', call: (x, y) => x.gte(y) },
  lt: { write: 'y', says: 'less', call: (x, y) => x.lt(y) },
  lte: { write: 'y', says: 'less or equal', call: (x, y) => x.lte(y) },
  eq: { write: 'y', says: 'equal', call: (x, y) => x.eq(y) },
  ne: { write: 'y', says: 'not equal', call: (x, y) => x.ne(y) },
  and: {
    write: 'y, …',
    says: 'false if one is false, else null if one is null',
    call: (x, y) => x.and(y),
    example: lit(null).cast('boolean').and(false),
  },
  or: {
    write: 'y, …',
    says: 'true if one is true, else null if one is null',
    call: (x, y) => x.or(y),
    example: lit(null).cast('boolean').or(true),
  },
  not: { write: '', says: 'true of false, and false of true', call: (x) => x.not() },
  isNull: { write: '', says: 'whether it is null; never null itself', call: (x) => x.isNull() },
  isNotNull: {
    write: '',
    says: 'whether it is not null; never null itself',
    call: (x) => x.isNotNull(),
  },
  coalesce: {
    write: 'y, …',
    says: 'the first that is not null',
    call: (x, y) => x.coalesce(y),
    example: lit(null).cast('int').coalesce(5),
  },
  in: {
    write: '[a, b, …]',
    says: 'whether it is one of these literals (at most 1,000)',
    call: (x) => x.in([literalOf(x)]),
  },
  between: {
    write: 'low, high',
    says: 'from `low` to `high`, both included',
    call: (x, y, z) => x.between(y, z),
  },
  lower: { write: '', says: 'in lower case', call: (x) => x.lower() },
  upper: { write: '', says: 'in upper case', call: (x) => x.upper() },
  trim: { write: '', says: 'without spaces at both ends', call: (x) => x.trim() },
  length: {
    write: '',
    says: 'number of characters (Unicode code points)',
    call: (x) => x.length(),
    example: lit('👋 hi').length(),
  },
  concat: {
    write: 'y, …',
    says: 'joined',
    call: (x, y) => x.concat(y),
    example: lit('ATL').concat('-', 'LAX'),
  },
  substring: {
    write: 'start, length',
    says: 'from a position (from 0), of that length or to the end; negative numbers give null',
    call: (x) => x.substring(0, 3),
    example: lit('departure').substring(2, 4),
  },
  startsWith: { write: 'y', says: 'whether it begins so', call: (x, y) => x.startsWith(y) },
  endsWith: { write: 'y', says: 'whether it ends so', call: (x, y) => x.endsWith(y) },
  contains: { write: 'y', says: 'whether it contains it', call: (x, y) => x.contains(y) },
  replace: {
    write: 'part, by',
    says: 'with every occurrence replaced',
    call: (x, y, z) => x.replace(y, z),
    example: lit('a.b.c').replace('.', '-'),
  },
  abs: { write: '', says: 'without the sign', call: (x) => x.abs() },
  round: {
    write: '',
    says: 'the nearest whole number, halves away from 0',
    call: (x) => x.round(),
    example: lit(-2.5).round(),
  },
  floor: { write: '', says: 'rounded down', call: (x) => x.floor(), example: lit(-2.5).floor() },
  ceil: { write: '', says: 'rounded up', call: (x) => x.ceil(), example: lit(-2.5).ceil() },
  least: { write: 'y, …', says: 'the least; null if one is null', call: (x, y) => x.least(y) },
  greatest: {
    write: 'y, …',
    says: 'the greatest; null if one is null',
    call: (x, y) => x.greatest(y),
  },
  sqrt: {
    write: '',
    says: 'square root; null of a negative number',
    call: (x) => x.sqrt(),
    example: lit(-1).sqrt(),
  },
  ln: { write: '', says: 'natural logarithm; null of 0 and below', call: (x) => x.ln() },
  exp: { write: '', says: 'e to the power', call: (x) => x.exp() },
  pow: { write: 'y', says: 'to the power', call: (x, y) => x.pow(y), example: lit(7).pow(2) },
  hour: { write: '', says: '0 to 23, in UTC', call: (x) => x.hour(), example: TIME.hour() },
  minute: { write: '', says: '0 to 59', call: (x) => x.minute() },
  dayOfWeek: {
    write: '',
    says: 'Monday 1 to Sunday 7',
    call: (x) => x.dayOfWeek(),
    example: TIME.dayOfWeek(),
  },
  dayOfMonth: { write: '', says: '1 to 31', call: (x) => x.dayOfMonth() },
  month: { write: '', says: '1 to 12', call: (x) => x.month() },
  year: { write: '', says: 'the year', call: (x) => x.year() },
  truncate: {
    write: 'unit',
    says: 'the start of its `second`, `minute`, `hour`, `day`, `week` (Monday), `month` or `year`',
    call: (x) => x.truncate('day'),
    example: TIME.truncate('week').cast('string'),
  },
  cast: {
    write: 'type',
    says: 'as another type; null where that type cannot hold the value',
    call: (x) => x.cast('string'),
    example: lit('12x').cast('int'),
  },
};

/** A literal of the type that a column's name says. */
const literalOf = (x: Expression): string | number | boolean => {
  const type = (x as Expression & { readonly name: string }).name;
  if (type === 'string' || type === 'bytes') return 'a';
  return type === 'boolean' ? true : 1;
};

const columns = Object.fromEntries(SCALAR_TYPES.map((type) => [type, fieldType(type)]));

/** The result for an input of the type that is not null; null: it is refused. */
export const resultType = (method: Method, type: ScalarType): string | null => {
  try {
    const { call, byNumber } = METHODS[method];
    const y = byNumber ? lit(1) : col(type);
    const result = infer(call(col(type), y, y) as Expression, { columns });
    return result === null ? null : formatFieldType(result);
  } catch {
    return null;
  }
};

const typesText = (method: Method): string =>
  typesAndResults(
    SCALAR_TYPES.flatMap((type) => {
      const result = resultType(method, type);
      return result === null ? [] : [{ type, result }];
    }),
  );

const exampleText = (example: Expression): string => {
  const value = compileExpr(example, { columns: {} })({});
  return `${codeText(formatExpr(example))} is ${codeText(JSON.stringify(value))}`;
};

const rowOf = ([method, { write, says, call, example }]: readonly [string, MethodDoc]) => [
  codeText(`x.${method}(${write})`),
  codeText(formatExpr(call(col('x'), col('y'), col('z')) as Expression)),
  typesText(method as Method),
  example === undefined ? says : `${says}; ${exampleText(example)}`,
];

/** Which types a value of each type can be cast to. */
export const castsTable = (): readonly string[] =>
  table(
    ['from', 'to'],
    SCALAR_TYPES.map((from) => [
      codeText(from),
      codeList(SCALAR_TYPES.filter((to) => to !== from && canCast(fieldType(from), to))) || 'none',
    ]),
  );

export const methodsTable = (): readonly string[] =>
  table(
    ['in a definition', 'as it is printed', 'type of x → result', 'meaning'],
    Object.entries(METHODS).map(rowOf),
  );

/** `cast`: the conversions of the expressions (`casts.ts` there), and which SQL cannot express. */
import { is } from '#domain/expressions/types.ts';
import { MAX_DATE, MIN_DATE } from '#domain/values/date.ts';
import { isNumeric } from '#domain/values/field-type.ts';
import { MAX_TIME, MIN_TIME } from '#domain/values/time.ts';
import type { ScalarType } from '#domain/values/value.ts';
import type { NotSupported, PrintContext, SqlArgument, SqlFunction } from '../dialect.ts';
import { finite, toDouble, truncated } from './numbers.ts';
import { doubleLiteral, type Syntax, textLiteral } from './syntax.ts';
import { dateText, daysOf, timeText } from './times.ts';

type Bind = PrintContext['bind'];

const DAY = '86400000';
/** The least double that is too large for a float. */
const PAST_FLOAT = doubleLiteral(2 ** 128 - 2 ** 103);
const NUMERAL = '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?\\z';

const within = (x: string, least: number, most: number, then: string): string =>
  `(CASE WHEN ${x} >= ${doubleLiteral(least)} AND ${x} <= ${doubleLiteral(most)} THEN ${then} END)`;

/** @param sql a double */
const fromNumber = (
  syntax: Syntax,
  bind: Bind,
  sql: string,
  to: ScalarType,
): string | NotSupported => {
  const { types } = syntax;
  const cutTo = (type: string, least: number, most: number): string => {
    const x = bind(truncated(syntax, bind, bind(sql)));
    return within(x, least, most, `CAST(${x} AS ${type})`);
  };
  switch (to) {
    case 'int':
      return cutTo(types.int, -2147483648, 2147483647);
    case 'long': {
      const x = bind(sql);
      const limit = Number.MAX_SAFE_INTEGER;
      const cut = `CAST(${truncated(syntax, bind, x)} AS ${types.long})`;
      return within(x, -limit, limit, cut);
    }
    case 'float': {
      const x = bind(sql);
      return `(CASE WHEN ABS(${x}) < ${PAST_FLOAT} THEN CAST(CAST(${x} AS ${types.float}) AS ${types.double}) + 0E0 END)`;
    }
    case 'double':
      return finite(bind, sql);
    case 'timestamp':
      return cutTo(types.long, MIN_TIME, MAX_TIME);
    case 'date':
      return cutTo(types.long, MIN_DATE, MAX_DATE);
    case 'boolean':
      return `(${sql} <> 0E0)`;
    default:
      return { notSupported: 'engines write a double as text in different ways' };
  }
};

const fromText = (
  syntax: Syntax,
  bind: Bind,
  sql: string,
  to: ScalarType,
): string | NotSupported => {
  const literal = (text: string): string => textLiteral(syntax, text);
  if (to === 'timestamp' || to === 'date')
    return { notSupported: 'reading a time from a text depends on the engine' };
  const text = bind(sql);
  if (to === 'boolean')
    return `(CASE WHEN ${text} = ${literal('true')} THEN TRUE WHEN ${text} = ${literal('false')} THEN FALSE END)`;
  // Some engines read no sign of plus.
  const { length, substring } = syntax;
  const plain = `CASE WHEN ${substring(text, '1', '1')} = ${literal('+')} THEN ${substring(text, '2', length(text))} ELSE ${text} END`;
  return fromNumber(
    syntax,
    bind,
    `(CASE WHEN ${syntax.matches(text, literal(NUMERAL))} THEN ${syntax.parseDouble(plain)} END)`,
    to,
  );
};

const fromTime = (
  syntax: Syntax,
  bind: Bind,
  value: SqlArgument,
  to: ScalarType,
): string | NotSupported => {
  const isDate = value.type.base === 'date';
  const x = bind(toDouble(syntax, value));
  if (to === 'string') {
    const parts = isDate ? dateText(syntax, bind, x) : timeText(syntax, bind, x);
    const [least, most] = isDate ? [MIN_DATE, MAX_DATE] : [MIN_TIME, MAX_TIME];
    return within(x, least, most, syntax.concat(parts));
  }
  if (to === 'date') return `CAST(${daysOf(syntax, bind, x)} AS ${syntax.types.long})`;
  if (to === 'timestamp') return `(${value.sql} * ${DAY})`;
  return fromNumber(syntax, bind, x, to);
};

const fromBoolean = (
  syntax: Syntax,
  bind: Bind,
  sql: string,
  to: ScalarType,
): string | NotSupported => {
  const b = bind(sql);
  const either = (yes: string, no: string): string =>
    `(CASE WHEN ${b} THEN ${yes} WHEN NOT ${b} THEN ${no} END)`;
  return to === 'string'
    ? either(textLiteral(syntax, 'true'), textLiteral(syntax, 'false'))
    : fromNumber(syntax, bind, either('1E0', '0E0'), to);
};

export const castOf =
  (syntax: Syntax): SqlFunction =>
  (args, { base: to }, { bind }) => {
    const value = args[0] as SqlArgument;
    const { sql, type } = value;
    if (type.base === to) return sql;
    if (is(type, 'string')) return fromText(syntax, bind, sql, to);
    if (is(type, 'boolean')) return fromBoolean(syntax, bind, sql, to);
    if (is(type, 'timestamp', 'date')) return fromTime(syntax, bind, value, to);
    if (is(type, 'int', 'long') && to === 'string') return `CAST(${sql} AS ${syntax.types.string})`;
    return isNumeric(type)
      ? fromNumber(syntax, bind, toDouble(syntax, value), to)
      : { notSupported: `a cast of ${type.base}` };
  };

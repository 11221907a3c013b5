/**
 * Compiled expressions equal a naive interpreter, on random well-typed trees and rows with nulls.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldType, Row, Value } from '#domain/values/value.ts';
import { columns, rows, trees } from '#tests/oracle/expression-trees.ts';
import type { Expr } from './ast.ts';
import { col, input, lit, when } from './build.ts';
import { canonical } from './canonical.ts';
import { compileExpr } from './compile.ts';
import { parseExpr } from './parse-expr.ts';
import { typeOf } from './typecheck.ts';

const scope = { columns };

/** The naive interpreter: no types, no code generation. */
function interpret(e: Expr, row: Row): Value {
  if (e.op === 'lit') return e.value;
  if (e.op === 'col' || e.op === 'input') return row[e.name] ?? null;
  if (e.op === 'when')
    return interpret(e.branches.find(([c]) => interpret(c, row) === true)?.[1] ?? e.otherwise, row);
  const args = e.args.map((a) => interpret(a, row));
  if (e.fn === 'isNull') return args[0] === null;
  if (e.fn === 'coalesce') return args.find((v) => v !== null) ?? null;
  if (e.fn === 'and') return args.includes(false) ? false : args.includes(null) ? null : true;
  if (e.fn === 'or') return args.includes(true) ? true : args.includes(null) ? null : false;
  if (args.includes(null)) return null;
  const [a, b] = args as [number, number];
  const real = typeOf(e, scope).base === 'double';
  const number = (n: number) =>
    Number.isFinite(n) && (real || Math.abs(n) <= Number.MAX_SAFE_INTEGER)
      ? n === 0
        ? 0
        : n
      : null;
  const table: Record<string, () => Value> = {
    add: () => number(a + b),
    sub: () => number(a - b),
    mul: () => number(a * b),
    div: () => number(a / b),
    mod: () => number(a % b),
    neg: () => number(-a),
    abs: () => number(Math.abs(a)),
    floor: () => number(Math.floor(a)),
    sqrt: () => number(Math.sqrt(a)),
    ln: () => number(Math.log(a)),
    least: () => Math.min(a, b),
    greatest: () => Math.max(a, b),
    eq: () => a === b,
    ne: () => a !== b,
    gt: () => a > b,
    gte: () => a >= b,
    lt: () => a < b,
    lte: () => a <= b,
    not: () => !a,
    in: () => args.indexOf(a, 1) > 0,
    upper: () => String(a).toUpperCase(),
    concat: () => args.join(''),
    length: () => Array.from(String(a)).length,
    startsWith: () => String(a).startsWith(String(b)),
    hour: () => new Date(a).getUTCHours(),
    dayOfWeek: () => new Date(a).getUTCDay() || 7,
    month: () => new Date(a).getUTCMonth() + 1,
    truncate: () =>
      new Date(a).setUTCHours(String(b) === 'hour' ? new Date(a).getUTCHours() : 0, 0, 0, 0),
  };
  return (table[e.fn] as () => Value)();
}

describe('a compiled expression', () => {
  it('equals the naive interpreter', () => {
    fc.assert(
      fc.property(
        fc.oneof(trees.num, trees.bool, trees.str, trees.time),
        fc.array(rows, { minLength: 1, maxLength: 5 }),
        (tree, some) => {
          const run = compileExpr(tree, scope);
          for (const row of some) {
            const value = interpret(tree, row);
            expect(run(row)).toBe(Object.is(value, -0) ? 0 : value);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is null only where its type is nullable, over columns that are nullable or not', () => {
    const notNull = Object.fromEntries(
      Object.entries(columns).map(([name, type]) => [name, { ...type, nullable: false }]),
    );
    let sure = 0;
    fc.assert(
      fc.property(
        fc.oneof(trees.num, trees.bool, trees.str, trees.time),
        fc.subarray(Object.keys(columns)),
        fc.array(rows, { minLength: 1, maxLength: 5 }),
        (tree, optional, some) => {
          const mixed = { columns: { ...notNull } as Record<string, FieldType> };
          for (const name of optional) mixed.columns[name] = columns[name as keyof typeof columns];
          if (typeOf(tree, mixed).nullable) return;
          sure++;
          const run = compileExpr(tree, mixed);
          for (const row of some) {
            const fits = Object.keys(columns).every(
              (name) => row[name] !== null || optional.includes(name),
            );
            if (fits) expect(run(row)).not.toBeNull();
          }
        },
      ),
      { numRuns: 1_000 },
    );
    expect(sure).toBeGreaterThan(50);
  });

  it('survives JSON: parseExpr returns the same tree', () => {
    fc.assert(
      fc.property(
        trees.bool,
        (tree) => void expect(parseExpr(JSON.parse(JSON.stringify(tree)), 'where')).toEqual(tree),
      ),
    );
  });

  it('takes names and literals as data, never as code', () => {
    const name = '"];throw 1;//\u2028';
    expect(compileExpr({ op: 'col', name })({ [name]: 5 })).toBe(5);
    expect(compileExpr(lit('"+process.exit()+"\n'))({})).toBe('"+process.exit()+"\n');
  });
});

describe('meanings', () => {
  const row: Row = {
    n: 7,
    m: 2 ** 53 - 1,
    x: -2.5,
    s: ' Grüße 👋 ',
    b: null,
    t: Date.UTC(2026, 0, 31, 17, 5, 9, 7),
    d: 20_484,
  };
  const day = 86_400_000;
  it.each([
    ['overflow of whole numbers', col('m').plus(1), null],
    ['division by zero', col('n').div(0), null],
    ['mod by zero', col('n').mod(0), null],
    ['no negative zero', lit(-4).mod(2), 0],
    ['div of whole numbers', col('n').dividedBy(2), 3.5],
    ['round half away from zero', col('x').round(), -3],
    ['ln of nothing', lit(0).ln(), null],
    ['pow', col('n').pow(2), 49],
    ['null and false', col('b').and(lit(false)), false],
    ['null or true', col('b').or(col('n').gt(1)), true],
    ['not null', col('b').not(), null],
    ['when needs true', when(col('b'), 1).when(col('n').eq(7), 2).otherwise(3), 2],
    ['coalesce', col('b').coalesce(true), true],
    ['in', col('n').in([1, 7]), true],
    ['between, ends in', col('n').between(7, 9), true],
    ['trim', col('s').trim(), 'Grüße 👋'],
    ['length in characters', col('s').trim().length(), 7],
    ['substring from 0', col('s').substring(1, 3), 'Grü'],
    ['replace all, literally', lit('a.a').replace('a', '$&'), '$&.$&'],
    ['hour', col('t').hour(), 17],
    ['minute', col('t').minute(), 5],
    ['ISO day of week (Saturday)', col('t').dayOfWeek(), 6],
    ['day of month', col('t').dayOfMonth(), 31],
    ['year of a date', col('d').year(), 2026],
    ['truncate to a week', col('t').truncate('week'), Date.UTC(2026, 0, 26)],
    ['truncate to a month', col('t').truncate('month'), Date.UTC(2026, 0, 1)],
    ['timestamps apart', col('t').minus(col('t').truncate('day')).lt(day), true],
    ['timestamp plus ms', col('t').plus(day).dayOfMonth(), 1],
    ['cast text to number', lit('12x').cast('int'), null],
    ['cast to text', col('t').cast('string'), '2026-01-31T17:05:09.007Z'],
    ['cast a date', col('d').cast('timestamp').hour(), 0],
    ['cast text to time', lit('2026-01-31T00:00:00Z').cast('timestamp'), Date.UTC(2026, 0, 31)],
    ['cast past int', col('m').cast('int'), null],
    ['least', col('n').least(3, col('x')), -2.5],
  ])('%s', (_, tree, expected) => expect(compileExpr(tree, scope)(row)).toBe(expected));

  it('reads a missing input as null', () =>
    expect(compileExpr(input('hour').isNull())({})).toBe(true));
});

describe('types', () => {
  it.each([
    [col('n').plus(1), 'long'],
    [col('n').div(2), 'double'],
    [col('t').minus(col('t')), 'long'],
    [when(col('b'), 1).otherwise(0.5), 'double'],
    [when(col('b'), null).otherwise('x'), 'string'],
    [col('n').gt(2), 'boolean'],
  ])('%#', (tree, base) => expect(typeOf(tree, scope).base).toBe(base));

  it.each([
    [col('nope'), 'MR_UNKNOWN_COLUMN', /the columns are n, m, x/],
    [input('n'), 'MR_UNKNOWN_COLUMN', /cannot be used here/],
    [{ op: 'col', name: 'nn' } as const, 'MR_UNKNOWN_COLUMN', /did you mean "n"\?$/],
    [
      { op: 'call', fn: 'lenght', args: [] } as const,
      'MR_EXPRESSION_INVALID',
      /did you mean "length"\?$/,
    ],
    [
      col('s').plus(1),
      'MR_EXPRESSION_INVALID',
      /^in s \+ 1: needs numbers, got s \(string\?\), 1 \(int\): .* col\("s"\)\.cast\("double"\)/,
    ],
    [
      col('n').plus(1).concat('x'),
      'MR_EXPRESSION_INVALID',
      /needs strings, got n \+ 1 \(long\?\), "x" \(string\): .* \(n \+ 1\)\.cast\("string"\)/,
    ],
    [
      col('n').hour(),
      'MR_EXPRESSION_INVALID',
      /needs a timestamp, got n \(.*\.cast\("timestamp"\)/,
    ],
    [col('x').hour(), 'MR_EXPRESSION_INVALID', /needs a timestamp, got x \(double\?\)\.$/],
    [col('s').gt(1), 'MR_EXPRESSION_INVALID', /cannot compare s \(string\?\) with 1 \(int\)/],
    [col('b').gt(true), 'MR_EXPRESSION_INVALID', /b \(boolean\?\) has no order/],
    [col('n').eq(null), 'MR_EXPRESSION_INVALID', /isNull/],
    [when(col('n'), 1).otherwise(0), 'MR_EXPRESSION_INVALID', /must be a boolean, is int\?/],
    [
      when(col('b'), 1).otherwise('x'),
      'MR_EXPRESSION_INVALID',
      /must have one type, got int and, from "x", string/,
    ],
    [col('s').cast('flaot' as 'float'), 'MR_EXPRESSION_INVALID', /did you mean "float"\?$/],
    [lit(null), 'MR_EXPRESSION_INVALID', /cast it/],
    [col('x').cast('bytes'), 'MR_EXPRESSION_INVALID', /cannot cast/],
  ])('%#: refused', (tree, code, message) => {
    expect(() => typeOf(tree, scope)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

describe('expressions from JSON', () => {
  const deep = (n: number): unknown =>
    n === 0 ? { op: 'lit', value: true } : { op: 'call', fn: 'not', args: [deep(n - 1)] };
  it.each<[unknown, RegExp]>([
    [null, /where: must be an expression, is null/],
    [{ op: 'eval', code: 'x' }, /where\.op: must be col, .* is "eval"/],
    [{ op: 'col', name: '__proto__' }, /where\.name/],
    [{ op: 'col', name: 'a', extra: 1 }, /has "extra"/],
    [{ op: 'lit', value: {} }, /where\.value/],
    [{ op: 'call', fn: 'launch', args: [] }, /no function "launch"/],
    [{ op: 'call', fn: 'not', args: [] }, /takes 1 arguments, got 0/],
    [
      {
        op: 'call',
        fn: 'truncate',
        args: [
          { op: 'col', name: 't' },
          { op: 'col', name: 's' },
        ],
      },
      /must be a literal/,
    ],
    [{ op: 'when', branches: [], otherwise: { op: 'lit', value: 1 } }, /must have a branch/],
    [
      { op: 'when', branches: [[{ op: 'lit', value: true }]], otherwise: { op: 'lit', value: 1 } },
      /where\.branches\[0\]/,
    ],
    [deep(101), /deeper than 100/],
    [
      {
        op: 'call',
        fn: 'in',
        args: Array.from({ length: 6_000 }, () => ({ op: 'lit', value: 1 })),
      },
      /more than 5000 nodes/,
    ],
  ])('%# is refused with its path', (value, message) => {
    expect(() => parseExpr(value, 'where')).toThrow(
      expect.objectContaining({
        code: 'MR_EXPRESSION_INVALID',
        message: expect.stringMatching(message),
      }),
    );
  });
});

it('canonical text does not depend on key order or on undefined', () => {
  expect(canonical({ b: [1, { d: null, c: undefined }], a: 'x' })).toBe(
    '{"a":"x","b":[1,{"d":null}]}',
  );
});

/**
 * Printed expressions are unambiguous: a small parser of the notation gives the tree back, for any
 * tree of columns, so two different trees never have the same text.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expr } from './ast.ts';
import { col, input, lit, toExpr, when } from './build.ts';
import { formatExpr, WORDS } from './format.ts';
import { FUNCTIONS } from './functions.ts';

const TOKEN =
  /\s*(?:(`(?:[^`\\]|\\.)*`)|("(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?(?:e[+-]?\d+)?)|([A-Za-z_]\w*)|(!=|>=|<=|[-+*/%=<>(),]))/y;

type Kind = 'name' | 'text' | 'number' | 'word' | 'sign';
interface Token {
  readonly kind: Kind;
  readonly text: string;
  /** whether white space is before it */
  readonly apart: boolean;
}

const KINDS: readonly Kind[] = ['name', 'text', 'number', 'word', 'sign'];

const tokensOf = (text: string): Token[] => {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`no token in ${text}`);
    const group = match.slice(1).findIndex((part) => part !== undefined);
    tokens.push({
      kind: KINDS[group] as Kind,
      text: match[group + 1] as string,
      apart: /^\s/.test(match[0]),
    });
  }
  return tokens;
};

const call = (fn: string, ...args: readonly Expr[]): Expr => ({ op: 'call', fn, args });

/** From the operators that bind least to those that bind most. */
const LEVELS: readonly Readonly<Record<string, string>>[] = [
  { or: 'or' },
  { and: 'and' },
  { '=': 'eq', '!=': 'ne', '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' },
  { '+': 'add', '-': 'sub' },
  { '*': 'mul', '/': 'div', '%': 'mod' },
];
const COMPARISON = 2;

function parse(text: string): Expr {
  const tokens = tokensOf(text);
  let at = 0;
  const peek = (): string => tokens[at]?.text ?? '';
  const is = (wanted: string): boolean => {
    const token = tokens[at];
    return token?.text === wanted && (token.kind === 'sign' || token.kind === 'word');
  };
  const take = (wanted: string): void => {
    if (!is(wanted)) throw new Error(`${wanted} is missing at ${at} of ${text}`);
    at++;
  };
  const took = (wanted: string): boolean => {
    if (!is(wanted)) return false;
    at++;
    return true;
  };
  const inParentheses = (): Expr[] => {
    take('(');
    const args: Expr[] = [];
    while (!took(')')) {
      if (args.length > 0) take(',');
      args.push(binary(0));
    }
    return args;
  };
  const branching = (): Expr => {
    take('(');
    const branches: [Expr, Expr][] = [];
    while (!took('otherwise')) {
      const condition = binary(0);
      take(',');
      branches.push([condition, binary(0)]);
      take(',');
    }
    const otherwise = binary(0);
    take(')');
    return { op: 'when', branches, otherwise };
  };
  const casting = (): Expr => {
    const start = at;
    take('(');
    if (took(')')) return call('cast');
    const value = binary(0);
    if (took('as')) {
      const type = peek();
      at++;
      take(')');
      return call('cast', value, { op: 'lit', value: type });
    }
    at = start;
    return call('cast', ...inParentheses());
  };
  const atom = (): Expr => {
    const token = tokens[at] as Token;
    if (is('(')) {
      at++;
      const inner = binary(0);
      take(')');
      return inner;
    }
    at++;
    switch (token.kind) {
      case 'name':
        return { op: 'col', name: token.text.slice(1, -1).replace(/\\(.)/g, '$1') };
      case 'number':
        return { op: 'lit', value: Number(token.text) };
      case 'text': {
        const value = JSON.parse(token.text) as string;
        return is('(') ? call(value, ...inParentheses()) : { op: 'lit', value };
      }
      case 'word':
        if (token.text === 'when') return branching();
        if (['true', 'false', 'null'].includes(token.text))
          return { op: 'lit', value: JSON.parse(token.text) };
        if (is('('))
          return token.text === 'cast' ? casting() : call(token.text, ...inParentheses());
        return { op: 'col', name: token.text };
      default:
        throw new Error(`${token.text} begins nothing in ${text}`);
    }
  };
  const unary = (): Expr => {
    if (took('not')) return call('not', unary());
    if (!took('-')) return atom();
    const next = tokens[at] as Token;
    if (next.kind !== 'number' || next.apart) return call('neg', unary());
    at++;
    return { op: 'lit', value: -Number(next.text) };
  };
  const binary = (level: number): Expr => {
    const operators = LEVELS[level];
    if (operators === undefined) return unary();
    let left = binary(level + 1);
    for (;;) {
      const fn = tokens[at]?.kind === 'name' ? undefined : operators[peek()];
      if (fn !== undefined && tokens[at]?.kind !== 'text') {
        at++;
        left = call(fn, left, binary(level + 1));
      } else if (level === COMPARISON && took('in')) left = call('in', left, ...inParentheses());
      else if (level === COMPARISON && took('is')) {
        const negated = took('not');
        take('null');
        left = call(negated ? 'isNotNull' : 'isNull', left);
      } else return left;
    }
  };
  const tree = binary(0);
  if (at < tokens.length) throw new Error(`${peek()} is left over of ${text}`);
  return tree;
}

/** Any tree, whether or not it has types: odd names, wrong numbers of arguments, deep nesting. */
const { tree } = fc.letrec<{ tree: Expr }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc
      .oneof(fc.constantFrom('a', 'b', 'abs', 'cast', ...WORDS), fc.string({ minLength: 1 }))
      .map((name): Expr => ({ op: 'col', name })),
    fc
      .oneof(
        fc.integer({ min: -3, max: 3 }),
        fc.constantFrom(0.5, -1.25, 1e200, -1e-7, Number.MAX_SAFE_INTEGER),
        fc.boolean(),
        fc.constant(null),
        fc.string({ unit: 'grapheme', maxLength: 3 }),
        fc.constantFrom('int', 'hour'),
      )
      .map((value): Expr => ({ op: 'lit', value })),
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          fc.oneof(
            fc.constantFrom(...FUNCTIONS.keys()),
            fc.constantFrom('neg', 'not', 'sub', 'div', 'and', 'or', 'eq', 'in', 'cast', 'isNull'),
            fc.string(),
          ),
          fc.array(tie('tree'), { maxLength: 3 }),
        )
        .map(([fn, args]): Expr => ({ op: 'call', fn, args })),
    },
    fc
      .tuple(fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 2 }), tie('tree'))
      .map(([branches, otherwise]): Expr => ({ op: 'when', branches, otherwise })),
  ),
}));

describe('a printed expression', () => {
  it('is read back as the same tree', () => {
    fc.assert(
      fc.property(tree, (expr) => {
        expect(parse(formatExpr(expr))).toEqual(expr);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [col('distance').gt(0), 'distance > 0'],
    [when(col('delay').gt(15), 1).otherwise(0), 'when(delay > 15, 1, otherwise 0)'],
    [
      when(col('a').eq('x'), 1).when(col('b'), 2).otherwise(null),
      'when(a = "x", 1, b, 2, otherwise null)',
    ],
    [col('a').gt(1).and(col('b').lt(2)).or(col('c')), 'a > 1 and b < 2 or c'],
    [col('a').or(col('b')).and(col('c'), col('d')), '(a or b) and c and d'],
    [col('a').minus(col('b').minus(1)).times(2), '(a - (b - 1)) * 2'],
    [col('a').minus(col('b')).minus(1), 'a - b - 1'],
    [col('a').between(1, 5), 'a >= 1 and a <= 5'],
    [col('a').in(['AA', 'DL']), 'a in ("AA", "DL")'],
    [col('a').isNull().not(), 'not (a is null)'],
    [col('a').isNotNull(), 'a is not null'],
    [col('a').cast('int'), 'cast(a as int)'],
    [col('a').truncate('hour'), 'truncate(a, "hour")'],
    [col('a').plus(col('b')).neg(), '-(a + b)'],
    [lit(3).neg(), '-(3)'],
    [lit(-3), '-3'],
    [col('null').eq(col('in')), '`null` = `in`'],
    [input('hour').coalesce(0), 'coalesce(hour, 0)'],
    [col('origin').concat('-', col('destination')), 'concat(origin, "-", destination)'],
  ])('%#: reads as a person would write it', (expr, text) => {
    expect(formatExpr(toExpr(expr))).toBe(text);
  });
});

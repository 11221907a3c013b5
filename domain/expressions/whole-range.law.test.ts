/**
 * An expression of which no part is reported gives every earlier event the same value with whole
 * numbers and with doubles.
 */
import fc from 'fast-check';
import { col, when } from 'millrace';
import { expect, test } from 'vitest';
import { fieldType } from '#domain/values/field-type.ts';
import type { Expr } from './ast.ts';
import { compileExpr } from './compile.ts';
import type { Scope } from './typecheck.ts';
import { differsWhenWidened } from './whole-range.ts';

const before: Scope = { columns: { small: fieldType('int', true), large: fieldType('long') } };
const after: Scope = { columns: { small: fieldType('double', true), large: fieldType('double') } };

const INTS = [-(2 ** 31), -1, 0, 1, 46341, 2 ** 31 - 1];
const LONGS = [...INTS, -(2 ** 53 - 1), 2 ** 52 + 1, 2 ** 53 - 1];

const { expr: expressions } = fc.letrec<{ expr: Expr }>((tie) => {
  const call = (fn: string, ...args: fc.Arbitrary<Expr>[]): fc.Arbitrary<Expr> =>
    fc.tuple(...args).map((drawn): Expr => ({ op: 'call', fn, args: drawn }));
  const one = tie('expr');
  return {
    expr: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('small', 'large').map((name): Expr => ({ op: 'col', name })),
      fc.constantFrom(0, 1, 2, 1000, -7, 2 ** 40).map((value): Expr => ({ op: 'lit', value })),
      ...['add', 'sub', 'mul', 'mod', 'least', 'greatest', 'coalesce'].map((fn) =>
        call(fn, one, one),
      ),
      ...['neg', 'abs', 'round', 'floor'].map((fn) => call(fn, one)),
      call('div', one, one),
      fc.tuple(one, one, one).map(
        ([a, b, c]): Expr => ({
          op: 'when',
          branches: [[{ op: 'call', fn: 'gt', args: [a, b] }, b]],
          otherwise: c,
        }),
      ),
    ),
  };
});

test('an expression that is not reported has the same values', () => {
  const seen = { same: 0, reported: 0 };
  fc.assert(
    fc.property(expressions, (expr) => {
      if (differsWhenWidened(expr, before, after) !== null) {
        seen.reported++;
        return;
      }
      seen.same++;
      const [was, is] = [compileExpr(expr, before), compileExpr(expr, after)];
      for (const small of [...INTS, null])
        for (const large of LONGS) {
          const row = { small, large };
          expect([row, is(row)]).toEqual([row, was(row)]);
        }
    }),
    { numRuns: 1_000 },
  );
  expect(seen.same).toBeGreaterThan(100);
  expect(seen.reported).toBeGreaterThan(100);
});

test.each([
  [col('small').plus(1), false],
  [col('small').times(1_000_000), false],
  [col('small').times(2 ** 30), true],
  [col('small').times(col('small')), true],
  [col('large').minus(1), true],
  [col('large').mod(7).plus(col('small')), true],
  [col('small').abs().plus(col('small')).times(1000), false],
  [col('large').div(3).times(2), false],
  [when(col('large').gt(1), col('small')).otherwise(0).plus(1), false],
] as const)('%j: %s', (expr, reported) => {
  const parsed = JSON.parse(JSON.stringify(expr)) as Expr;
  expect(differsWhenWidened(parsed, before, after) !== null).toBe(reported);
});

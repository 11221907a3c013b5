/** Random well-typed expressions, and rows with nulls for their columns. */
import fc from 'fast-check';
import type { Expr } from '#domain/expressions/ast.ts';
import type { FieldType, Row } from '#domain/values/value.ts';

const nullable = (base: FieldType['base']): FieldType => ({ base, array: false, nullable: true });
export const columns = {
  n: nullable('int'),
  m: nullable('long'),
  x: nullable('double'),
  s: nullable('string'),
  b: nullable('boolean'),
  t: nullable('timestamp'),
  d: nullable('date'),
};

export const trees = fc.letrec<{ num: Expr; bool: Expr; str: Expr; time: Expr }>((tie) => {
  const call = (fns: readonly string[], ...args: fc.Arbitrary<Expr>[]): fc.Arbitrary<Expr> =>
    fc
      .tuple(fc.constantFrom(...fns), ...args)
      .map(([fn, ...rest]) => ({ op: 'call', fn, args: rest as Expr[] }) as Expr);
  const branch = (value: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> =>
    fc.tuple(tie('bool'), value, tie('bool'), value, value).map(([c, v, c2, v2, o]) => ({
      op: 'when',
      branches: [
        [c, v],
        [c2, v2],
      ],
      otherwise: o,
    }));
  const leaf = (
    names: readonly string[],
    literals: fc.Arbitrary<string | number | boolean>,
  ): fc.Arbitrary<Expr> =>
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom(...names).map((name): Expr => ({ op: 'col', name })),
      },
      literals.map((value): Expr => ({ op: 'lit', value })),
    );
  const [num, bool, str, time] = [tie('num'), tie('bool'), tie('str'), tie('time')];
  const numbers = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom(0.5, -1.25, 1e200, 2 ** 52, Number.MAX_SAFE_INTEGER),
  );
  const node = { maxDepth: 4, depthSize: 'small' } as const;
  return {
    num: fc.oneof(
      node,
      leaf(['n', 'm', 'x'], numbers),
      call(['add', 'sub', 'mul', 'div', 'mod', 'least', 'greatest'], num, num),
      call(['neg', 'abs', 'floor', 'sqrt', 'ln'], num),
      call(['length'], str),
      call(['hour', 'dayOfWeek', 'month'], time),
      call(['sub'], time, time),
      branch(num),
      call(['coalesce'], num, num),
    ),
    bool: fc.oneof(
      node,
      leaf(['b'], fc.boolean()),
      call(['eq', 'ne', 'gt', 'gte', 'lt', 'lte'], num, num),
      call(['eq', 'lt', 'startsWith'], str, str),
      call(['and', 'or'], bool, bool),
      call(['not'], bool),
      call(['isNull'], num),
      call(
        ['in'],
        num,
        numbers.map((value): Expr => ({ op: 'lit', value })),
      ),
      branch(bool),
    ),
    str: fc.oneof(
      node,
      leaf(['s'], fc.string({ unit: 'grapheme', maxLength: 3 })),
      call(['concat'], str, str),
      call(['upper'], str),
      branch(str),
    ),
    time: fc.oneof(
      node,
      leaf(['t'], fc.constant(0)).filter((e) => e.op === 'col'),
      call(
        ['truncate'],
        time,
        fc.constantFrom('hour', 'day').map((value): Expr => ({ op: 'lit', value })),
      ),
      branch(time),
    ),
  };
});

export const rows: fc.Arbitrary<Row> = fc.record({
  n: fc.option(fc.integer(), { freq: 3 }),
  m: fc.option(fc.maxSafeInteger(), { freq: 3 }),
  x: fc.option(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0),
    { freq: 3 },
  ),
  s: fc.option(fc.string({ unit: 'grapheme', maxLength: 4 }), { freq: 3 }),
  b: fc.option(fc.boolean(), { freq: 3 }),
  t: fc.option(fc.integer({ min: -1e13, max: 1e13 }), { freq: 3 }),
  d: fc.option(fc.integer({ min: -1e5, max: 1e5 }), { freq: 3 }),
});

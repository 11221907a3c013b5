/** The shared vectors of scalar functions as expressions of a dialect. */
import { readFileSync } from 'node:fs';
import type { Expr } from '#domain/expressions/ast.ts';
import type { Syntax } from '#domain/sql/engines/syntax.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { FieldType, Row, ScalarType, Value } from '#domain/values/value.ts';
import { vectorPath } from '#tests/vectors/generate.ts';
import { type DialectCase, expressionCase } from './cases.ts';

interface Vector {
  readonly function: string;
  readonly args: readonly unknown[];
  readonly result: unknown;
}

const column = (i: number): Expr => ({ op: 'col', name: `a${i}` });
const lit = (value: string | number): Expr => ({ op: 'lit', value });
const call = (fn: string, ...args: readonly Expr[]): Expr => ({ op: 'call', fn, args });

interface Shape {
  readonly types: readonly ScalarType[];
  /** @param args of one vector */
  readonly expr: (args: readonly Expr[], vector: Vector) => Expr;
  /** whether the type of an argument has the value */
  readonly takes?: (vector: Vector) => boolean;
}

const of = (fn: string, ...types: readonly ScalarType[]): Shape => ({
  types,
  expr: (args) => call(fn, ...args),
});
const cast = (from: ScalarType, to: ScalarType): Shape => ({
  types: [from],
  expr: ([a]) => call('cast', a as Expr, lit(to)),
});
const wholes = (shape: Shape): Shape => ({
  ...shape,
  takes: ({ args }) => Number.isSafeInteger(Number(args[0])),
});

const codePoints = (a: string, b: string): number => {
  const [x, y] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const d = (x[i] as string).codePointAt(0) as number;
    const e = (y[i] as string).codePointAt(0) as number;
    if (d !== e) return Math.sign(d - e);
  }
  return Math.sign(x.length - y.length);
};

export const SHAPES: Readonly<Record<string, Shape>> = {
  MR_FINITE: { types: ['double'], expr: ([a]) => call('add', a as Expr, lit(0)) },
  MR_MOD: of('mod', 'double', 'double'),
  MR_ROUND: of('round', 'double'),
  MR_TO_INT: cast('double', 'int'),
  MR_TO_LONG: cast('double', 'long'),
  MR_TO_FLOAT: cast('double', 'float'),
  MR_TO_TIME: wholes(cast('long', 'timestamp')),
  MR_TO_DATE: wholes(cast('long', 'date')),
  MR_PARSE_NUMBER: cast('string', 'double'),
  MR_FORMAT_TIME: cast('timestamp', 'string'),
  MR_FORMAT_DATE: cast('date', 'string'),
  MR_COMPARE: {
    types: ['string', 'string'],
    expr: ([a, b]) => ({
      op: 'when',
      branches: [
        [call('lt', a as Expr, b as Expr), lit(-1)],
        [call('gt', a as Expr, b as Expr), lit(1)],
      ],
      otherwise: lit(0),
    }),
    // The engines order by code point, as the notes of a query say.
    takes: ({ args: [a, b], result }) => codePoints(String(a), String(b)) === Number(result),
  },
  MR_STARTS_WITH: of('startsWith', 'string', 'string'),
  MR_ENDS_WITH: of('endsWith', 'string', 'string'),
  MR_CONTAINS: of('contains', 'string', 'string'),
  MR_REPLACE: of('replace', 'string', 'string', 'string'),
  MR_CONCAT: of('concat', 'string', 'string', 'string', 'string'),
  MR_SUBSTRING: of('substring', 'string', 'long', 'long'),
  MR_HOUR: of('hour', 'timestamp'),
  MR_MINUTE: of('minute', 'timestamp'),
  MR_DAY_OF_WEEK: of('dayOfWeek', 'timestamp'),
  MR_DAY_OF_MONTH: of('dayOfMonth', 'timestamp'),
  MR_MONTH: of('month', 'timestamp'),
  MR_YEAR: of('year', 'timestamp'),
  MR_TRUNCATE: {
    types: ['timestamp'],
    expr: ([a], { args }) => call('truncate', a as Expr, lit(String(args[1]))),
  },
};

/** Functions of the vectors that no expression of these dialects has, or that it refuses. */
export const WITHOUT: readonly string[] = [
  // partial states
  'MR_DD_BUCKET',
  'MR_PLACE_HASH',
  'MR_HLL_COUNT',
  // a double that is whole has no type of its own: the laws check whole results
  'MR_WHOLE',
  // refused
  'MR_NUMBER_TEXT',
  'MR_PARSE_TIME',
  'MR_PARSE_DATE',
];

export const vectors: readonly Vector[] = readFileSync(vectorPath('scalars.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);

/** Long texts are written as objects; their limit is not that of the engines. */
const isShort = ({ args, result }: Vector): boolean =>
  [...args, result].every((value) => typeof value !== 'object' || value === null);

const parsed = (value: unknown, base: ScalarType): Value =>
  value === null || typeof value === 'boolean'
    ? (value as Value)
    : base === 'string'
      ? String(value)
      : Number(value) + 0;

/** Vectors of one function, number of arguments and literals are the rows of one statement. */
export const vectorCases = (syntax: Syntax): readonly DialectCase[] => {
  const usable = vectors.filter(
    (vector) => isShort(vector) && (SHAPES[vector.function]?.takes?.(vector) ?? true),
  );
  const groups = Map.groupBy(usable, (vector) => {
    const unit = vector.function === 'MR_TRUNCATE' ? ` ${vector.args[1]}` : '';
    return `${vector.function}${unit} of ${vector.args.length}`;
  });
  return [...groups].flatMap(([name, group]) => {
    const [first] = group as [Vector];
    const shape = SHAPES[first.function];
    if (shape === undefined) return [];
    if (first.function === 'MR_MOD' && !syntax.exactRemainder) return [];
    const types = shape.types.slice(0, first.args.length);
    const columns = Object.fromEntries(
      types.map((base, i): [string, FieldType] => [`a${i}`, fieldType(base, true)]),
    );
    const rows = group.map(
      ({ args }): Row =>
        Object.fromEntries(types.map((base, i) => [`a${i}`, parsed(args[i], base)])),
    );
    const expr = shape.expr(
      types.map((_, i) => column(i)),
      first,
    );
    const made = expressionCase(syntax, name, expr, columns, rows);
    return [{ ...made, expected: group.map(({ result }) => parsed(result, made.base)) }];
  });
};

/**
 * Arithmetic in IEEE doubles: see `finite` and `whole` for what becomes of a result that is no
 * number.
 */

import { flinkAs, flinkDouble } from '#domain/sql/flink/types.ts';
import { isNumeric, isWhole } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import {
  type Argument,
  type FunctionRow,
  finite,
  type Implementation,
  type SqlArgument,
  whole,
} from './function-row.ts';
import { anyNull, comparable, is, of, show, unify } from './types.ts';

const numbers = (args: readonly Argument[]): boolean => args.every((a) => isNumeric(a.type));
const wholes = (args: readonly Argument[]): boolean => args.every((a) => isWhole(a.type));

/** Timestamps move by milliseconds, dates by days; their difference is a long. */
function moved(name: string, args: readonly Argument[]): FieldType | null {
  const [a, b] = args as readonly [Argument, Argument];
  if (!is(a.type, 'timestamp', 'date'))
    return name === 'add' && is(b.type, 'timestamp', 'date') && isWhole(a.type)
      ? of(b.type.base, true)
      : null;
  if (isWhole(b.type)) return of(a.type.base, true);
  return name === 'sub' && a.type.base === b.type.base && !b.type.array ? of('long', true) : null;
}

const isReal = (name: string, args: readonly Argument[]): boolean =>
  name === 'div' || args.some((a) => is(a.type, 'float', 'double'));

const arithmetic = (
  name: string,
  js: (a: number, b: number) => number,
  operator: string | null,
): FunctionRow => ({
  name,
  arity: [2, 2],
  nulls: 'strict',
  type: (args) => {
    if (numbers(args)) return of(wholes(args) && name !== 'div' ? 'long' : 'double', true);
    return (
      (name === 'add' || name === 'sub' ? moved(name, args) : null) ??
      `needs numbers, got ${show(args)}`
    );
  },
  js: (args) => {
    return (
      isReal(name, args)
        ? (a: number, b: number) => finite(js(a, b))
        : (a: number, b: number) => whole(js(a, b))
    ) as Implementation;
  },
  flink: (args, result) => {
    const [a, b] = (args as readonly [SqlArgument, SqlArgument]).map(flinkDouble);
    const value = operator === null ? `MR_MOD(${a}, ${b})` : `${a} ${operator} ${b}`;
    if (isReal(name, args)) return `MR_FINITE(${value})`;
    return result.base === 'date' ? `CAST(MR_WHOLE(${value}) AS INT)` : `MR_WHOLE(${value})`;
  },
});

const real = (
  name: string,
  arity: 1 | 2,
  js: (...args: number[]) => number,
  flink: string,
): FunctionRow => ({
  name,
  arity: [arity, arity],
  nulls: 'strict',
  type: (args) => (numbers(args) ? of('double', true) : `needs numbers, got ${show(args)}`),
  js: () =>
    (arity === 1
      ? (a: number) => finite(js(a))
      : (a: number, b: number) => finite(js(a, b))) as Implementation,
  flink: (args) => `MR_FINITE(${flink}(${args.map(flinkDouble).join(', ')}))`,
});

/** Whole numbers stay whole. */
const kept = (
  name: string,
  js: (a: number) => number,
  flink: (x: string) => string,
  changesWholes: boolean,
): FunctionRow => ({
  name,
  arity: [1, 1],
  nulls: 'strict',
  type: (args) =>
    numbers(args)
      ? of(wholes(args) ? 'long' : 'double', anyNull(args))
      : `needs a number, got ${show(args)}`,
  js: () => ((a: number) => js(a) + 0) as Implementation,
  flink: ([arg]) => {
    const a = arg as SqlArgument;
    if (!isWhole(a.type)) return flink(flinkDouble(a));
    const long = flinkAs(a, of('long', false));
    return changesWholes ? flink(long) : long;
  },
});

/** Text is compared by UTF-16 code unit, as everywhere. */
const extremeText = (args: readonly SqlArgument[], operator: string): string =>
  args
    .map((a) => a.sql)
    .reduce(
      (best, x) =>
        `CASE WHEN ${best} IS NULL OR ${x} IS NULL THEN NULL WHEN MR_COMPARE(${x}, ${best}) ${operator} 0 THEN ${x} ELSE ${best} END`,
    );

const extreme = (
  name: string,
  js: (a: number | string, b: number | string) => boolean,
  flink: string,
  operator: string,
): FunctionRow => ({
  name,
  arity: [2, 32],
  nulls: 'strict',
  type: (args) => {
    let type = (args[0] as Argument).type;
    for (const arg of args.slice(1)) {
      const both = comparable(type, arg.type) ? unify(type, arg.type) : null;
      if (both === null) return `needs values that compare, got ${show(args)}`;
      type = both;
    }
    return is(type, 'boolean', 'bytes') ? `${show(args)} has no order` : type;
  },
  js: () =>
    ((first: number | string, ...rest: (number | string)[]) => {
      let best = first;
      for (const value of rest) if (js(value, best)) best = value;
      return best;
    }) as Implementation,
  flink: (args, result) =>
    result.base === 'string'
      ? extremeText(args, operator)
      : `${flink}(${args.map((a) => flinkAs(a, result)).join(', ')})`,
});

/** Half away from zero, as SQL does. */
const round = (a: number): number => {
  const t = Math.trunc(a);
  return Math.abs(a - t) >= 0.5 ? t + Math.sign(a) : t;
};

export const NUMBER: readonly FunctionRow[] = [
  arithmetic('add', (a, b) => a + b, '+'),
  arithmetic('sub', (a, b) => a - b, '-'),
  arithmetic('mul', (a, b) => a * b, '*'),
  arithmetic('div', (a, b) => a / b, '/'),
  arithmetic('mod', (a, b) => a % b, null),
  kept(
    'neg',
    (a) => -a,
    (x) => `(0 - ${x})`,
    true,
  ),
  kept('abs', Math.abs, (x) => `ABS(${x})`, true),
  kept('round', round, (x) => `MR_ROUND(${x})`, false),
  kept('floor', Math.floor, (x) => `MR_FINITE(FLOOR(${x}))`, false),
  kept('ceil', Math.ceil, (x) => `MR_FINITE(CEIL(${x}))`, false),
  extreme('least', (a, b) => a < b, 'LEAST', '<'),
  extreme('greatest', (a, b) => a > b, 'GREATEST', '>'),
  real('sqrt', 1, Math.sqrt, 'SQRT'),
  real('ln', 1, Math.log, 'LN'),
  real('exp', 1, Math.exp, 'EXP'),
  real('pow', 2, (a, b) => a ** b, 'POWER'),
];

/**
 * Arithmetic in IEEE doubles. `finite` and `whole` define results that are not finite or not exact.
 */

import { isNumeric, isWhole } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import {
  type Argument,
  type FunctionName,
  type FunctionRow,
  finite,
  type Implementation,
  whole,
} from './function-row.ts';
import { anyNull, castHint, comparable, is, of, show, unify } from './types.ts';

const numbers = (args: readonly Argument[]): boolean => args.every((a) => isNumeric(a.type));
const wholes = (args: readonly Argument[]): boolean => args.every((a) => isWhole(a.type));

const notNumbers = (args: readonly Argument[]): string =>
  `needs numbers, got ${show(args)}${castHint(args, 'double', 'int', 'long', 'float')}`;

/**
 * The result type of adding milliseconds to timestamps or days to dates; a difference is a long.
 */
function moved(name: string, args: readonly Argument[]): FieldType | null {
  const [a, b] = args as readonly [Argument, Argument];
  if (!is(a.type, 'timestamp', 'date'))
    return name === 'add' && is(b.type, 'timestamp', 'date') && isWhole(a.type)
      ? of(b.type.base, true)
      : null;
  if (isWhole(b.type)) return of(a.type.base, true);
  return name === 'sub' && a.type.base === b.type.base && !b.type.array ? of('long', true) : null;
}

/** Whether the arithmetic result is a double: otherwise it is a whole number, time or date. */
export const isReal = (name: FunctionName, args: readonly Argument[]): boolean =>
  name === 'div' || args.some((a) => is(a.type, 'float', 'double'));

const arithmetic = (name: FunctionName, js: (a: number, b: number) => number): FunctionRow => ({
  name,
  arity: [2, 2],
  nulls: 'strict',
  type: (args) => {
    if (numbers(args)) return of(wholes(args) && name !== 'div' ? 'long' : 'double', true);
    return (name === 'add' || name === 'sub' ? moved(name, args) : null) ?? notNumbers(args);
  },
  js: (args) => {
    return (
      isReal(name, args)
        ? (a: number, b: number) => finite(js(a, b))
        : (a: number, b: number) => whole(js(a, b))
    ) as Implementation;
  },
});

const real = (
  name: FunctionName,
  arity: 1 | 2,
  js: (...args: number[]) => number,
): FunctionRow => ({
  name,
  arity: [arity, arity],
  nulls: 'strict',
  type: (args) => (numbers(args) ? of('double', true) : notNumbers(args)),
  js: () =>
    (arity === 1
      ? (a: number) => finite(js(a))
      : (a: number, b: number) => finite(js(a, b))) as Implementation,
});

/** The result of a whole number is whole. */
const kept = (name: FunctionName, js: (a: number) => number): FunctionRow => ({
  name,
  arity: [1, 1],
  nulls: 'strict',
  type: (args) =>
    numbers(args) ? of(wholes(args) ? 'long' : 'double', anyNull(args)) : notNumbers(args),
  js: () => ((a: number) => js(a) + 0) as Implementation,
});

const extreme = (
  name: FunctionName,
  js: (a: number | string, b: number | string) => boolean,
): FunctionRow => ({
  name,
  arity: [2, 32],
  nulls: 'strict',
  type: (args) => {
    let type = (args[0] as Argument).type;
    for (const arg of args.slice(1)) {
      const both = comparable(type, arg.type) ? unify(type, arg.type) : null;
      if (both === null) return `needs values that compare, got ${show(args)}: cast one of them`;
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
});

/** Half away from zero, as SQL does. */
const round = (a: number): number => {
  const t = Math.trunc(a);
  return Math.abs(a - t) >= 0.5 ? t + Math.sign(a) : t;
};

export const NUMBER: readonly FunctionRow[] = [
  arithmetic('add', (a, b) => a + b),
  arithmetic('sub', (a, b) => a - b),
  arithmetic('mul', (a, b) => a * b),
  arithmetic('div', (a, b) => a / b),
  arithmetic('mod', (a, b) => a % b),
  kept('neg', (a) => -a),
  kept('abs', Math.abs),
  kept('round', round),
  kept('floor', Math.floor),
  kept('ceil', Math.ceil),
  extreme('least', (a, b) => a < b),
  extreme('greatest', (a, b) => a > b),
  real('sqrt', 1, Math.sqrt),
  real('ln', 1, Math.log),
  real('exp', 1, Math.exp),
  real('pow', 2, (a, b) => a ** b),
];

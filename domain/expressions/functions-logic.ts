/** Comparison, three-valued logic and nulls. */
import type { Scalar, Value } from '#domain/values/value.ts';
import type { Argument, FunctionName, FunctionRow, Implementation } from './function-row.ts';
import { anyNull, comparable, is, of, show, unify } from './types.ts';

const compared =
  (ordered: boolean) =>
  (args: readonly Argument[]): ReturnType<FunctionRow['type']> => {
    const [a, b] = args as readonly [Argument, Argument];
    if (!comparable(a.type, b.type))
      return `cannot compare ${show([a])} with ${show([b])}: compare numbers with numbers, or values of one type (cast one of them)`;
    if (ordered && is(a.type, 'boolean', 'bytes'))
      return `${show([a])} has no order: compare it with eq or ne`;
    return of('boolean', anyNull(args));
  };

const comparison = (
  name: FunctionName,
  ordered: boolean,
  js: (a: Scalar, b: Scalar) => boolean,
): FunctionRow => ({
  name,
  arity: [2, 2],
  nulls: 'strict',
  type: compared(ordered),
  js: () => js as Implementation,
});

const logic = (
  name: FunctionName,
  max: number,
  nulls: FunctionRow['nulls'],
  js: Implementation,
): FunctionRow => ({
  name,
  arity: [name === 'not' ? 1 : 2, max],
  nulls,
  type: (args) =>
    args.every((a) => is(a.type, 'boolean'))
      ? of('boolean', anyNull(args))
      : `needs booleans, got ${show(args)}: use a condition, such as isNotNull() or ne(0)`,
  js: () => js,
});

const nullTest = (name: FunctionName, js: (value: Value) => boolean): FunctionRow => ({
  name,
  arity: [1, 1],
  nulls: 'aware',
  type: () => of('boolean', false),
  js: () => js as Implementation,
});

type Truth = boolean | null;

export const LOGIC: readonly FunctionRow[] = [
  comparison('eq', false, (a, b) => a === b),
  comparison('ne', false, (a, b) => a !== b),
  comparison('gt', true, (a, b) => a > b),
  comparison('gte', true, (a, b) => a >= b),
  comparison('lt', true, (a, b) => a < b),
  comparison('lte', true, (a, b) => a <= b),
  logic('and', 2, 'aware', (a: Truth, b: Truth) =>
    a === false || b === false ? false : a === null || b === null ? null : true,
  ),
  logic('or', 2, 'aware', (a: Truth, b: Truth) =>
    a === true || b === true ? true : a === null || b === null ? null : false,
  ),
  logic('not', 1, 'strict', (a: boolean) => !a),
  nullTest('isNull', (value) => value === null),
  nullTest('isNotNull', (value) => value !== null),
  {
    name: 'coalesce',
    arity: [1, 32],
    nulls: 'aware',
    type: (args) => {
      let type = args[0]?.type;
      for (const arg of args.slice(1)) {
        const both = type && unify(type, arg.type);
        if (!both) return `the values must have one type, got ${show(args)}: cast one of them`;
        type = both;
      }
      return type ? { ...type, nullable: args.every((a) => a.type.nullable) } : 'needs an argument';
    },
    js: () =>
      ((...values: Value[]) => {
        for (const value of values) if (value !== null) return value;
        return null;
      }) as Implementation,
  },
  {
    name: 'in',
    arity: [2, 1_001],
    nulls: 'strict',
    literals: [-1],
    type: (args) => {
      const [first, ...rest] = args as readonly [Argument, ...Argument[]];
      const odd = rest.find((a) => !comparable(first.type, a.type));
      return odd
        ? `cannot look for ${show([odd])} among values of ${show([first])}: list values of that type`
        : of('boolean', first.type.nullable);
    },
    js: (args) => {
      const members = new Set(args.slice(1).map((a) => a.literal));
      return ((value: Scalar) => members.has(value)) as Implementation;
    },
  },
];

/** `cast(x, 'type')`: the value in the other type, or null where that type cannot hold it. */
import { suggestion } from '#domain/values/did-you-mean.ts';
import { isScalarType, SCALAR_TYPES } from '#domain/values/field-type.ts';
import type { Value } from '#domain/values/value.ts';
import { converter } from './casts.ts';
import type { Argument, FunctionRow, Implementation } from './function-row.ts';
import { of, show } from './types.ts';

const ends = (args: readonly Argument[]): ((value: never) => Value) | null => {
  const [value, to] = args as readonly [Argument, Argument];
  return isScalarType(to.literal) && !value.type.array
    ? converter(value.type.base, to.literal)
    : null;
};

export const CAST: readonly FunctionRow[] = [
  {
    name: 'cast',
    arity: [2, 2],
    nulls: 'strict',
    literals: [1],
    type: (args) => {
      const to = args[1]?.literal;
      if (!isScalarType(to))
        return `${JSON.stringify(to)} is not a type to cast to: the types are ${SCALAR_TYPES.join(', ')}${suggestion(String(to), SCALAR_TYPES)}`;
      return ends(args) === null ? `cannot cast ${show(args.slice(0, 1))} to ${to}` : of(to, true);
    },
    js: (args) => (ends(args) ?? (() => null)) as Implementation,
  },
];

/** min(x), max(x): a float slot for numbers and times, a reference slot for strings. */
import { fail } from '#domain/errors.ts';
import { formatFieldType, isNumeric } from '#domain/values/field-type.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import type { Aggregation, BoundAggregation, Partial, Slots } from './aggregation.ts';
import { nullable, scalarInput } from './parameters.ts';

const numberPartial = (
  id: 'min' | 'max',
  empty: number,
  better: (a: number, b: number) => boolean,
  mergeRun: NonNullable<Partial['mergeRun']>,
): Partial => ({
  id,
  form: { kind: 'plain', slots: [{ lift: id, combine: id, empty }] },
  nums: [{ name: 'value', type: 'double' }],
  refs: [],
  identity(s) {
    s.nums[s.n] = empty;
  },
  add(s, value) {
    // −0 becomes 0: the two compare equal, and the result must not depend on which came first.
    if (better(value as number, s.nums[s.n] as number)) s.nums[s.n] = (value as number) + 0;
  },
  merge(into, from) {
    if (better(from.nums[from.n] as number, into.nums[into.n] as number))
      into.nums[into.n] = from.nums[from.n] as number;
  },
  mergeRun,
});

const textPartial = (id: 'min' | 'max', better: (a: string, b: string) => boolean): Partial => {
  const take = (s: Slots, value: unknown): void => {
    if (value !== null && (s.refs[s.r] === null || better(value as string, s.refs[s.r] as string)))
      s.refs[s.r] = value;
  };
  return {
    id: `${id}-text`,
    form: { kind: 'textExtreme', end: id },
    nums: [],
    refs: [
      {
        name: 'value',
        type: { base: 'string', array: false, nullable: true },
        encode: (ref) => ref ?? null,
        decode: (data) => data ?? null,
      },
    ],
    identity(s) {
      s.refs[s.r] = null;
    },
    add: take,
    merge(into, from) {
      take(into, from.refs[from.r]);
    },
  };
};

const bound = (
  aggregation: 'min' | 'max',
  type: FieldType,
  numbers: Partial,
  texts: Partial,
  empty: number,
): BoundAggregation =>
  type.base === 'string'
    ? {
        type: nullable(type),
        form: { aggregation },
        partials: [texts],
        finalize: ([s]) => ((s as Slots).refs[(s as Slots).r] ?? null) as Value,
      }
    : {
        type: nullable(type),
        form: { aggregation },
        partials: [numbers],
        finalize([s]) {
          const value = (s as Slots).nums[(s as Slots).n] as number;
          return value === empty ? null : value;
        },
      };

const comparable = (name: string, input: FieldType | null): FieldType => {
  const type = scalarInput(name, input);
  if (
    isNumeric(type) ||
    type.base === 'timestamp' ||
    type.base === 'date' ||
    type.base === 'string'
  )
    return type;
  return fail(
    'MR_DEFINITION_INVALID',
    `${name} compares numbers, times, dates or strings, and its input is ${formatFieldType(type)}`,
  );
};

const less = <T>(a: T, b: T): boolean => a < b;
const more = <T>(a: T, b: T): boolean => a > b;
const minNumber = numberPartial(
  'min',
  Number.POSITIVE_INFINITY,
  less,
  (into, { nums, width, slots, from, to }, n) => {
    let least = into.nums[into.n] as number;
    for (let i = from; i < to; i++) {
      const x = nums[(slots[i] as number) * width + n] as number;
      if (x < least) least = x;
    }
    into.nums[into.n] = least;
  },
);
const maxNumber = numberPartial(
  'max',
  Number.NEGATIVE_INFINITY,
  more,
  (into, { nums, width, slots, from, to }, n) => {
    let most = into.nums[into.n] as number;
    for (let i = from; i < to; i++) {
      const x = nums[(slots[i] as number) * width + n] as number;
      if (x > most) most = x;
    }
    into.nums[into.n] = most;
  },
);
const minText = textPartial('min', less);
const maxText = textPartial('max', more);

export const min: Aggregation = {
  name: 'min',
  summary: 'The least value; null over nothing.',
  error: null,
  parameters: [],
  input: 'required',
  bind: (input) =>
    bound('min', comparable('min', input), minNumber, minText, Number.POSITIVE_INFINITY),
};

export const max: Aggregation = {
  name: 'max',
  summary: 'The greatest value; null over nothing.',
  error: null,
  parameters: [],
  input: 'required',
  bind: (input) =>
    bound('max', comparable('max', input), maxNumber, maxText, Number.NEGATIVE_INFINITY),
};

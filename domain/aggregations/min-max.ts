/** min(x), max(x): of numbers and times in a float slot, of strings in a reference slot. */
import { fail } from '#domain/errors.ts';
import { flinkType } from '#domain/sql/flink/types.ts';
import { formatFieldType, isNumeric } from '#domain/values/field-type.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import type { Aggregation, BoundAggregation, Partial, Slots } from './aggregation.ts';
import { nullable, scalarInput } from './parameters.ts';

const numberPartial = (
  id: string,
  empty: number,
  better: (a: number, b: number) => boolean,
  mergeRun: NonNullable<Partial['mergeRun']>,
): Partial => ({
  id,
  nums: [{ name: 'value', avro: 'double' }],
  refs: [],
  identity(s) {
    s.nums[s.n] = empty;
  },
  add(s, value) {
    // −0 becomes 0: they compare equal, and which came first must not show.
    if (better(value as number, s.nums[s.n] as number)) s.nums[s.n] = (value as number) + 0;
  },
  merge(into, from) {
    if (better(from.nums[from.n] as number, into.nums[into.n] as number))
      into.nums[into.n] = from.nums[from.n] as number;
  },
  mergeRun,
  // MR_FINITE makes −0 into 0; Flink's planner would leave out an added zero.
  flink: ({ value, filter }) => ({
    aggregates: [`${id.toUpperCase()}(MR_FINITE(CAST(${value} AS DOUBLE)))${filter}`],
    slots: ([s]) => [`COALESCE(${s}, CAST('${empty}' AS DOUBLE))`],
  }),
  flinkMerge: ([value], filter) => ({
    aggregates: [`${id.toUpperCase()}(${value})${filter}`],
    slots: ([s]) => [s as string],
  }),
});

const textPartial = (id: string, better: (a: string, b: string) => boolean): Partial => {
  const take = (s: Slots, value: unknown): void => {
    if (value !== null && (s.refs[s.r] === null || better(value as string, s.refs[s.r] as string)))
      s.refs[s.r] = value;
  };
  return {
    id: `${id}-text`,
    nums: [],
    refs: [
      {
        name: 'value',
        avro: ['null', 'string'],
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
    flink: ({ value, filter }) => ({
      aggregates: [`MR_${id.toUpperCase()}_TEXT(${value})${filter}`],
      slots: ([s]) => [s as string],
    }),
    flinkMerge: ([value], filter) => ({
      aggregates: [`MR_${id.toUpperCase()}_TEXT(${value})${filter}`],
      slots: ([s]) => [s as string],
    }),
  };
};

const bound = (
  type: FieldType,
  numbers: Partial,
  texts: Partial,
  empty: number,
): BoundAggregation =>
  type.base === 'string'
    ? {
        type: nullable(type),
        partials: [texts],
        finalize: ([s]) => ((s as Slots).refs[(s as Slots).r] ?? null) as Value,
        flinkValue: ([s]) => s?.[0] as string,
      }
    : {
        type: nullable(type),
        partials: [numbers],
        finalize([s]) {
          const value = (s as Slots).nums[(s as Slots).n] as number;
          return value === empty ? null : value;
        },
        flinkValue: ([s]) => `CAST(MR_FINITE(${s?.[0]}) AS ${flinkType(type)})`,
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
  input: 'required',
  bind: (input) => bound(comparable('min', input), minNumber, minText, Number.POSITIVE_INFINITY),
};

export const max: Aggregation = {
  name: 'max',
  summary: 'The greatest value; null over nothing.',
  input: 'required',
  bind: (input) => bound(comparable('max', input), maxNumber, maxText, Number.NEGATIVE_INFINITY),
};

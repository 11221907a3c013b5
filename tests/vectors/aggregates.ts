/**
 * Difficult events, and the states that the TypeScript partials compute from them, split and merged
 * in several ways.
 */

import type { Partial, Slots } from '#domain/aggregations/aggregation.ts';
import { first, firstK, last, lastK } from '#domain/aggregations/first-last.ts';
import { approxCountDistinct } from '#domain/aggregations/hyper-log-log.ts';
import { keptAs } from '#domain/aggregations/kept-type.ts';
import { max, min } from '#domain/aggregations/min-max.ts';
import { newSlots } from '#domain/aggregations/slots.ts';
import { sumPartial } from '#domain/aggregations/sum.ts';
import { valueCountsPartial } from '#domain/aggregations/value-counts.ts';
import { momentsPartial } from '#domain/aggregations/variance.ts';
import { avroCodec } from '#domain/avro/codec.ts';
import { stateAvro } from '#domain/avro/types.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import type { FieldType, Value } from '#domain/values/value.ts';

interface Event {
  readonly value: Value;
  readonly eventTime: number;
  readonly partition: number;
  readonly offset: number;
}

interface Subject {
  readonly function: string;
  /** the argument after the value (and order): k, or the limit */
  readonly parameter: number | null;
  readonly type: FieldType;
  readonly partial: Partial;
}

/** A small generator, so that the vectors do not change with a library. */
export const random = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
};

const TEXTS = [
  '',
  'a',
  'b',
  'aa',
  'Zürich',
  'é',
  '\u{1f600}',
  '\uffee',
  '\ud7ff',
  'ab\u0000c',
  '"quoted"',
  '日本',
];

const scalar = (base: string, next: () => number): Value => {
  const small = Math.floor(next() * 12);
  switch (base) {
    case 'string':
      return TEXTS[small] as string;
    case 'boolean':
      return next() < 0.5;
    case 'int':
    case 'date':
      return small === 0 ? -2147483648 : small === 1 ? 2147483647 : small - 6;
    case 'timestamp':
      return small * 1_000_000_007 - 6;
    case 'long':
      return small === 0
        ? -9007199254740991
        : small === 1
          ? 9007199254740991
          : small * 1_000_000_007 - 6;
    case 'float':
      return small === 0 ? -0 : Math.fround((next() - 0.5) * 1000);
    default:
      return small === 0
        ? -0
        : small === 1
          ? 0.1
          : small === 2
            ? 1e16
            : small === 3
              ? -1e16
              : (next() - 0.5) * 10 ** small;
  }
};

const eventsOf = (type: FieldType, count: number, seed: number): Event[] => {
  const next = random(seed);
  return Array.from({ length: count }, (_, i) => ({
    value: type.array
      ? Array.from({ length: Math.floor(next() * 4) }, () => scalar(type.base, next))
      : scalar(type.base, next),
    // Times collide, so that partition and offset decide the order.
    eventTime: 1_700_000_000_000 + Math.floor(next() * 4),
    partition: Math.floor(next() * 3),
    offset: 1000 - i,
  }));
};

const states = ({ partial }: Subject): Slots => {
  const slots = newSlots(partial.nums.length, partial.refs.length);
  partial.identity(slots);
  return slots;
};

/** The state's Avro type: a record of its floats, or the type of its reference. */
const avroOf = ({ partial }: Subject): unknown =>
  partial.refs[0] === undefined
    ? {
        type: 'record',
        name: 'State',
        fields: partial.nums.map(({ name, type }) => ({ name, type })),
      }
    : stateAvro(partial.refs[0].type);

const plain = ({ partial }: Subject, slots: Slots): unknown =>
  partial.refs[0] === undefined
    ? Object.fromEntries(partial.nums.map(({ name }, i) => [name, slots.nums[i]]))
    : partial.refs[0].encode(slots.refs[0]);

/**
 * Parts of the events, by index: the whole, single events, halves, and thirds with an empty part
 * between them.
 */
const splitsOf = (count: number): number[][][] => {
  const all = Array.from({ length: count }, (_, i) => i);
  const third = Math.floor(count / 3);
  return [
    [all],
    all.map((i) => [i]),
    [all.filter((i) => i % 2 === 1), all.filter((i) => i % 2 === 0)],
    [all.slice(2 * third), [], all.slice(0, third), all.slice(third, 2 * third)],
  ];
};

/** JSON has no −0, so values are text, or lists of text. */
const text = (value: Value): unknown =>
  Array.isArray(value) ? value.map(text) : Object.is(value, -0) ? '-0' : String(value);

const caseOf = (subject: Subject, events: readonly Event[]): object => {
  const codec = avroCodec(avroOf(subject));
  const { partial } = subject;
  const add = (slots: Slots, i: number): void => {
    const { value, ...order } = events[i] as Event;
    partial.add(slots, value, order);
  };
  return {
    function: subject.function,
    parameter: subject.parameter,
    type: `${subject.type.base}${subject.type.array ? '[]' : ''}`,
    avro: avroOf(subject),
    events: events.map(({ value, eventTime, partition, offset }) => [
      text(value),
      eventTime,
      partition,
      offset,
    ]),
    splits: splitsOf(events.length).map((parts) => {
      const whole = states(subject);
      for (const part of parts) {
        const one = states(subject);
        for (const i of part) add(one, i);
        if (parts.length === 1) {
          const state = plain(subject, one);
          return { parts, state, hex: codec.toBuffer(state).toString('hex') };
        }
        partial.merge(whole, one);
      }
      const state = plain(subject, whole);
      return { parts, state, hex: codec.toBuffer(state).toString('hex') };
    }),
  };
};

const subjects = (): Subject[] => {
  const type = (name: string): FieldType => parseFieldType(name);
  const scalars = ['string', 'int', 'long', 'float', 'double', 'boolean', 'timestamp', 'date'];
  /** A job passes numbers as the state keeps them. */
  const kept = scalars.filter((t) => keptAs(type(t)).type.base === t);
  const one = (aggregation: typeof first, input: FieldType, params = {}): Partial =>
    aggregation.bind(input, params).partials[0] as Partial;
  const distinct = (input: FieldType, precision: number): Partial =>
    approxCountDistinct.bind(input, { precision }).partials[0] as Partial;
  return [
    { function: 'MR_SUM', parameter: null, type: type('double'), partial: sumPartial },
    { function: 'MR_MOMENTS', parameter: null, type: type('double'), partial: momentsPartial },
    {
      function: 'MR_MIN_TEXT',
      parameter: null,
      type: type('string'),
      partial: one(min, type('string')),
    },
    {
      function: 'MR_MAX_TEXT',
      parameter: null,
      type: type('string'),
      partial: one(max, type('string')),
    },
    ...[...kept, ...['string', 'long', 'double', 'boolean'].map((t) => `array<${t}>`)].flatMap(
      (t) => [
        { function: 'MR_FIRST', parameter: 1, type: type(t), partial: one(first, type(t)) },
        { function: 'MR_LAST', parameter: 1, type: type(t), partial: one(last, type(t)) },
      ],
    ),
    ...kept.flatMap((t) => [
      {
        function: 'MR_FIRST',
        parameter: 3,
        type: type(t),
        partial: one(firstK, type(t), { k: 3 }),
      },
      { function: 'MR_LAST', parameter: 5, type: type(t), partial: one(lastK, type(t), { k: 5 }) },
    ]),
    ...scalars.flatMap((t) => [
      {
        function: 'MR_COUNTS',
        parameter: 100,
        type: type(t),
        partial: valueCountsPartial(type(t), 100),
      },
      { function: 'MR_HLL', parameter: 12, type: type(t), partial: distinct(type(t), 12) },
      // few registers, so that states are arrays
      { function: 'MR_HLL', parameter: 4, type: type(t), partial: distinct(type(t), 4) },
      {
        function: 'MR_COUNTS',
        parameter: 4,
        type: type(t),
        partial: valueCountsPartial(type(t), 4),
      },
    ]),
  ];
};

export const aggregateVectors = (): object[] =>
  subjects().flatMap((subject, i) =>
    [0, 1, 13].map((count) => caseOf(subject, eventsOf(subject.type, count, 31 * i + count))),
  );

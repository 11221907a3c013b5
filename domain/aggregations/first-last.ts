/**
 * first, last, firstK, lastK in the total order (event time, partition, offset). They share one
 * partial: the K ordered values nearest to one end, sorted. `first` and `last` have K = 1.
 */
import { BASE_TYPES } from '#domain/values/base-types.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { FieldType, ScalarType, Value } from '#domain/values/value.ts';
import type { Aggregation, Order, Partial, RefField, Slots } from './aggregation.ts';
import { keptAs } from './kept-type.ts';
import {
  inputOf,
  K,
  LONG,
  nullable,
  numberParameter,
  scalarInput,
  wordParameter,
} from './parameters.ts';

interface Entry extends Order {
  readonly value: Value;
}

const compare = (a: Order, b: Order): number =>
  a.eventTime - b.eventTime || a.partition - b.partition || a.offset - b.offset;

/** Lists of entries are replaced, never changed, so that states may share them. */
const NONE: readonly Entry[] = [];

const keep = (list: readonly Entry[], entry: Entry, k: number, sign: 1 | -1): readonly Entry[] => {
  if (k === 1)
    return list.length === 0 || sign * compare(entry, list[0] as Entry) < 0 ? [entry] : list;
  let at = list.length;
  while (at > 0 && sign * compare(entry, list[at - 1] as Entry) < 0) at--;
  if (at >= k) return list;
  if (at > 0 && compare(list[at - 1] as Entry, entry) === 0) return list;
  return [...list.slice(0, at), entry, ...list.slice(at, k - 1)];
};

/** More entries than this are merged as lists: added one by one, each would copy the list. */
const FEW = 4;

const mergedLists = (
  a: readonly Entry[],
  b: readonly Entry[],
  k: number,
  sign: 1 | -1,
): readonly Entry[] => {
  const list: Entry[] = [];
  let [i, j] = [0, 0];
  while (list.length < k && (i < a.length || j < b.length)) {
    const order =
      i === a.length ? 1 : j === b.length ? -1 : sign * compare(a[i] as Entry, b[j] as Entry);
    list.push((order <= 0 ? a[i] : b[j]) as Entry);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return list;
};

interface PlainEntry {
  readonly event_time: number;
  readonly partition: number;
  readonly offset: number;
  readonly value: Value;
}

/** One number and its position: partition (−1: no entry), event time, offset, value. */
const oneNumber: NonNullable<RefField['doubles']> = {
  width: 4,
  record: { fields: ['partition', 'event_time', 'offset', 'value'], none: [-1, 0, 0, 0] },
  write(data, into, at) {
    const [entry] = data as readonly PlainEntry[];
    into[at] = entry === undefined ? -1 : entry.partition;
    into[at + 1] = entry === undefined ? 0 : entry.event_time;
    into[at + 2] = entry === undefined ? 0 : entry.offset;
    into[at + 3] = entry === undefined ? 0 : (entry.value as number);
  },
  read: (from, at) =>
    from[at] === -1
      ? NONE
      : [
          {
            eventTime: from[at + 1] as number,
            partition: from[at] as number,
            offset: from[at + 2] as number,
            value: from[at + 3] as number,
          },
        ],
};

const numberOf = (from: Float64Array, at: number): number | null =>
  from[at] === -1 ? null : (from[at + 3] as number);

/** sign 1: the first K, oldest first; −1: the last K, newest first */
export const orderedPartial = (input: FieldType, k: number, sign: 1 | -1): Partial => {
  const { type, numbers, former } = keptAs(input);
  const end = sign === 1 ? 'first' : 'last';
  const idOf = (base: ScalarType): string => `${end}${k}-${base}${type.array ? '[]' : ''}`;
  return {
    id: idOf(type.base),
    formerIds: former.map(idOf),
    form: { kind: 'ordered', end, k, numbers },
    ...orderedState(type, k, sign),
  };
};

const orderedState = (
  type: FieldType,
  k: number,
  sign: 1 | -1,
): Omit<Partial, 'id' | 'formerIds' | 'form'> => ({
  nums: [],
  refs: [
    {
      name: 'entries',
      type: {
        list: {
          record: `Ordered_${type.base}${type.array ? '_array' : ''}`,
          fields: [
            { name: 'event_time', type: LONG },
            { name: 'partition', type: fieldType('int') },
            { name: 'offset', type: LONG },
            { name: 'value', type },
          ],
        },
      },
      encode: (ref) =>
        (ref as readonly Entry[]).map((e) => ({
          event_time: e.eventTime,
          partition: e.partition,
          offset: e.offset,
          value: e.value,
        })),
      decode: (data) =>
        (data as readonly PlainEntry[]).map((e) => ({
          eventTime: e.event_time,
          partition: e.partition,
          offset: e.offset,
          value: e.value,
        })),
      ...(k === 1 && !type.array && BASE_TYPES[type.base].runtime === 'number'
        ? { doubles: oneNumber }
        : {}),
    },
  ],
  identity(s) {
    s.refs[s.r] = NONE;
  },
  add(s, value, { eventTime, partition, offset }) {
    // −0 becomes 0, as it does in JSON.
    s.refs[s.r] = keep(
      s.refs[s.r] as readonly Entry[],
      { eventTime, partition, offset, value: value === 0 ? 0 : value },
      k,
      sign,
    );
  },
  merge(into, from) {
    let list = into.refs[into.r] as readonly Entry[];
    if (list.length === 0) {
      into.refs[into.r] = from.refs[from.r];
      return;
    }
    const more = from.refs[from.r] as readonly Entry[];
    if (more.length > FEW) list = mergedLists(list, more, k, sign);
    else for (const entry of more) list = keep(list, entry, k, sign);
    into.refs[into.r] = list;
  },
});

export const entriesOf = (s: Slots | undefined): readonly Entry[] =>
  s === undefined ? NONE : (s.refs[s.r] as readonly Entry[]);

/** 1 where an event has a value, 0 where it has a null */
export const PRESENCE: FieldType = fieldType('int');

const NULLS = {
  name: 'nulls',
  says: 'whether a null is a value (`keep`) or does not count (`skip`); over a dimension, `keep`',
  kind: 'word',
  words: ['skip', 'keep'],
  fallback: 'skip',
} as const;

/**
 * With `nulls: 'keep'`, the event at the end decides also where its value is null. If it has a
 * value, that is the value nearest to the end; so two states without nulls suffice.
 */
const one = (name: 'first' | 'last', summary: string, sign: 1 | -1): Aggregation => ({
  name,
  summary,
  error: null,
  parameters: [NULLS],
  input: 'required',
  bind(input, params) {
    const type = inputOf(name, input);
    const nulls = wordParameter(name, params, NULLS);
    const partial = orderedPartial(type, 1, sign);
    if (nulls === 'keep')
      return {
        type: nullable(type),
        form: { aggregation: name, nulls },
        partials: [partial, orderedPartial(PRESENCE, 1, sign)],
        inputs: ['input', 'presence'],
        finalize: ([value, presence]) =>
          entriesOf(presence)[0]?.value === 1 ? (entriesOf(value)[0]?.value ?? null) : null,
      };
    return {
      type: nullable(type),
      form: { aggregation: name, nulls },
      partials: [partial],
      finalize: ([s]) => entriesOf(s)[0]?.value ?? null,
      ...(partial.refs[0]?.doubles === undefined ? {} : { ofDoubles: numberOf }),
    };
  },
});

const many = (name: 'firstK' | 'lastK', summary: string, sign: 1 | -1): Aggregation => ({
  name,
  summary,
  error: null,
  parameters: [K],
  input: 'required',
  bind(input, params) {
    const type = scalarInput(name, input);
    const k = numberParameter(name, params, K);
    return {
      type: { base: type.base, array: true, nullable: true },
      form: { aggregation: name },
      partials: [orderedPartial(type, k, sign)],
      finalize([s]) {
        const entries = entriesOf(s);
        return entries.length === 0 ? null : entries.map((e) => e.value);
      },
    };
  },
});

export const first = one(
  'first',
  'The value of the oldest event, by event time and then by position in the log; null over nothing.',
  1,
);
export const last = one(
  'last',
  'The value of the newest event, by event time and then by position in the log; null over nothing.',
  -1,
);
export const firstK = many(
  'firstK',
  'The values of the k oldest events, oldest first; null over nothing.',
  1,
);
export const lastK = many(
  'lastK',
  'The values of the k newest events, newest first; null over nothing.',
  -1,
);

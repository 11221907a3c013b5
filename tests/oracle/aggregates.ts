/** Every aggregation over the list of its values, by the textbook formula. */
import type { RawEvent, Scalar, Value } from '#domain/values/value.ts';

export interface Observed {
  readonly value: Value;
  readonly event: RawEvent;
}

export interface Naive {
  readonly value: Value;
  readonly overflow: boolean;
}

const BITS = new DataView(new ArrayBuffer(8));

/** A double as a whole number of 2^−1074: sums of these are exact. */
const scaled = (x: number): bigint => {
  BITS.setFloat64(0, x);
  const bits = BITS.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = exponent === 0 ? fraction : (fraction | (1n << 52n)) << BigInt(exponent - 1);
  return bits >> 63n === 1n ? -magnitude : magnitude;
};

/** Back to a double, accurate to the last digit or two. */
const unscaled = (n: bigint): number => {
  const size = (n < 0n ? -n : n).toString(2).length;
  const drop = BigInt(Math.max(0, size - 64));
  const exponent = Number(drop) - 1074;
  return Number(n >> drop) * 2 ** Math.max(exponent, -1000) * 2 ** Math.min(0, exponent + 1000);
};

const total = (xs: readonly number[]): number =>
  unscaled(xs.reduce((sum, x) => sum + scaled(x), 0n));
const mean = (xs: readonly number[]): number => total(xs) / xs.length;
const spread = (xs: readonly number[]): number | null => {
  if (xs.length < 2) return null;
  const middle = mean(xs);
  return total(xs.map((x) => (x - middle) ** 2)) / (xs.length - 1);
};

/** Events in the total order. */
export const inOrder = (events: readonly RawEvent[]): readonly RawEvent[] =>
  events.toSorted(
    (a, b) => a.eventTime - b.eventTime || a.partition - b.partition || a.offset - b.offset,
  );

const valuesInOrder = (seen: readonly Observed[]): readonly Value[] => {
  const byEvent = new Map(seen.map(({ event, value }) => [event, value]));
  return inOrder([...byEvent.keys()]).map((event) => byEvent.get(event) ?? null);
};

const some = (values: readonly Value[]): Value => (values.length === 0 ? null : values);
const ascending = (a: Scalar, b: Scalar): number => (a < b ? -1 : a > b ? 1 : 0);

const tally = (values: readonly Value[]): { readonly value: Scalar; readonly count: number }[] =>
  [...new Set(values as readonly Scalar[])].map((value) => ({
    value,
    count: values.filter((v) => v === value).length,
  }));

const buckets = (xs: readonly number[], edges: readonly number[]): Value => {
  const bounds = [Number.NEGATIVE_INFINITY, ...edges, Number.POSITIVE_INFINITY];
  return some(
    xs.length === 0
      ? []
      : bounds
          .slice(1)
          .map((end, i) => xs.filter((x) => x >= (bounds[i] as number) && x < end).length),
  );
};

/** An exact whole-number sum; null outside ±(2^53 − 1). */
const wholeTotal = (xs: readonly number[]): number | null => {
  const sum = xs.reduce((n, x) => n + BigInt(x), 0n);
  return sum >= BigInt(Number.MIN_SAFE_INTEGER) && sum <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(sum)
    : null;
};

type Params = Readonly<Record<string, Value>>;

const naive: Readonly<
  Record<string, (seen: readonly Observed[], params: Params, whole: boolean) => Value | 'overflow'>
> = {
  count: (seen) => seen.length,
  sum: (seen, _, whole) => (seen.length === 0 ? null : (whole ? wholeTotal : total)(numbers(seen))),
  avg: (seen) => (seen.length === 0 ? null : mean(numbers(seen))),
  min: (seen) => (values(seen) as Scalar[]).toSorted(ascending)[0] ?? null,
  max: (seen) => (values(seen) as Scalar[]).toSorted(ascending).at(-1) ?? null,
  variance: (seen) => spread(numbers(seen)),
  stddev(seen) {
    const variance = spread(numbers(seen));
    return variance === null ? null : Math.sqrt(variance);
  },
  first: (seen) => valuesInOrder(seen)[0] ?? null,
  last: (seen) => valuesInOrder(seen).at(-1) ?? null,
  firstK: (seen, { k }) => some(valuesInOrder(seen).slice(0, k as number)),
  lastK: (seen, { k }) =>
    some(
      valuesInOrder(seen)
        .toReversed()
        .slice(0, k as number),
    ),
  countDistinct: (seen, { limit = 10_000 }) =>
    atMost(tally(values(seen)), limit as number, (t) => t.length),
  histogram: (seen, { edges }) => buckets(numbers(seen), edges as readonly number[]),
  // The exact answers; sameValue allows for the sketches' errors.
  approxCountDistinct: (seen) => tally(values(seen)).length,
  approxPercentile: (seen, { q }) =>
    numbers(seen).toSorted((a, b) => a - b)[Math.floor((q as number) * (seen.length - 1))] ?? null,
  approxTopK: (seen, { k }) => topValues(tally(values(seen)), k as number),
  topK: (seen, { k, limit = 1000 }) =>
    atMost(tally(values(seen)), limit as number, (t) => topValues(t, k as number)),
};

const topValues = (
  all: readonly { readonly value: Scalar; readonly count: number }[],
  k: number,
): Value =>
  some(
    all
      .toSorted((a, b) => b.count - a.count || ascending(a.value, b.value))
      .slice(0, k)
      .map(({ value }) => value),
  );

const values = (seen: readonly Observed[]): readonly Value[] => seen.map(({ value }) => value);
const numbers = (seen: readonly Observed[]): readonly number[] => values(seen) as readonly number[];
const atMost = <T>(
  all: readonly T[],
  limit: number,
  then: (all: readonly T[]) => Value,
): Value | 'overflow' => (all.length > limit ? 'overflow' : then(all));

/** @param seen without nulls, except for count(*) */
export const aggregate = (
  name: string,
  seen: readonly Observed[],
  params: Params,
  whole: boolean,
): Naive => {
  const compute = naive[name];
  if (compute === undefined) throw new Error(`the oracle does not know ${name}`);
  const value = compute(seen, params, whole);
  return value === 'overflow' && (name === 'countDistinct' || name === 'topK')
    ? { value: null, overflow: true }
    : { value, overflow: false };
};

export const AGGREGATES: readonly string[] = Object.keys(naive);

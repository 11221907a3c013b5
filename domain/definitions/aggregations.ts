/**
 * The builders of features, one for each aggregation of `domain/aggregations/table.ts`, with the
 * same parameters.
 */
import { type Expression, type Operand, toExpr } from '#domain/expressions/build.ts';
import type { DurationText } from '#domain/values/duration.ts';
import type { Value } from '#domain/values/value.ts';
import type { FeatureDefinition } from './model.ts';

export interface FeatureOptions {
  /** absent: all time */
  readonly window?: DurationText;
  /** must divide the window; absent: a default that depends on the window */
  readonly hop?: DurationText;
  /** only events for which this is true count */
  readonly where?: Expression;
  readonly description?: string;
}

type Params = Readonly<Record<string, Value | undefined>>;

function feature(
  aggregation: string,
  input: Operand | undefined,
  params: Params,
  options: FeatureOptions = {},
): FeatureDefinition {
  const given = Object.entries(params).filter(
    (entry): entry is [string, Value] => entry[1] !== undefined,
  );
  return {
    aggregation,
    input: input === undefined ? null : toExpr(input),
    ...(given.length > 0 && { params: Object.fromEntries(given) }),
    ...(options.window !== undefined && { window: options.window }),
    ...(options.hop !== undefined && { hop: options.hop }),
    ...(options.where !== undefined && { where: toExpr(options.where) }),
    ...(options.description !== undefined && { description: options.description }),
  };
}

const plain =
  (aggregation: string) =>
  (input: Expression, options?: FeatureOptions): FeatureDefinition =>
    feature(aggregation, input, {}, options);

const ofK =
  (aggregation: string) =>
  (input: Expression, k: number, options?: FeatureOptions): FeatureDefinition =>
    feature(aggregation, input, { k }, options);

/** `count()` counts events; `count(col('x'))` counts events where x is not null. */
export function count(options?: FeatureOptions): FeatureDefinition;
export function count(input: Expression, options?: FeatureOptions): FeatureDefinition;
export function count(
  first?: Expression | FeatureOptions,
  options?: FeatureOptions,
): FeatureDefinition {
  if (first !== undefined && 'op' in first) return feature('count', first, {}, options);
  return feature('count', undefined, {}, first);
}

export const sum = plain('sum');
export const avg = plain('avg');
export const min = plain('min');
export const max = plain('max');
/** of a sample, as in SQL */
export const variance = plain('variance');
export const stddev = plain('stddev');
/** in order of event time, then of log position */
const oneOf =
  (aggregation: string) =>
  (
    input: Expression,
    options: FeatureOptions & {
      /**
       * `skip`: an event without a value does not count; `keep`: its null is the value. Default:
       * `keep` over a source with `dimension`, where a row is the whole state; else `skip`
       */
      readonly nulls?: 'skip' | 'keep';
    } = {},
  ): FeatureDefinition =>
    feature(aggregation, input, { nulls: options.nulls }, options);
export const first = oneOf('first');
export const last = oneOf('last');
export const firstK = ofK('firstK');
export const lastK = ofK('lastK');

/** Exact; null with status `overflow` past `limit` distinct values (default 10,000). */
export const countDistinct = (
  input: Expression,
  options: FeatureOptions & { readonly limit?: number } = {},
): FeatureDefinition => feature('countDistinct', input, { limit: options.limit }, options);

/** The number of values between edges: (−∞, e0), [e0, e1), …, [en, ∞). */
export const histogram = (
  input: Expression,
  edges: readonly number[],
  options?: FeatureOptions,
): FeatureDefinition => feature('histogram', input, { edges }, options);

/** Exact over at most `limit` distinct values (default 1,000). */
export const topK = (
  input: Expression,
  k: number,
  options: FeatureOptions & { readonly limit?: number } = {},
): FeatureDefinition => feature('topK', input, { k, limit: options.limit }, options);

/** HyperLogLog with 2^`precision` registers (default 12: standard error 1.6 %). */
export const approxCountDistinct = (
  input: Expression,
  options: FeatureOptions & { readonly precision?: number } = {},
): FeatureDefinition =>
  feature('approxCountDistinct', input, { precision: options.precision }, options);

/** DDSketch: `q` from 0 to 1; `accuracy` is the relative error (default 0.01). */
export const approxPercentile = (
  input: Expression,
  q: number,
  options: FeatureOptions & { readonly accuracy?: number } = {},
): FeatureDefinition =>
  feature('approxPercentile', input, { q, accuracy: options.accuracy }, options);

/** Over a uniform sample of `capacity` events (default 1,024). */
export const approxTopK = (
  input: Expression,
  k: number,
  options: FeatureOptions & { readonly capacity?: number } = {},
): FeatureDefinition => feature('approxTopK', input, { k, capacity: options.capacity }, options);

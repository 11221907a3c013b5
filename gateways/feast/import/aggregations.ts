/** Converts the aggregations of a stream feature view to windowed features. */

import * as aggregations from '#domain/definitions/index.ts';
import { col } from '#domain/definitions/index.ts';
import type { FeatureDefinition } from '#domain/definitions/model.ts';
import type { Expression } from '#domain/expressions/build.ts';
import { MAX_TILES } from '#domain/plan/hop.ts';
import type { DurationText } from '#domain/values/duration.ts';
import { durationOf, millisecondsOf } from './common.ts';
import type { FeastAggregation } from './model.ts';

interface Options {
  readonly window?: DurationText;
  readonly hop?: DurationText;
}
type Builder = (input: Expression, options: Options) => FeatureDefinition;

/** Feast passes the name to its engine (Spark, pandas): the names of each function in these. */
const BUILDERS: ReadonlyMap<string, Builder> = new Map(
  Object.entries<Builder>({
    sum: aggregations.sum,
    mean: aggregations.avg,
    avg: aggregations.avg,
    min: aggregations.min,
    max: aggregations.max,
    count: aggregations.count,
    std: aggregations.stddev,
    stddev: aggregations.stddev,
    stddev_samp: aggregations.stddev,
    var: aggregations.variance,
    variance: aggregations.variance,
    var_samp: aggregations.variance,
    first: aggregations.first,
    last: aggregations.last,
    count_distinct: aggregations.countDistinct,
    nunique: aggregations.countDistinct,
    approx_count_distinct: aggregations.approxCountDistinct,
  }),
);

/** Null: Millrace has no such aggregation. */
export const aggregationOf = (
  aggregation: FeastAggregation,
  field: string,
): FeatureDefinition | null => {
  const build = BUILDERS.get(aggregation.function.toLowerCase());
  if (build === undefined) return null;
  const window = durationOf(aggregation.timeWindow);
  const hop = durationOf(aggregation.slideInterval);
  const [size, step] = [
    millisecondsOf(aggregation.timeWindow),
    millisecondsOf(aggregation.slideInterval),
  ];
  const fits =
    window !== undefined &&
    hop !== undefined &&
    step < size &&
    size % step === 0 &&
    size / step <= MAX_TILES;
  return build(col(field), { ...(window !== undefined && { window }), ...(fits && { hop }) });
};

/** The names of its result in Feast's engines, the most likely first. */
export const outputNames = ({
  name,
  function: fn,
  column,
  timeWindow,
}: FeastAggregation): readonly string[] => {
  const seconds = Math.floor(millisecondsOf(timeWindow) / 1000);
  return [name, seconds > 0 ? `${fn}_${column}_${seconds}s` : '', `${fn}_${column}`].filter(
    (text) => text !== '',
  );
};

const NUMBERS = new Set([
  'sum',
  'mean',
  'avg',
  'min',
  'max',
  'std',
  'stddev',
  'stddev_samp',
  'var',
  'variance',
  'var_samp',
]);
export const needsNumber = ({ function: fn }: FeastAggregation): boolean =>
  NUMBERS.has(fn.toLowerCase());

/**
 * All aggregations. A new one is one file, one row here, its forms (`forms.ts`) and one row in each
 * SQL dialect.
 */
import { fail } from '#domain/errors.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import type { Aggregation } from './aggregation.ts';
import { approxTopK } from './approx-top-k.ts';
import { avg } from './avg.ts';
import { count } from './count.ts';
import { countDistinct } from './count-distinct.ts';
import { approxPercentile } from './dd-sketch.ts';
import { first, firstK, last, lastK } from './first-last.ts';
import { histogram } from './histogram.ts';
import { approxCountDistinct } from './hyper-log-log.ts';
import { max, min } from './min-max.ts';
import { sum } from './sum.ts';
import { topK } from './top-k.ts';
import { stddev, variance } from './variance.ts';

const ALL: readonly Aggregation[] = [
  count,
  sum,
  avg,
  min,
  max,
  variance,
  stddev,
  first,
  last,
  firstK,
  lastK,
  countDistinct,
  histogram,
  topK,
  approxCountDistinct,
  approxPercentile,
  approxTopK,
];

export const AGGREGATIONS: ReadonlyMap<string, Aggregation> = new Map(
  ALL.map((aggregation) => [aggregation.name, aggregation]),
);

export const aggregationNamed = (name: string): Aggregation => {
  const names = [...AGGREGATIONS.keys()];
  return (
    AGGREGATIONS.get(name) ??
    fail(
      'MR_DEFINITION_INVALID',
      `there is no aggregation "${name}": the aggregations are ${names.join(', ')}${suggestion(name, names)}`,
      { aggregation: name },
    )
  );
};

/**
 * Aggregations as aggregate functions of an engine, over a column that has the input of the events
 * that count and is null for all others; or why an engine's own would give other values.
 */
import type { BoundAggregation } from '#domain/aggregations/aggregation.ts';
import type { AggregationName } from '#domain/aggregations/forms.ts';
import type { FieldType } from '#domain/values/value.ts';
import type { NotSupported } from '../dialect.ts';
import { finite, ORDER_NOTE } from './numbers.ts';
import { doubleLiteral, type Syntax } from './syntax.ts';

export interface Aggregated {
  readonly syntax: Syntax;
  /** quoted; of count(*), 1 */
  readonly column: string;
  /** of the input; null: count(*) */
  readonly type: FieldType | null;
  readonly bound: BoundAggregation;
  /** the columns of the total order */
  readonly order: readonly string[];
  readonly note: (text: string) => void;
}

type Printer = (aggregated: Aggregated) => string | NotSupported;

const SUM_NOTE =
  'Sums of doubles may differ in the last digits: an engine adds them in an order of its own.';

const same = (sql: string): string => sql;

const doubles = ({ syntax, column, type }: Aggregated): string =>
  type?.base === 'double' ? column : `CAST(${column} AS ${syntax.types.double})`;

const wholeSum = ({ syntax: { types }, column }: Aggregated): string => {
  const sum = `SUM(CAST(${column} AS ${types.decimal}))`;
  return `CASE WHEN ABS(${sum}) <= ${Number.MAX_SAFE_INTEGER} THEN CAST(${sum} AS ${types.long}) END`;
};

const ofDoubles =
  (name: (aggregated: Aggregated) => string): Printer =>
  (aggregated) => {
    aggregated.note(SUM_NOTE);
    return finite(same, `${name(aggregated)}(${doubles(aggregated)})`);
  };

const spread =
  (name: (syntax: Syntax) => string): Printer =>
  (aggregated) => {
    const { column, syntax, note } = aggregated;
    note(SUM_NOTE);
    const value = `${name(syntax)}(${doubles(aggregated)})`;
    return `CASE WHEN COUNT(${column}) >= 2 THEN ${finite(same, value)} END`;
  };

const extreme =
  (name: 'MIN' | 'MAX'): Printer =>
  ({ column, type, note }) => {
    if (type?.base === 'string') note(ORDER_NOTE);
    return `${name}(${column})`;
  };

const atEnd =
  (end: 'first' | 'last'): Printer =>
  ({ syntax, column, type, bound: { form }, order }) => {
    if ('nulls' in form && form.nulls === 'keep')
      return { notSupported: 'a null of the event at the end is the value' };
    if (type?.array === true && !syntax.nullableArrays)
      return { notSupported: 'an array cannot be null there' };
    return typeof syntax.pick === 'function' ? syntax.pick(end, column, order) : syntax.pick;
  };

const countDistinct: Printer = ({ column, bound }) => {
  const form = bound.partials[0]?.form;
  const limit = form?.kind === 'counts' ? form.limit : 0;
  const count = `COUNT(DISTINCT ${column})`;
  return `CASE WHEN ${count} <= ${limit} THEN ${count} END`;
};

const histogram: Printer = (aggregated) => {
  const { syntax, column, bound } = aggregated;
  const form = bound.partials[0]?.form;
  if (typeof syntax.array !== 'function') return syntax.array;
  const x = doubles(aggregated);
  const slots = form?.kind === 'plain' ? form.slots : [];
  const counts = slots.map(({ lift }) => {
    const { from, below } = lift as { readonly from: number | null; readonly below: number | null };
    const ends = [
      ...(from === null ? [] : [`${x} >= ${doubleLiteral(from)}`]),
      ...(below === null ? [] : [`${x} < ${doubleLiteral(below)}`]),
    ];
    return `COUNT(CASE WHEN ${ends.join(' AND ')} THEN 1 END)`;
  });
  return `CASE WHEN COUNT(${column}) > 0 THEN ${syntax.array(counts)} END`;
};

const sketch: NotSupported = {
  notSupported: "an engine's own sketch gives other estimates than Millrace's",
};
const list: NotSupported = { notSupported: 'its value is a list in an order of its own' };

export const AGGREGATES: Readonly<Record<AggregationName, Printer | NotSupported>> = {
  count: ({ column }) => `COUNT(${column})`,
  sum: (aggregated) => {
    const { form } = aggregated.bound;
    return 'whole' in form && form.whole
      ? wholeSum(aggregated)
      : ofDoubles(() => 'SUM')(aggregated);
  },
  avg: ofDoubles(() => 'AVG'),
  min: extreme('MIN'),
  max: extreme('MAX'),
  variance: spread(({ variance }) => variance),
  stddev: spread(({ stddev }) => stddev),
  first: atEnd('first'),
  last: atEnd('last'),
  firstK: list,
  lastK: list,
  countDistinct,
  histogram,
  topK: list,
  approxCountDistinct: sketch,
  approxPercentile: sketch,
  approxTopK: sketch,
};

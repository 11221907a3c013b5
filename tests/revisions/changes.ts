/** Every compatible change of a source, each with a source, a view and events of its own. */
import {
  approxCountDistinct,
  approxPercentile,
  approxTopK,
  avg,
  col,
  count,
  countDistinct,
  entity,
  featureService,
  featureView,
  first,
  firstK,
  histogram,
  last,
  lastK,
  max,
  min,
  source,
  stddev,
  sum,
  topK,
  variance,
} from 'millrace';
import type {
  FeatureServiceDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { Value } from '#domain/values/value.ts';
import type { Definitions } from '#tests/oracle/oracle.ts';

type Numbers = readonly (number | null)[];

export interface Change {
  readonly name: string;
  readonly before: SourceDefinition;
  /** one revision after the other */
  readonly revisions: readonly SourceDefinition[];
  /** by the definitions of the last revision */
  readonly definitions: Definitions;
  /** the field that changes, or that the view aggregates */
  readonly field: string;
  /** values before the first revision, and after each */
  readonly values: readonly Numbers[];
}

export const KEYS = ['a', 'b'] as const;

const keyed = entity({ name: 'keyed', keys: { id: 'string' } });

/** Each aggregation over all time and over windows of two hops, and over an expression. */
const featuresOf = (field: string): FeatureViewDefinition['features'] => {
  const v = col(field);
  const day = { window: '1d', hop: '1h' } as const;
  const long = { window: '30d', hop: '1d' } as const;
  return {
    n: count(),
    n_day: count(day),
    present: count(v, long),
    sum_all: sum(v),
    sum_day: sum(v, day),
    mean: avg(v, long),
    least: min(v),
    most: max(v, day),
    spread: variance(v),
    deviation: stddev(v, long),
    oldest: first(v),
    newest: last(v, day),
    oldest_three: firstK(v, 3, long),
    newest_three: lastK(v, 3),
    distinct: countDistinct(v),
    distinct_day: countDistinct(v, day),
    bins: histogram(v, [0, 10, 1e10]),
    top: topK(v, 3),
    top_long: topK(v, 2, long),
    about: approxCountDistinct(v, long),
    median: approxPercentile(v, 0.5),
    often: approxTopK(v, 2),
    next: last(v.plus(1)),
    large: lastK(v, 2, { ...day, where: v.gt(4) }),
  };
};

/** Named so that the oracle knows whether its sums are of whole numbers. */
const nameOf = (type: string): string => (/^(int|long)/.test(type) ? 'n' : 'x');

const INT: Numbers = [5, -3, 5, 2147483647, 0, 7, -2147483648];
const LONG: Numbers = [3_000_000_000, -9, 2 ** 40 + 1, 5, 4_503_599_627_370_497];
const FLOAT: Numbers = [0.5, 0.1, -3.25, 16777216, 0.1].map((x) => Math.fround(x));
const DOUBLE: Numbers = [0.1, 2.5, 1e100, -1e-7, 0.5, 3_000_000_000.25];
const VALUES: Readonly<Record<string, Numbers>> = {
  int: INT,
  long: LONG,
  float: FLOAT,
  double: DOUBLE,
};
const valuesOf = (type: string): Numbers => {
  const values = VALUES[type.replace('?', '')] as Numbers;
  return type.endsWith('?') ? [...values, null] : values;
};

const viewOf = (name: string, of: SourceDefinition, field: string): Definitions['view'] =>
  featureView({
    name: `view_${name}`,
    entity: keyed,
    source: of as never,
    where: col(field).isNull().or(col(field).gt(-1e20)),
    features: Object.fromEntries(
      Object.entries(featuresOf(field)).map(([feature, of]) => [`${name}_${feature}`, of]),
    ) as never,
  });

const change = (
  name: string,
  before: SourceDefinition,
  revisions: readonly SourceDefinition[],
  field: string,
  values: readonly Numbers[],
): Change => {
  const last = revisions.at(-1) as SourceDefinition;
  const view = viewOf(name, last, field);
  return {
    name,
    before,
    revisions,
    field,
    values,
    definitions: { view, source: last, entity: keyed },
  };
};

/** A field whose type changes. */
export const changeOfType = (name: string, ...types: readonly string[]): Change => {
  const field = nameOf(types.at(-1) as string);
  const versions = types.map(
    (type): SourceDefinition =>
      source({
        name,
        fields: { id: 'string', at: 'timestamp', [field]: type as 'int' },
        eventTime: 'at',
      }),
  );
  const [before, ...revisions] = versions as [SourceDefinition, ...SourceDefinition[]];
  return change(name, before, revisions, field, types.map(valuesOf));
};

const ofType = (...types: readonly string[]): Change =>
  changeOfType(types.map((type) => type.replace('?', '_null')).join('_'), ...types);

/** A change of something other than the aggregated field. */
const ofSource = (name: string, before: object, after: object): Change => {
  const fields = { id: 'string', at: 'timestamp', event: 'string', n: 'int?' } as const;
  const of = (more: object): SourceDefinition =>
    source({ name, fields, eventTime: 'at', ...more } as never);
  return change(name, of(before), [of(after)], 'n', [valuesOf('int?'), valuesOf('int')]);
};

const FIELDS = { id: 'string', at: 'timestamp', event: 'string', n: 'int?' } as const;

export const CHANGES: readonly Change[] = [
  ofType('int', 'long'),
  ofType('int?', 'double?'),
  ofType('long', 'double'),
  ofType('float', 'double'),
  ofType('int', 'long', 'double'),
  ofType('double', 'double?'),
  ofType('int', 'int?', 'long?', 'double?'),
  ofSource('field_added', {}, { fields: { ...FIELDS, more: 'double?', texts: 'array<string>?' } }),
  ofSource(
    'fields_reordered',
    {},
    {
      fields: { n: 'long?', event: 'string?', at: 'timestamp', id: 'string' },
    },
  ),
  ofSource('id_added', {}, { eventId: 'event' }),
  ofSource(
    'id_window',
    { eventId: 'event' },
    {
      eventId: 'event',
      dedupeWindow: '1d',
      fields: { ...FIELDS, more: 'long?' },
    },
  ),
  ofSource('partitions', {}, { partitions: 3 }),
  ofSource('routed', { partitions: 2 }, { partitions: 2, partitionBy: ['id'] }),
];

/** A service of all views, so that one data set has them all. */
export const everythingOf = (changes: readonly Change[]): FeatureServiceDefinition =>
  featureService({
    name: 'everything',
    features: changes.map(({ definitions: { view } }) => ({
      from: 'view',
      view: view.name,
      features: Object.keys(view.features),
    })),
  });

export const fieldsOf = (
  { before, field }: Change,
  of: SourceDefinition,
  id: string,
  at: number,
  value: Value,
): Record<string, Value> => {
  const row: Record<string, Value> = { id, at, [field]: value };
  if (Object.hasOwn(before.fields, 'event')) row.event = `${id}-${at}`;
  if (Object.hasOwn(of.fields, 'more')) row.more = 2 ** 40;
  if (Object.hasOwn(of.fields, 'texts')) row.texts = ['new', ''];
  return row;
};

/** Views that use every aggregation, window, function and cast, for the vectors of joins. */
import type {
  EntityDefinition,
  FeatureDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import type { Scalar } from '#domain/values/value.ts';

export interface VectorView {
  readonly view: FeatureViewDefinition;
  readonly source: SourceDefinition;
  readonly entity: EntityDefinition;
}

export const FIELDS = {
  t: 'timestamp',
  k: 'string?',
  j: 'int?',
  x: 'double?',
  n: 'long?',
  f: 'float?',
  s: 'string?',
  b: 'boolean?',
  d: 'date?',
  y: 'bytes?',
  tags: 'array<string>?',
  ns: 'array<double>?',
} as const;

const SOURCE: SourceDefinition = {
  kind: 'source',
  name: 'things',
  fields: FIELDS,
  eventTime: 't',
};
const ONE: EntityDefinition = { kind: 'entity', name: 'one', keys: { k: 'string' } };
const PAIR: EntityDefinition = { kind: 'entity', name: 'pair', keys: { k: 'string', j: 'int' } };

const col = (name: string): Expr => ({ op: 'col', name });
const lit = (value: Scalar | null): Expr => ({ op: 'lit', value });
const call = (fn: string, ...args: readonly Expr[]): Expr => ({ op: 'call', fn, args });

type Span = Pick<FeatureDefinition, 'window' | 'hop'>;
type Params = NonNullable<FeatureDefinition['params']>;

const over = (
  aggregation: string,
  input: Expr | null,
  params: Params | null,
  span: Span,
): FeatureDefinition => ({ aggregation, input, ...(params === null ? {} : { params }), ...span });

const named = (features: readonly FeatureDefinition[]): FeatureViewDefinition['features'] =>
  Object.fromEntries(features.map((feature, i) => [`f${i}`, feature]));

const viewOf = (
  features: readonly FeatureDefinition[],
  more: Partial<FeatureViewDefinition> = {},
): FeatureViewDefinition => ({
  kind: 'feature-view',
  name: 'seen',
  entity: 'one',
  source: 'things',
  features: named(features),
  ...more,
});

const POSITIVE = call('gt', col('x'), lit(0));

const numbers = (span: Span): readonly FeatureDefinition[] => [
  over('count', null, null, span),
  over('count', col('tags'), null, span),
  over('sum', col('x'), null, span),
  over('sum', col('n'), null, span),
  over('avg', col('x'), null, span),
  over('min', col('x'), null, span),
  over('max', col('n'), null, span),
  over('variance', col('x'), null, span),
  over('stddev', col('f'), null, span),
  over('histogram', col('x'), { edges: [-100, -1.5, 0, 3, 100] }, span),
  { ...over('sum', col('x'), null, span), where: POSITIVE },
];

const ordered = (span: Span): readonly FeatureDefinition[] => [
  ...['s', 'x', 'n', 'b', 'd', 't', 'y', 'tags', 'ns'].flatMap((name) => [
    over('first', col(name), null, span),
    over('last', col(name), { nulls: 'keep' }, span),
  ]),
  over('firstK', col('x'), { k: 3 }, span),
  over('lastK', col('b'), { k: 2 }, span),
  over('lastK', col('s'), { k: 6 }, span),
  over('min', col('s'), null, span),
  over('max', col('s'), null, span),
  over('min', col('t'), null, span),
  over('max', col('d'), null, span),
];

const counted = (span: Span): readonly FeatureDefinition[] => [
  over('countDistinct', col('s'), null, span),
  over('countDistinct', col('x'), { limit: 3 }, span),
  over('topK', col('s'), { k: 2 }, span),
  over('topK', col('n'), { k: 3, limit: 4 }, span),
  over('topK', col('b'), { k: 3 }, span),
  over('approxCountDistinct', col('s'), null, span),
  over('approxCountDistinct', col('x'), { precision: 4 }, span),
  over('approxCountDistinct', col('b'), { precision: 16 }, span),
  over('approxPercentile', col('x'), { q: 0.5 }, span),
  over('approxPercentile', col('n'), { q: 0.95, accuracy: 0.001 }, span),
  over('approxTopK', col('s'), { k: 2 }, span),
  over('approxTopK', col('n'), { k: 2, capacity: 4 }, span),
];

const NUMBERS = ['int', 'long', 'float', 'double'];
const CASTS: Readonly<Record<string, readonly string[]>> = {
  x: [...NUMBERS, 'string', 'boolean'],
  n: [...NUMBERS, 'string', 'boolean', 'timestamp', 'date'],
  s: [...NUMBERS, 'boolean', 'timestamp', 'date'],
  b: [...NUMBERS, 'string'],
  t: ['string', 'date', 'long', 'double'],
  d: ['string', 'timestamp', ...NUMBERS],
};

/** Each function of the table, and each cast, of columns with awkward values. */
const EXPRESSIONS: readonly Expr[] = [
  ...['eq', 'ne', 'gt', 'gte', 'lt', 'lte'].flatMap((fn) => [
    call(fn, col('x'), col('n')),
    call(fn, col('s'), lit('b')),
  ]),
  call('eq', col('b'), lit(true)),
  call('and', POSITIVE, col('b')),
  call('or', POSITIVE, col('b')),
  call('not', col('b')),
  call('isNull', col('tags')),
  call('isNotNull', col('s')),
  call('coalesce', col('x'), col('n'), lit(7)),
  call('in', col('s'), lit('a'), lit('ß')),
  call('in', col('x'), lit(0), lit(1.5)),
  ...['add', 'sub', 'mul', 'div', 'mod'].flatMap((fn) => [
    call(fn, col('x'), col('f')),
    call(fn, col('n'), col('j')),
  ]),
  call('add', col('t'), lit(1_000)),
  call('sub', col('d'), lit(400)),
  call('sub', col('t'), col('t')),
  ...['neg', 'abs', 'round', 'floor', 'ceil'].flatMap((fn) => [
    call(fn, col('x')),
    call(fn, col('n')),
  ]),
  call('least', col('x'), col('n'), lit(0)),
  call('greatest', col('s'), lit('b')),
  ...['sqrt', 'ln', 'exp'].map((fn) => call(fn, col('x'))),
  call('pow', col('j'), lit(3)),
  ...['lower', 'upper', 'trim', 'length'].map((fn) => call(fn, col('s'))),
  call('concat', col('s'), lit('/'), col('k')),
  call('startsWith', col('s'), lit('a')),
  call('endsWith', col('s'), lit('b')),
  call('contains', col('s'), lit('')),
  call('replace', col('s'), lit('a'), lit('$&')),
  call('substring', col('s'), lit(1)),
  call('substring', col('s'), lit(0), lit(1)),
  call('substring', col('s'), col('j')),
  call('hour', col('t')),
  call('minute', col('t')),
  ...['dayOfWeek', 'dayOfMonth', 'month', 'year'].flatMap((fn) => [
    call(fn, col('t')),
    call(fn, col('d')),
  ]),
  ...['second', 'minute', 'hour', 'day', 'week', 'month', 'year'].map((unit) =>
    call('truncate', col('t'), lit(unit)),
  ),
  ...Object.entries(CASTS).flatMap(([name, types]) =>
    types.map((type) => call('cast', col(name), lit(type))),
  ),
  {
    op: 'when',
    branches: [
      [POSITIVE, lit(1)],
      [col('b'), lit(null)],
    ],
    otherwise: col('n'),
  },
];

const SPANS: readonly Span[] = [
  {},
  { window: '7ms' },
  { window: '1m', hop: '1m' },
  { window: '1h', hop: '10m' },
  { window: '1d', hop: '1h' },
];

export const JOIN_VIEWS: readonly VectorView[] = [
  ...SPANS.flatMap((span) =>
    [numbers, ordered, counted].map((features) => ({
      view: viewOf(features(span)),
      source: SOURCE,
      entity: ONE,
    })),
  ),
  // Partials with and without references in one window, several windows, a filter and a ttl.
  {
    view: viewOf(
      [...numbers({ window: '1h' }), ...counted({ window: '1h' }), ...numbers({ window: '1d' })],
      { where: call('isNotNull', col('x')), ttl: '1h' },
    ),
    source: SOURCE,
    entity: ONE,
  },
  {
    view: viewOf(
      EXPRESSIONS.map((input) => over('last', input, { nulls: 'keep' }, {})),
      { entity: 'pair' },
    ),
    source: SOURCE,
    entity: PAIR,
  },
  // Of a dimension, an event can say that its entity is gone.
  {
    view: viewOf(numbers({}).slice(0, 6), { where: POSITIVE, ttl: '1d' }),
    source: { ...SOURCE, dimension: { key: ['k'], deleted: 'b' } },
    entity: ONE,
  },
];

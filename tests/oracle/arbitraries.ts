/**
 * Random view definitions, and random events for them: late, out of order, simultaneous, null, of
 * many keys, at window edges to the millisecond, years apart, before 1970.
 */
import fc from 'fast-check';
import type {
  EntityDefinition,
  FeatureDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { parseDuration } from '#domain/values/duration.ts';
import { formatTime, looksLikeSeconds } from '#domain/values/time.ts';
import type { RawEvent, Row } from '#domain/values/value.ts';
import type { Definitions } from './oracle.ts';

export const SOURCE: SourceDefinition = {
  kind: 'source',
  name: 'things',
  fields: {
    t: 'timestamp',
    k: 'string?',
    j: 'int?',
    x: 'double?',
    n: 'long?',
    s: 'string?',
    b: 'boolean?',
    d: 'date?',
    y: 'bytes?',
    tags: 'array<string>?',
  },
  eventTime: 't',
};

const col = (name: string): Expr => ({ op: 'col', name });
const call = (fn: string, ...args: readonly Expr[]): Expr => ({ op: 'call', fn, args });
const lit = (value: string | number | boolean | null): Expr => ({ op: 'lit', value });

const NUMBERS: readonly Expr[] = [
  col('x'),
  col('n'),
  call('mul', col('x'), lit(2)),
  call('sub', col('x'), col('n')),
  { op: 'when', branches: [[call('gt', col('x'), lit(0)), lit(1)]], otherwise: lit(0) },
];
const COMPARABLE: readonly Expr[] = [...NUMBERS, col('s'), col('d'), col('t')];
const SCALAR: readonly Expr[] = [...COMPARABLE, col('b'), col('y')];
const ANY: readonly Expr[] = [...SCALAR, col('tags')];

const CONDITIONS: readonly Expr[] = [
  call('gt', col('x'), lit(0)),
  call('not', call('isNull', col('s'))),
  call('or', call('eq', col('s'), lit('a')), call('lt', col('n'), lit(10))),
  call('and', col('b'), call('gt', col('n'), lit(-5))),
];

const K = fc.record({ k: fc.integer({ min: 1, max: 4 }) });
const EDGES = fc
  .constantFrom([0], [-1.5, 0, 3], [-100, -10, 0, 10, 100])
  .map((edges) => ({ edges }));
const LIMIT = fc.constantFrom({}, { limit: 2 });
const NONE = fc.constant(undefined);
const NULLS = fc.constantFrom(undefined, { nulls: 'keep' }, { nulls: 'skip' });

const SHAPES: Readonly<
  Record<
    string,
    {
      readonly inputs: readonly (Expr | null)[];
      readonly params: fc.Arbitrary<FeatureDefinition['params'] | undefined>;
    }
  >
> = {
  count: { inputs: [null, null, ...ANY], params: NONE },
  sum: { inputs: NUMBERS, params: NONE },
  avg: { inputs: NUMBERS, params: NONE },
  min: { inputs: COMPARABLE, params: NONE },
  max: { inputs: COMPARABLE, params: NONE },
  variance: { inputs: NUMBERS, params: NONE },
  stddev: { inputs: NUMBERS, params: NONE },
  first: { inputs: ANY, params: NULLS },
  last: { inputs: ANY, params: NULLS },
  firstK: { inputs: SCALAR, params: K },
  lastK: { inputs: SCALAR, params: K },
  countDistinct: { inputs: SCALAR, params: LIMIT },
  histogram: { inputs: NUMBERS, params: EDGES },
  approxCountDistinct: {
    inputs: SCALAR,
    params: fc.constantFrom(undefined, { precision: 16 }, { precision: 11 }),
  },
  approxPercentile: {
    inputs: NUMBERS,
    params: fc.record({ q: fc.constantFrom(0, 0.5, 0.95, 1) }),
  },
  approxTopK: { inputs: SCALAR, params: K },
  topK: {
    inputs: SCALAR,
    params: fc.record({ k: fc.constantFrom(1, 3), limit: fc.constantFrom(3, 1000) }),
  },
};

const SPANS: readonly Pick<FeatureDefinition, 'window' | 'hop'>[] = [
  {},
  { window: '1s' },
  { window: '7ms' },
  { window: '1m' },
  { window: '1m', hop: '1m' },
  { window: '1h' },
  { window: '1h', hop: '10m' },
  { window: '1d', hop: '1h' },
  { window: '7d', hop: '1h' },
  { window: '7d' },
  { window: '365d' },
];

export const featureDefinition = (
  aggregations: readonly string[] = Object.keys(SHAPES),
): fc.Arbitrary<FeatureDefinition> =>
  fc.constantFrom(...aggregations).chain((aggregation) => {
    const shape = SHAPES[aggregation] as (typeof SHAPES)[string];
    return fc
      .record({
        input: fc.constantFrom(...shape.inputs),
        params: shape.params,
        span: fc.constantFrom(...SPANS),
        where: fc.option(fc.constantFrom(...CONDITIONS), { nil: undefined, freq: 3 }),
      })
      .map(({ input, params, span, where }) => ({
        aggregation,
        input,
        ...span,
        ...(params !== undefined && { params }),
        ...(where !== undefined && { where }),
      }));
  });

const ENTITIES: readonly EntityDefinition[] = [
  { kind: 'entity', name: 'one', keys: { k: 'string' } },
  { kind: 'entity', name: 'number', keys: { j: 'int' } },
  { kind: 'entity', name: 'pair', keys: { place: 'string', j: 'int' } },
];

export const definitions = (
  options: { readonly lateness?: boolean; readonly dimension?: boolean } = {},
): fc.Arbitrary<Definitions> =>
  fc
    .record({
      entity: fc.constantFrom(...ENTITIES),
      features: fc.array(featureDefinition(), { minLength: 1, maxLength: 6 }),
      where: fc.option(fc.constantFrom(...CONDITIONS), { nil: undefined, freq: 3 }),
      ttl: fc.option(fc.constantFrom('1ms', '1h', '7d'), { nil: undefined, freq: 3 }),
      lateness:
        options.lateness === true ? fc.constantFrom('0ms', '1m', '1d') : fc.constant(undefined),
      dimension:
        options.dimension === true
          ? fc.constantFrom('none', 'none', 'rows', 'tombstones')
          : fc.constant('none'),
    })
    .map(({ entity, features, where, ttl, lateness, dimension }) => {
      const view: FeatureViewDefinition = {
        kind: 'feature-view',
        name: 'seen',
        entity: entity.name,
        source: SOURCE.name,
        ...('place' in entity.keys && { join: { place: 'k' } }),
        ...(where !== undefined && { where }),
        ...(ttl !== undefined && { ttl }),
        ...(lateness !== undefined && { lateness }),
        features: Object.fromEntries(features.map((feature, i) => [`f${i}`, feature])),
      };
      const key = Object.keys(entity.keys).map((name) => view.join?.[name] ?? name);
      const source =
        dimension === 'none'
          ? SOURCE
          : {
              ...SOURCE,
              dimension: { key, ...(dimension === 'tombstones' && { deleted: 'b' }) },
            };
      return { view, source, entity };
    });

const nullable = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { nil: null, freq: 6 });

/**
 * Steps of every size, so that events are simultaneous, close, at edges, or far apart.
 */
const STEPS: readonly number[] = [1, 1000, 60_000, 600_000, 3_600_000, 21_600_000, 86_400_000];
const BASES: readonly number[] = [0, 1_700_000_000_000, -2_000_000_000_000];
const YEAR = 365 * 86_400_000;

const timeNear = (base: number): fc.Arbitrary<number> =>
  fc
    .record({
      step: fc.constantFrom(...STEPS),
      times: fc.integer({ min: -30, max: 30 }),
      off: fc.constantFrom(0, 0, -1, 1, 137),
      years: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 3),
    })
    .map(({ step, times, off, years }) => base + step * times + off + years * YEAR);

const double = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }).map((n) => n / 10),
  fc.constantFrom(0, -0, 1e-3, 1e6 + 0.1, -1e6),
);
const long = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: -20, max: 20 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 52 + 1),
  },
);
/** Keys that a careless encoding would confuse. */
const key = fc.constantFrom('a', 'b', 'a\u001fb', '\\', 'a\\', '\\\u001f', '', 'é');

export const rowAt = (t: number): fc.Arbitrary<Row> =>
  fc.record({
    t: fc.constant(t),
    k: nullable(key),
    j: nullable(fc.integer({ min: -1, max: 1 })),
    x: nullable(double),
    n: nullable(long),
    s: nullable(fc.constantFrom('a', 'b', 'B', '', 'ß', '\u{1f600}', '\uffee')),
    b: nullable(fc.boolean()),
    d: nullable(fc.integer({ min: -3, max: 3 })),
    y: nullable(fc.constantFrom('', 'AA==', '/+8=')),
    tags: nullable(fc.array(fc.constantFrom('p', 'q'), { maxLength: 2 })),
  });

/** Events in order of arrival; the producers' clock may be ahead of the log's, or far behind it. */
export const rawEvents = (maxLength = 40): fc.Arbitrary<readonly RawEvent[]> =>
  fc
    .record({
      base: fc.constantFrom(...BASES),
      skew: fc.constantFrom(0, -7_200_000, 1e12),
      sorted: fc.boolean(),
    })
    .chain(({ base, skew, sorted }) =>
      fc
        .array(
          fc.record({ row: timeNear(base).chain(rowAt), partition: fc.constantFrom(0, 0, 0, 1) }),
          { maxLength },
        )
        .map((drawn) => {
          const offsets = [0, 0];
          let logTime = Number.NEGATIVE_INFINITY;
          const arrivals = sorted
            ? drawn.toSorted((a, b) => (a.row.t as number) - (b.row.t as number))
            : drawn;
          return arrivals.map(({ row, partition }): RawEvent => {
            const eventTime = row.t as number;
            logTime = Math.max(logTime, eventTime + skew);
            const offset = offsets[partition] as number;
            offsets[partition] = offset + 1;
            return { row, eventTime, partition, offset, logTime };
          });
        }),
    );

/**
 * The times at which a value may change: events, window ends and hop edges, to the millisecond.
 */
export const moments = (
  { view }: Definitions,
  events: readonly RawEvent[],
): fc.Arbitrary<number> => {
  const spans = Object.values(view.features).flatMap(({ window, hop }) =>
    [window, hop].flatMap((text) => (text === undefined ? [] : [parseDuration(text)])),
  );
  const ttl = view.ttl === undefined ? [] : [parseDuration(view.ttl)];
  const times =
    events.length === 0
      ? [0]
      : [
          ...events.map((event) => event.eventTime),
          Math.max(...events.map((event) => event.eventTime)),
        ];
  return fc
    .record({
      time: fc.constantFrom(...times),
      ahead: fc.constantFrom(0, 0, ...spans, ...ttl, 10 * YEAR),
      edge: fc.constantFrom(1, 1, ...spans),
      off: fc.constantFrom(-1, 0, 0, 1),
    })
    .map(({ time, ahead, edge, off }) => Math.ceil((time + ahead) / edge) * edge + off);
};

/** A drawn row as a producer sends it: a number that looks like seconds would be refused. */
export const sentRow = (row: Row): Row =>
  typeof row.t === 'number' && looksLikeSeconds(row.t) ? { ...row, t: formatTime(row.t) } : row;

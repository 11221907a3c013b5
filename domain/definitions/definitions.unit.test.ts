/**
 * The example of the interface, as written; definitions that the compiler, the JSON parser or the
 * checks refuse.
 */
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
  firstK,
  histogram,
  last,
  onDemandFeature,
  request,
  source,
  sum,
  topK,
  when,
} from 'millrace';
import { describe, expect, it, test } from 'vitest';
import { compileExpr } from '#domain/expressions/compile.ts';
import { checkDefinition, checkDuplicates, type Lookups } from './check.ts';
import { scopeOfInputs } from './check-on-demand.ts';
import type { Definition, OnDemandFeatureDefinition } from './model.ts';
import { parseDefinition } from './parse.ts';

const airport = entity({ name: 'airport', keys: { origin: 'string' } });
const route = entity({ name: 'route', keys: { origin: 'string', destination: 'string' } });

const flights = source({
  name: 'flights',
  fields: {
    flight_id: 'string',
    date: 'timestamp',
    origin: 'string',
    destination: 'string',
    delay: 'double?',
    distance: 'double',
  },
  eventTime: 'date',
  eventId: 'flight_id', // optional: the same id again, within the source's dedupe window, is one event
});

const airportDelays = featureView({
  name: 'airport_delays',
  entity: airport,
  source: flights,
  where: col('distance').gt(0), // optional
  lateness: '2d',
  ttl: '90d',
  freshness: '1m',
  features: {
    departures_1h: count({ window: '1h' }),
    delay_avg_1d: avg(col('delay'), { window: '1d', hop: '1h' }),
    late_share_7d: avg(when(col('delay').gt(15), 1).otherwise(0), { window: '7d' }),
    delay_p95_7d: approxPercentile(col('delay'), 0.95, { window: '7d' }),
    destinations_1d: approxCountDistinct(col('destination'), { window: '1d' }),
    last_destination: last(col('destination')), // no window: all time
  },
  owner: 'ops',
  description: 'Departure delays of an airport',
  tags: ['flights'],
});

const lateRisk = onDemandFeature({
  name: 'late_risk',
  type: 'double',
  inputs: { average: airportDelays.feature('delay_avg_1d'), hour: request('hour', 'int') },
  value: ({ average, hour }) => when(hour.gte(17), average.times(1.2)).otherwise(average),
});

const delayModel = featureService({
  name: 'delay_model',
  features: [airportDelays.pick('departures_1h', 'delay_avg_1d', 'late_share_7d'), lateRisk],
});

const all: readonly Definition[] = [airport, route, flights, airportDelays, lateRisk, delayModel];

const lookups = (definitions: readonly Definition[] = all): Lookups => {
  const find = (kind: Definition['kind']) => (name: string) =>
    definitions.find((d) => d.kind === kind && d.name === name) as never;
  return {
    entity: find('entity'),
    source: find('source'),
    view: find('feature-view'),
    onDemand: find('on-demand-feature'),
    featureType: () => ({ base: 'double', array: false, nullable: true }),
  };
};

describe('the example of the interface', () => {
  it('is plain JSON that reads back as itself', () => {
    for (const definition of all) {
      const json = JSON.parse(JSON.stringify(definition));
      expect(json).toEqual(definition);
      expect(parseDefinition(json)).toStrictEqual(json);
      expect(Object.keys(definition)).not.toContain('pick');
    }
    expect(Object.keys(airportDelays.features)[0]).toBe('departures_1h');
  });

  it('passes all checks', () =>
    expect(all.flatMap((d) => checkDefinition(d, lookups()))).toEqual([]));

  it('has an on-demand value that compiles and computes', () => {
    const value = compileExpr(lateRisk.value, scopeOfInputs(lateRisk, lookups()));
    expect([
      value({ average: 10, hour: 17 }),
      value({ average: 10, hour: 9 }),
      value({ average: null, hour: 17 }),
    ]).toEqual([12, 10, null]);
  });
});

it('every builder sets its parameters', () => {
  expect(
    [
      count(col('x')),
      firstK(col('x'), 3),
      histogram(col('x'), [0, 1]),
      topK(col('x'), 2, { limit: 9 }),
      approxTopK(col('x'), 2),
      countDistinct(col('x')),
    ].map((f) => [f.aggregation, f.input, f.params]),
  ).toEqual([
    ['count', { op: 'col', name: 'x' }, undefined],
    ['firstK', { op: 'col', name: 'x' }, { k: 3 }],
    ['histogram', { op: 'col', name: 'x' }, { edges: [0, 1] }],
    ['topK', { op: 'col', name: 'x' }, { k: 2, limit: 9 }],
    ['approxTopK', { op: 'col', name: 'x' }, { k: 2 }],
    ['countDistinct', { op: 'col', name: 'x' }, undefined],
  ]);
});

describe('the compiler refuses', () => {
  it('unknown names of features', () => {
    // @ts-expect-error: no such feature
    expect(() => airportDelays.feature('nope')).toThrow(
      /airport_delays has no feature "nope": it has departures_1h/,
    );
    // @ts-expect-error: one of them does not exist
    expect(() => airportDelays.pick('departures_1h', 'nope')).toThrow(/no feature "nope"/);
    onDemandFeature({
      name: 'a',
      type: 'int',
      inputs: { hour: request('hour', 'int') },
      // @ts-expect-error: not an input of this feature
      value: ({ day }) => day ?? 1,
    });
  });

  it('unknown fields, types and durations', () => {
    // @ts-expect-error: the event time is not a field
    source({ name: 'a', fields: { at: 'timestamp' }, eventTime: 'time' });
    // @ts-expect-error: no such type
    source({ name: 'a', fields: { at: 'text' }, eventTime: 'at' });
    // @ts-expect-error: no such unit
    sum(col('x'), { window: '1w' });
    // @ts-expect-error: a when without otherwise has no value
    expect(() => sum(when(col('x').gt(1), 1))).toThrow(/end it with \.otherwise/);
  });
});

describe('JSON that is not a definition', () => {
  const view = JSON.parse(JSON.stringify(airportDelays));
  it.each<[unknown, RegExp]>([
    [null, /definition\.kind must be one of entity, .* is null/],
    [{ kind: 'toString' }, /definition\.kind/],
    [{ ...airport, name: 'Airport' }, /definition\.name must be a name .* is "Airport"/],
    [
      { ...airport, keys: { origin: 'text' } },
      /definition\.keys\.origin: "text" is not a type; did you mean "string"\?/,
    ],
    [{ ...airport, keys: {} }, /definition\.keys must have 1 to/],
    [{ ...airport, colour: 'red' }, /definition\.colour is unknown .* is "red"/],
    [
      JSON.parse('{"kind":"entity","name":"a","keys":{"__proto__":"string"}}'),
      /definition\.keys\.__proto__ must be a name/,
    ],
    [
      { ...flights, fields: { date: 'timestamp', x: 'doubel' } },
      /definition\.fields\.x: "doubel" is not a type; did you mean "double"\?/,
    ],
    [{ ...view, ttl: '3 weeks' }, /definition\.ttl: "3 weeks" is not a duration/],
    [{ ...view, ephemeral: { ttl: '15m' } }, /definition\.ephemeral\.flush/],
    [
      { ...view, ephemeral: { ttl: '15m', flush: '1m', keep: 1 } },
      /definition\.ephemeral\.keep is unknown/,
    ],
    [{ ...view, online: 'yes' }, /definition\.online must be true or false, is "yes"/],
    [
      { ...view, features: { a: { aggregation: 'sum', input: { op: 'col' } } } },
      /definition\.features\.a\.input\.name: must be a name/,
    ],
    [
      { ...delayModel, features: [{ from: 'view', view: 'v', features: ['a'], version: 0 }] },
      /definition\.features\[0\]\.version must be a version.* is 0/,
    ],
    [
      { ...delayModel, logging: { sample: 1.5 } },
      /definition\.logging\.sample must be a share .* from 0 to 1, is 1\.5/,
    ],
    [{ ...delayModel, logging: { share: 1 } }, /definition\.logging\.share is unknown/],
    [{ ...delayModel, logging: {} }, /definition\.logging\.sample must be a share/],
    [
      { ...lateRisk, inputs: { a: { from: 'elsewhere' } } },
      /definition\.inputs\.a\.from must be .* is "elsewhere"/,
    ],
  ])('%#', (value, message) => expect(() => parseDefinition(value)).toThrow(message));

  it('is refused with all its problems at once', () => {
    expect(() => parseDefinition({ kind: 'source', name: '', fields: [], eventTime: 5 })).toThrow(
      expect.objectContaining({
        details: {
          problems: expect.arrayContaining([
            expect.objectContaining({ details: { path: 'definition.eventTime' } }),
          ]),
        },
      }),
    );
  });
});

describe('definitions that the checks refuse', () => {
  const view = (change: object): Definition => ({
    ...JSON.parse(JSON.stringify(airportDelays)),
    ...change,
  });
  const feature = (change: object): Definition =>
    view({ features: { f: { aggregation: 'count', input: null, ...change } } });
  it.each<[string, Definition, string, RegExp]>([
    ['no entity', view({ entity: 'nope' }), 'MR_UNKNOWN_REFERENCE', /no entity "nope"/],
    [
      'values that leave the cache tier before they are flushed',
      view({ ephemeral: { ttl: '5m', flush: '2m' } }),
      'MR_DEFINITION_INVALID',
      /ephemeral\.ttl 5m must be at least three times ephemeral\.flush 2m/,
    ],
    [
      'ephemeral and not online',
      view({ online: false, ephemeral: { ttl: '6m', flush: '2m' } }),
      'MR_DEFINITION_INVALID',
      /ephemeral with online: false/,
    ],
    ['no source', view({ source: 'nope' }), 'MR_UNKNOWN_REFERENCE', /no source "nope"/],
    [
      'join to nothing',
      view({ join: { origin: 'from' } }),
      'MR_UNKNOWN_COLUMN',
      /needs a field "from" in flights/,
    ],
    [
      'join of no key',
      view({ join: { dest: 'origin' } }),
      'MR_DEFINITION_INVALID',
      /"dest", which is not a key of airport: the keys are origin/,
    ],
    [
      'key of another type',
      view({ join: { origin: 'delay' } }),
      'MR_DEFINITION_INVALID',
      /is string, but flights\.delay is double\?/,
    ],
    [
      'where of no boolean',
      view({ where: { op: 'col', name: 'delay' } }),
      'MR_EXPRESSION_INVALID',
      /where must be a boolean, is double\?/,
    ],
    [
      'an unknown column',
      feature({ input: { op: 'col', name: 'dealy' } }),
      'MR_UNKNOWN_COLUMN',
      /airport_delays: f: there is no column "dealy": the columns are flight_id/,
    ],
    [
      'the name of a column instead of the column',
      feature({ input: { op: 'lit', value: 'delay' } }),
      'MR_EXPRESSION_INVALID',
      /airport_delays: f: the input is the text "delay", the same for every event: write col\("delay"\) for the field/,
    ],
    [
      'a mistyped column',
      feature({ aggregation: 'avg', input: col('dely').times(2) }),
      'MR_UNKNOWN_COLUMN',
      /^feature view airport_delays: f: there is no column "dely": .*; did you mean "delay"\?$/,
    ],
    [
      'an operator over a type that it does not take',
      feature({
        aggregation: 'avg',
        input: when(col('destination').gt('A'), col('origin').times(2)).otherwise(0),
      }),
      'MR_EXPRESSION_INVALID',
      /^feature view airport_delays: f: in origin \* 2: needs numbers, got origin \(string\), 2 \(int\): convert it, as in col\("origin"\)\.cast\("double"\)\.$/,
    ],
    [
      'a mistyped parameter',
      feature({
        aggregation: 'approxPercentile',
        input: col('delay'),
        params: { q: 0.5, acuracy: 0.1 },
      }),
      'MR_DEFINITION_INVALID',
      /f: approxPercentile has no parameter "acuracy": it has q, accuracy; did you mean "accuracy"\?$/,
    ],
    [
      'a hop that does not divide',
      feature({ window: '1h', hop: '7m' }),
      'MR_HOP_INVALID',
      /7m does not divide the window 1h; 2m does/,
    ],
    [
      'too many tiles',
      feature({ window: '7d', hop: '1m' }),
      'MR_HOP_INVALID',
      /has 10080 tiles of 1m, more than 10000: use 1h,/,
    ],
    ['a hop without a window', feature({ hop: '1m' }), 'MR_HOP_INVALID', /no window/],
    ['an empty window', feature({ window: '0ms' }), 'MR_DURATION_INVALID', /at least 1ms/],
    [
      'a feature named as a key',
      view({ features: { origin: { aggregation: 'count', input: null } } }),
      'MR_DEFINITION_INVALID',
      /name of a key/,
    ],
    [
      'fields that differ only in case',
      { ...flights, fields: { ...flights.fields, Origin: 'string' } },
      'MR_DEFINITION_INVALID',
      /the fields origin and Origin differ only in case/,
    ],
    [
      'a field with the name of a column of the history',
      { ...flights, fields: { ...flights.fields, _offset: 'long' } },
      'MR_DEFINITION_INVALID',
      /_offset has the name of a column that the history adds/,
    ],
    [
      'event time of no field',
      { ...flights, eventTime: 'when' },
      'MR_DEFINITION_INVALID',
      /eventTime names "when", which is not a field \(fields are flight_id/,
    ],
    [
      'event time of no time',
      { ...flights, eventTime: 'delay' },
      'MR_DEFINITION_INVALID',
      /must be of type timestamp or date, is double\?/,
    ],
    [
      'event time that may be null',
      { ...flights, fields: { date: 'timestamp?' }, eventId: undefined } as never,
      'MR_DEFINITION_INVALID',
      /cannot be nullable/,
    ],
    [
      'an event id of no field',
      { ...flights, eventId: 'id' },
      'MR_DEFINITION_INVALID',
      /eventId names "id"/,
    ],
    [
      'a partition by no field',
      { ...flights, partitionBy: ['id'] },
      'MR_DEFINITION_INVALID',
      /partitionBy names "id"/,
    ],
    [
      'a partition by doubles',
      { ...flights, partitionBy: ['delay'] },
      'MR_DEFINITION_INVALID',
      /partitionBy cannot use delay/,
    ],
    [
      'a partition by nothing',
      { ...flights, partitionBy: [] },
      'MR_DEFINITION_INVALID',
      /partitionBy is empty/,
    ],
    [
      'keys of doubles',
      { kind: 'entity', name: 'e', keys: { x: 'double' } },
      'MR_DEFINITION_INVALID',
      /cannot be of type double/,
    ],
    [
      'a member of no view',
      featureService({ name: 's', features: [{ from: 'view', view: 'v', features: ['a'] }] }),
      'MR_UNKNOWN_REFERENCE',
      /no feature view "v"/,
    ],
    [
      'a member of no feature',
      featureService({
        name: 's',
        features: [{ from: 'view', view: 'airport_delays', features: ['a'] }],
      }),
      'MR_UNKNOWN_REFERENCE',
      /airport_delays has no feature "a"/,
    ],
    [
      'a member twice',
      featureService({ name: 's', features: [airportDelays.pick('departures_1h'), airportDelays] }),
      'MR_DEFINITION_INVALID',
      /departures_1h appears twice/,
    ],
    [
      'a value of another type',
      { ...lateRisk, type: 'string' },
      'MR_EXPRESSION_INVALID',
      /value when\(.*\) is double\?, but the declared type is string: cast it/,
    ],
    [
      'an input that is not there',
      { ...lateRisk, inputs: { average: lateRisk.inputs.average } } as never,
      'MR_UNKNOWN_COLUMN',
      /no input "hour": the inputs are average/,
    ],
    [
      'an input of no feature',
      {
        ...lateRisk,
        inputs: {
          ...lateRisk.inputs,
          average: { from: 'feature', view: 'airport_delays', feature: 'x' },
        },
      },
      'MR_UNKNOWN_REFERENCE',
      /airport_delays has no feature "x"/,
    ],
  ])('%s', (_, definition, code, message) => {
    const problems = checkDefinition(definition, lookups());
    expect(problems).toContainEqual(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it('names every feature of a cycle', () => {
    const named = (name: string, of: string): OnDemandFeatureDefinition => ({
      kind: 'on-demand-feature',
      name,
      type: 'double',
      inputs: { x: { from: 'on-demand', name: of } },
      value: { op: 'input', name: 'x' },
    });
    const [a, b, c] = [named('a', 'b'), named('b', 'c'), named('c', 'a')];
    expect(checkDefinition(a, lookups([b, c]))).toContainEqual(
      expect.objectContaining({
        code: 'MR_DEFINITION_CYCLE',
        message: expect.stringContaining('a → b → c → a'),
      }),
    );
    expect(
      checkDefinition(
        a,
        lookups([b, { ...c, inputs: { x: { from: 'request', name: 'x', type: 'double' } } }]),
      ),
    ).toEqual([]);
  });

  it('a name defined twice', () => {
    expect(checkDuplicates([airport, route])).toEqual([]);
    expect(checkDuplicates([airport, airport])).toMatchObject([
      { message: expect.stringContaining('entity airport is defined twice') },
    ]);
  });
});

test('a namespace is a name, and `default` equals none', () => {
  const shop = { kind: 'entity', name: 'shop', keys: { shop: 'string' } };
  expect(parseDefinition({ ...shop, namespace: 'payments' })).toEqual({
    ...shop,
    namespace: 'payments',
  });
  expect(parseDefinition({ ...shop, namespace: 'default' })).toEqual(shop);
  expect(() => parseDefinition({ ...shop, namespace: '*' })).toThrow(
    /definition\.namespace must be a name/,
  );
  expect(entity({ name: 'shop', namespace: 'payments', keys: { shop: 'string' } })).toEqual({
    ...shop,
    namespace: 'payments',
  });
});

/**
 * Feast's HTTP, to the letter, as it was captured from its own server; and what its users want
 * mended.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  onDemandFeature,
  request,
  source,
} from '#domain/definitions/index.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const driver = entity({ name: 'driver', keys: { driver_id: 'long' } });
const leg = entity({ name: 'leg', keys: { origin: 'string', destination: 'string' } });
const rides = source({
  name: 'rides',
  fields: {
    at: 'timestamp',
    driver_id: 'long',
    origin: 'string',
    destination: 'string',
    rate: 'double?',
    seen: 'timestamp?',
    tag: 'bytes?',
  },
  eventTime: 'at',
});
const drv = featureView({
  name: 'drv',
  entity: driver,
  source: rides,
  ttl: '1d',
  features: {
    conv_rate: avg(col('rate'), {}),
    rides: count({}),
    seen: last(col('seen')),
    tag: last(col('tag')),
  },
});
const legs = featureView({
  name: 'legs',
  entity: leg,
  source: rides,
  features: { leg_rides: count({}) },
});
const boosted = onDemandFeature({
  name: 'boosted',
  type: 'double',
  inputs: { rate: drv.feature('conv_rate'), by: request('by', 'double') },
  value: ({ rate, by }) => rate.times(by),
});
// Columns of other names than the features and the key, and an on-demand feature of the name that
// Feast's view and feature have.
const cars = entity({ name: 'car', keys: { car_id: 'long' } });
const carRows = source({
  name: 'car_rows',
  fields: { at: 'timestamp', car: 'long', km: 'double?' },
  eventTime: 'at',
});
const carStats = featureView({
  name: 'car_stats',
  entity: cars,
  source: carRows,
  join: { car_id: 'car' },
  features: { mileage: last(col('km')) },
});
const halved = onDemandFeature({
  name: 'derived__halved',
  type: 'double',
  inputs: { mileage: carStats.feature('mileage') },
  value: ({ mileage }) => mileage.dividedBy(2),
});
// What an import makes of a view that has no entity in Feast.
const everything = entity({ name: 'everything', keys: { scope: 'string' } });
const weatherRows = source({
  name: 'weather_rows',
  fields: { at: 'timestamp', scope: 'string', degrees: 'double?' },
  eventTime: 'at',
});
const weather = featureView({
  name: 'weather',
  entity: everything,
  source: weatherRows,
  features: { degrees: last(col('degrees')) },
});
const svc = featureService({ name: 'svc', features: [drv.pick('conv_rate'), boosted] });

const now = Math.floor(Date.now() / 1000) * 1000;
const HOUR = 3_600_000;
let on: TestPlatform;
let gateway: HttpGateway;
let asFeast: HttpGateway;

beforeAll(async () => {
  on = await testPlatform();
  await on.platform.registry.apply(
    plain(
      driver,
      leg,
      rides,
      drv,
      legs,
      boosted,
      cars,
      carRows,
      carStats,
      halved,
      everything,
      weatherRows,
      weather,
      svc,
    ),
    {},
    caller,
  );
  const ride = { origin: 'ATL', destination: 'LAX', rate: null, seen: null, tag: null };
  const { position } = await on.platform.publishing.publish(
    {
      source: 'rides',
      events: [
        { ...ride, at: now - HOUR, driver_id: 1, rate: 0.5, seen: now - 500, tag: 'AQI=' },
        { ...ride, at: now - 2 * HOUR, driver_id: 2 },
        { ...ride, at: now - 48 * HOUR, driver_id: 3, destination: 'JFK', rate: 1 },
      ],
    },
    caller,
  );
  await on.platform.serving.read({ features: ['drv:rides'], entities: [], after: position });
  gateway = await createHttpGateway({ modules: httpModules(), platform: on.platform, port: 0 });
  asFeast = await createHttpGateway({
    platform: on.platform,
    port: 0,
    modules: httpModules('feast'),
  });
});
afterAll(async () => {
  await gateway.close();
  await asFeast.close();
  await on.dispose();
});

interface Answer {
  readonly metadata: {
    readonly feature_names: readonly string[];
    readonly feature_view_metadata?: unknown;
  };
  readonly results: readonly {
    readonly values: readonly unknown[];
    readonly statuses: readonly string[];
    readonly event_timestamps: readonly string[];
  }[];
}
const post = async (
  path: string,
  body: unknown,
  at = gateway,
): Promise<{ status: number; body: unknown; text: string }> => {
  const response = await fetch(`${at.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text), text };
};
const online = async (body: unknown, at = gateway): Promise<Answer> => {
  const answer = await post('/get-online-features', body, at);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as Answer;
};
const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
const EPOCH = '1970-01-01T00:00:00Z';

test('by column, join keys first, with statuses and the times of the entities', async () => {
  const answer = await online({
    features: ['drv:conv_rate', 'drv:seen'],
    entities: { driver_id: [1, 2, 9] },
  });
  expect(answer).toEqual({
    metadata: { feature_names: ['driver_id', 'conv_rate', 'seen'] },
    results: [
      {
        values: [1, 2, 9],
        statuses: ['PRESENT', 'PRESENT', 'PRESENT'],
        event_timestamps: [EPOCH, EPOCH, EPOCH],
      },
      {
        values: [0.5, null, null],
        statuses: ['PRESENT', 'NULL_VALUE', 'NOT_FOUND'],
        event_timestamps: [iso(now - HOUR), iso(now - 2 * HOUR), EPOCH],
      },
      // Feast's timestamps are seconds
      {
        values: [Math.floor((now - 500) / 1000), null, null],
        statuses: ['PRESENT', 'NULL_VALUE', 'NOT_FOUND'],
        event_timestamps: [iso(now - HOUR), iso(now - 2 * HOUR), EPOCH],
      },
    ],
  });
});

test('a value past its ttl is OUTSIDE_MAX_AGE, and the switch gives the word that Feast gives', async () => {
  const body = { features: ['drv:rides'], entities: { driver_id: [3] } };
  expect((await online(body)).results[1]).toEqual({
    values: [null],
    statuses: ['OUTSIDE_MAX_AGE'],
    event_timestamps: [iso(now - 48 * HOUR)],
  });
  expect((await online(body, asFeast)).results[1]?.statuses).toEqual(['PRESENT']);
  const nulls = { features: ['drv:conv_rate'], entities: { driver_id: [2, 9] } };
  expect((await online(nulls, asFeast)).results[1]?.statuses).toEqual(['PRESENT', 'NOT_FOUND']);
});

test('every part of a composite key counts, and views of several entities answer one request', async () => {
  const entities = {
    origin: ['ATL', 'ATL', 'LAX'],
    destination: ['LAX', 'JFK', 'ATL'],
    driver_id: [1, 2, 3],
  };
  const answer = await online({ features: ['legs:leg_rides', 'drv:rides'], entities });
  expect(answer.metadata.feature_names).toEqual([
    'origin',
    'destination',
    'driver_id',
    'leg_rides',
    'rides',
  ]);
  expect(answer.results[3]?.values).toEqual([2, 1, 0]);
  expect(answer.results[4]?.values).toEqual([1, 1, null]);
});

test('a service with a request-time input; full names; the versions of the views; bytes as base64', async () => {
  const answer = await online({
    feature_service: 'svc',
    entities: { driver_id: [1], by: [3] },
    full_feature_names: true,
    include_feature_view_version_metadata: true,
  });
  expect(answer.metadata).toEqual({
    feature_names: ['driver_id', 'drv__conv_rate', 'boosted'],
    feature_view_metadata: [{ name: 'drv', version: 1 }],
  });
  expect(answer.results.slice(1).map(({ values }) => values)).toEqual([[0.5], [1.5]]);
  expect(
    (await online({ features: ['drv@v1:tag'], entities: { driver_id: [1] } })).results[1]?.values,
  ).toEqual(['AQI=']);
});

const feastError = (body: unknown): unknown => JSON.parse(body as string);

test("what is unknown is 404 with Feast's class in a text; a body of the wrong form is 422 with detail", async () => {
  const cases: [unknown, string][] = [
    [{ features: ['nope:x'], entities: { driver_id: [1] } }, 'FeatureViewNotFoundException'],
    [{ feature_service: 'nope', entities: { driver_id: [1] } }, 'FeatureServiceNotFoundException'],
    [
      { feature_service: 'svc', entities: { driver_id: [1] } },
      'RequestDataNotFoundInEntityRowsException',
    ],
  ];
  for (const [body, name] of cases) {
    const answer = await post('/get-online-features', body);
    expect(answer.status).toBe(404);
    expect(feastError(answer.body)).toMatchObject({ module: 'feast.errors', class: name });
  }
  const wrong: unknown[] = [
    { features: ['drv:rides'] },
    { features: 'drv:rides', entities: { driver_id: [1] } },
    { features: ['drv:rides'], entities: { driver_id: 1 } },
    { features: ['drv:rides'], entities: {} },
    { entities: { driver_id: [1] } },
    { features: ['legs:leg_rides'], entities: { origin: ['ATL'] } },
    { features: ['legs:leg_rides'], entities: { origin: ['ATL', 'LAX'], destination: ['LAX'] } },
    '{"entities":',
  ];
  for (const body of wrong) {
    const answer = await post('/get-online-features', body);
    expect([answer.status, answer.body]).toEqual([
      422,
      { detail: [expect.objectContaining({ loc: expect.any(Array), msg: expect.any(String) })] },
    ]);
  }
});

test('push: rows of a source, in any of its forms of time, readable at once; what is wrong is named', async () => {
  const df = {
    driver_id: [20, 21],
    origin: ['A', 'A'],
    destination: ['B', 'B'],
    rate: [0.1, 0.2],
    event_timestamp: [iso(now).slice(0, -1), iso(now)],
    created: [null, null],
  };
  expect(
    (await post('/push', { push_source_name: 'rides', df, to: 'online_and_offline' })).status,
  ).toBe(200);
  expect(
    (await online({ features: ['drv:conv_rate'], entities: { driver_id: [20, 21] } })).results[1],
  ).toEqual({
    values: [0.1, 0.2],
    statuses: ['PRESENT', 'PRESENT'],
    event_timestamps: [iso(now), iso(now)],
  });
  const unknown = await post('/push', { push_source_name: 'nope', df });
  expect([unknown.status, feastError(unknown.body)]).toEqual([
    422,
    expect.objectContaining({ class: 'PushSourceNotFoundException' }),
  ]);
  const bad = await post('/push', {
    push_source_name: 'rides',
    df: { ...df, driver_id: ['x', 22] },
  });
  expect([bad.status, JSON.stringify(bad.body)]).toEqual([
    422,
    expect.stringMatching(/1 rows were rejected.*driver_id/),
  ]);
  expect((await post('/push', { push_source_name: 'rides', df: { other: [1] } })).text).toMatch(
    /none of the fields/,
  );
  expect((await post('/push', { push_source_name: 'rides', df, to: 'nowhere' })).status).toBe(422);
});

test('materialize has nothing to do and says so as Feast does; health is empty', async () => {
  expect(await post('/materialize', { start_ts: iso(0), end_ts: iso(now) })).toMatchObject({
    status: 200,
    text: 'null',
  });
  expect(
    await post('/materialize?async=true', { end_ts: iso(now), feature_views: ['drv'] }),
  ).toMatchObject({
    status: 202,
    body: { status: 'accepted', feature_views: ['drv'] },
  });
  expect(
    (await post('/materialize-incremental', { end_ts: iso(now), feature_views: ['nope'] })).status,
  ).toBe(404);
  const health = await fetch(`${gateway.url}/health`);
  expect([health.status, await health.text()]).toEqual([200, '']);
});

test("rows of a view under the names of its features, as Feast's client has them; on-demand features as features of Feast's view", async () => {
  const df = { car_id: [5], mileage: [30], event_timestamp: [iso(now)] };
  expect(
    (await post('/write-to-online-store', { feature_view_name: 'car_stats', df })).status,
  ).toBe(200);
  const features = ['derived:halved', 'car_stats:mileage'];
  const short = await online({ features, entities: { car_id: [5] } });
  expect([short.metadata.feature_names, short.results.map(({ values }) => values[0])]).toEqual([
    ['car_id', 'halved', 'mileage'],
    [5, 15, 30],
  ]);
  const full = await online({ features, entities: { car_id: [5] }, full_feature_names: true });
  expect(full.metadata.feature_names).toEqual(['car_id', 'derived__halved', 'car_stats__mileage']);
  const unknown = await post('/get-online-features', {
    features: ['derived:other', 'nope:x'],
    entities: { car_id: [5] },
  });
  expect([unknown.status, feastError(unknown.body)]).toEqual([
    404,
    expect.objectContaining({
      class: 'FeatureViewNotFoundException',
      message: expect.stringContaining('"derived"'),
    }),
  ]);
});

test('a view without an entity in Feast is written and read without a key', async () => {
  const df = { degrees: [21.5], event_timestamp: [iso(now)] };
  expect((await post('/write-to-online-store', { feature_view_name: 'weather', df })).status).toBe(
    200,
  );
  const answer = await online({
    features: ['weather:degrees', 'drv:rides'],
    entities: { driver_id: [1, 9] },
  });
  expect([answer.metadata.feature_names, answer.results[1]?.values]).toEqual([
    ['driver_id', 'degrees', 'rides'],
    [21.5, 21.5],
  ]);
});

test('text for a number and a number for text are taken where they can be; the latest version by name; else the refusal stands', async () => {
  const rides = async (features: readonly string[], entities: object): Promise<unknown> =>
    (await online({ features, entities })).results.at(-1)?.values;
  expect(await rides(['drv:rides'], { driver_id: ['1', '9'] })).toEqual([1, 0]);
  expect(await rides(['drv@latest:rides'], { driver_id: ['1'] })).toEqual([1]);
  expect(await rides(['legs:leg_rides'], { origin: [1], destination: [2] })).toEqual([0]);
  const asked = { feature_service: 'svc', entities: { driver_id: ['1'], by: ['3'] } };
  expect((await online(asked)).results.at(-1)?.values).toEqual([1.5]);
  for (const driver_id of ['x', ' ', null, true]) {
    const answer = await post('/get-online-features', {
      features: ['drv:rides'],
      entities: { driver_id: [driver_id] },
    });
    expect([answer.status, answer.text]).toEqual([
      422,
      expect.stringContaining('MR_ENTITY_INVALID'),
    ]);
  }
});

test("a body of the wrong form is told in FastAPI's words, with what was sent unless it is long", async () => {
  const detail = async (body: unknown): Promise<unknown> =>
    ((await post('/get-online-features', body)).body as { detail: unknown[] }).detail[0];
  expect(await detail({ features: ['a:b'] })).toEqual({
    type: 'missing',
    loc: ['body', 'entities'],
    msg: 'Field required',
    input: { features: ['a:b'] },
  });
  expect(await detail({ features: ['a:b', 2], entities: {} })).toEqual({
    type: 'string_type',
    loc: ['body', 'features', 1],
    msg: 'Input should be a valid string',
    input: 2,
  });
  expect(await detail({ features: ['x'.repeat(2000)] })).not.toHaveProperty('input');
});

/**
 * Feast's own gRPC stubs, unchanged, against the gateway: `ServingService` and `GrpcFeatureServer`.
 */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  source,
} from '#domain/definitions/index.ts';
import { createGrpcGateway, type GrpcGateway } from '#gateways/grpc/gateway.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { hasPython, pythonWithFeast } from '#tests/support/venv.ts';

const airport = entity({ name: 'airport', keys: { origin: 'string' } });
const flights = source({
  name: 'flights',
  fields: { date: 'timestamp', origin: 'string', delay: 'double?', destination: 'string?' },
  eventTime: 'date',
});
const delays = featureView({
  name: 'airport_delays',
  entity: airport,
  source: flights,
  features: {
    departures: count({}),
    delay_avg: avg(col('delay'), {}),
    last_destination: last(col('destination')),
  },
});
const model = featureService({
  name: 'delay_model',
  features: [delays.pick('departures', 'delay_avg')],
});
const NOON = Date.parse('2026-01-31T12:00:00.250Z');

interface Vector {
  readonly values: readonly Readonly<Record<string, unknown>>[];
  readonly statuses: readonly string[];
  readonly times: readonly string[];
}
type Vectors = Readonly<Record<string, Vector>>;

let on: TestPlatform;
let gateway: GrpcGateway;
let answers: Readonly<Record<string, unknown>>;

beforeAll(async () => {
  if (!hasPython())
    throw new Error('these tests need python3 with venv: install it (Debian: python3-venv)');
  const python = pythonWithFeast();
  on = await testPlatform();
  await on.platform.registry.apply(plain(airport, flights, delays, model), {}, caller);
  const events = [
    { date: NOON, origin: 'ATL', delay: 10, destination: 'LAX' },
    { date: NOON + 60_000, origin: 'ATL', delay: 5, destination: 'JFK' },
    { date: NOON, origin: 'JFK', delay: null, destination: null },
  ];
  const { position } = await on.platform.publishing.publish({ source: 'flights', events }, caller);
  await on.platform.serving.read({ service: 'delay_model', entities: [], after: position });
  gateway = await createGrpcGateway({
    modules: grpcModules('exact', 'millrace 1'),
    platform: on.platform,
    port: 0,
  });
  const { stdout } = await promisify(execFile)(python, [
    join(import.meta.dirname, 'grpc_client.py'),
    gateway.address,
  ]);
  answers = JSON.parse(stdout) as typeof answers;
}, 600_000);

afterAll(async () => {
  await gateway?.close();
  await on?.dispose();
});

test('features by list: join keys first, values with their types, statuses and event times', () => {
  const features = answers.features as Vectors;
  expect(Object.keys(features)).toEqual(['origin', 'departures', 'delay_avg', 'last_destination']);
  expect(features.origin?.values).toEqual(
    ['ATL', 'JFK', 'XXX'].map((stringVal) => ({ stringVal })),
  );
  expect(features.departures).toEqual({
    values: [{ int64Val: '2' }, { int64Val: '1' }, { int64Val: '0' }].map((value, i) =>
      i === 2 ? expect.anything() : value,
    ),
    statuses: ['PRESENT', 'PRESENT', 'NOT_FOUND'],
    times: ['2026-01-31T12:01:00.250Z', '2026-01-31T12:00:00.250Z', '1970-01-01T00:00:00Z'],
  });
  expect(features.delay_avg?.values.slice(0, 2)).toEqual([{ doubleVal: 7.5 }, {}]);
  expect(features.delay_avg?.statuses.slice(0, 2)).toEqual(['PRESENT', 'NULL_VALUE']);
  expect(features.last_destination?.values[0]).toEqual({ stringVal: 'JFK' });
});

test('features by service, with full names and the views’ versions', () => {
  expect(Object.keys(answers.service as Vectors)).toEqual([
    'origin',
    'airport_delays__departures',
    'airport_delays__delay_avg',
  ]);
  expect(answers.metadata).toEqual([{ name: 'airport_delays', version: 1 }]);
});

test('rows that are pushed or written can be read at once', () => {
  expect([answers.push, answers.write]).toEqual([true, true]);
  const written = answers.written as Vectors;
  expect(written.departures?.values).toEqual([{ int64Val: '2' }]);
  expect(written.delay_avg?.values).toEqual([{ doubleVal: 4 }]);
});

test("refusals have Feast's status, and the version is Feast's", () => {
  expect(answers.info).toBe('millrace 1');
  expect(answers.unknown).toEqual(['NOT_FOUND', expect.stringContaining('nothing')]);
  expect(answers.empty).toEqual(['INVALID_ARGUMENT', expect.any(String)]);
});

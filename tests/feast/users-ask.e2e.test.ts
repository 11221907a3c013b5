/** Requests of Feast's users in its issues: each is a test of the gateways and the platform. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetRequest, DatasetStatus } from '#domain/api/datasets.ts';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  max,
  source,
} from '#domain/definitions/index.ts';
import type { FeatureViewDefinition } from '#domain/definitions/model.ts';
import type { Row } from '#domain/values/value.ts';
import { createGrpcGateway, type GrpcGateway } from '#gateways/grpc/gateway.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import {
  caller,
  finished,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import { call } from '#tests/support/server.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-03-02T00:00:00Z');

const driver = entity({ name: 'driver', keys: { driver_id: 'long' } });
const leg = entity({ name: 'leg', keys: { origin: 'string', destination: 'string' } });
const rides = source({
  name: 'rides',
  fields: {
    at: 'timestamp',
    driver_id: 'long',
    origin: 'string',
    destination: 'string',
    fare: 'double?',
  },
  eventTime: 'at',
});
const latest = featureView({
  name: 'latest',
  entity: driver,
  source: rides,
  ttl: '1d',
  features: { fare: last(col('fare')) },
});
const stats = featureView({
  name: 'stats',
  entity: driver,
  source: rides,
  features: { fares: avg(col('fare'), { window: '2h', hop: '1h' }), rides: count({}) },
});
const legs = featureView({
  name: 'legs',
  entity: leg,
  source: rides,
  features: { rides: count({}) },
});
const model = featureService({ name: 'model', features: [stats.pick('fares', 'rides')] });

let clock = START;
let on: TestPlatform;
let http: HttpGateway;
let grpc: GrpcGateway;

beforeAll(async () => {
  on = await testPlatform({ now: () => clock });
  await on.platform.registry.apply(
    plain(driver, leg, rides, latest, stats, legs, model),
    {},
    caller,
  );
  http = await createHttpGateway({ modules: httpModules(), platform: on.platform, port: 0 });
  grpc = await createGrpcGateway({
    modules: grpcModules('exact', 'millrace 1'),
    platform: on.platform,
    port: 0,
  });
});
afterAll(async () => {
  await http?.close();
  await grpc?.close();
  await on?.dispose();
});

interface Vector {
  readonly values: readonly unknown[];
  readonly statuses: readonly string[];
}
type Vectors = Readonly<Record<string, Vector>>;

const publish = async (...events: readonly Row[]): Promise<void> => {
  const filled = events.map((event) => ({
    origin: 'ATL',
    destination: 'LAX',
    fare: null,
    ...event,
  }));
  const { position, rejected } = await on.platform.publishing.publish(
    { source: 'rides', events: filled },
    caller,
  );
  expect(rejected).toEqual([]);
  await on.platform.serving.read({
    features: ['stats:rides', 'latest:fare', 'legs:rides'],
    entities: [],
    after: position,
  });
};

const overHttp = async (
  features: readonly string[],
  entities: Readonly<Record<string, readonly unknown[]>>,
): Promise<Vectors> => {
  const { body } = await call(http.url, '/get-online-features', { body: { features, entities } });
  const { metadata, results } = body as {
    metadata: { feature_names: string[] };
    results: Vector[];
  };
  return Object.fromEntries(metadata.feature_names.map((name, i) => [name, results[i] as Vector]));
};

interface GrpcAnswer {
  readonly metadata: { readonly featureNames: { readonly val: readonly string[] } };
  readonly results: readonly {
    readonly values: readonly Record<string, unknown>[];
    readonly statuses: readonly string[];
  }[];
}
type Unary = (request: unknown, done: (error: Error | null, answer: GrpcAnswer) => void) => void;

const overGrpc = async (
  features: readonly string[],
  entities: Readonly<Record<string, readonly object[]>>,
): Promise<Vectors> => {
  const protos = join(import.meta.dirname, '..', '..', 'gateways', 'feast', 'protos');
  const loaded = loadPackageDefinition(
    loadSync('feast/serving/ServingService.proto', {
      includeDirs: [protos],
      longs: Number,
      enums: String,
      oneofs: true,
    }),
  ) as unknown as {
    feast: {
      serving: {
        ServingService: new (
          address: string,
          credentials: object,
        ) => { GetOnlineFeatures: Unary; close(): void };
      };
    };
  };
  const client = new loaded.feast.serving.ServingService(
    grpc.address,
    credentials.createInsecure(),
  );
  const request = {
    features: { val: features },
    entities: Object.fromEntries(Object.entries(entities).map(([name, val]) => [name, { val }])),
  };
  try {
    const answer = await new Promise<GrpcAnswer>((resolve, reject) =>
      client.GetOnlineFeatures(request, (error, found) =>
        error === null ? resolve(found) : reject(error),
      ),
    );
    const plainOf = ({ val, ...value }: Record<string, unknown>): unknown =>
      val === undefined ? null : value[val as string];
    return Object.fromEntries(
      answer.metadata.featureNames.val.map((name, i) => {
        const { values = [], statuses = [] } = answer.results[i] ?? {};
        return [name, { values: values.map(plainOf), statuses }];
      }),
    );
  } finally {
    client.close();
  }
};

let files = 0;
/** A training set's rows, as texts, and its report. */
const trainingSet = async (
  request: Omit<DatasetRequest, 'out'>,
): Promise<{
  readonly status: DatasetStatus;
  readonly rows: readonly Readonly<Record<string, string>>[];
  readonly text: string;
}> => {
  const out = join(on.files, `set-${files++}.csv`);
  const started = await on.platform.datasets.start({ ...request, out }, caller);
  const status = await finished(on.platform, started);
  expect(status.error).toBeNull();
  const text = readFileSync(out, 'utf8');
  const [head, ...lines] = text.trim().split('\n') as [string, ...string[]];
  const names = head.split(',');
  const rows = lines.map((line) =>
    Object.fromEntries(line.split(',').map((cell, i) => [names[i] as string, cell])),
  );
  return { status, rows, text };
};
const spine = (driverId: number, ...times: readonly number[]): Row[] =>
  times.map((time) => ({ driver_id: driverId, event_timestamp: time }));

test('feast#6821, #1802: a value older than its ttl is not served online, over HTTP and gRPC', async () => {
  clock = START + 2 * DAY;
  await publish(
    { driver_id: 1, at: clock - DAY - HOUR, fare: 5 },
    { driver_id: 2, at: clock - HOUR, fare: 6 },
  );
  const wanted = { values: [null, 6], statuses: ['OUTSIDE_MAX_AGE', 'PRESENT'] };
  expect((await overHttp(['latest:fare'], { driver_id: [1, 2] })).fare).toMatchObject(wanted);
  expect(
    (await overGrpc(['latest:fare'], { driver_id: [{ int64Val: 1 }, { int64Val: 2 }] })).fare,
  ).toEqual(wanted);
  // A value expires as time passes, without a write.
  clock += DAY;
  expect((await overHttp(['latest:fare'], { driver_id: [2] })).fare).toMatchObject({
    values: [null],
    statuses: ['OUTSIDE_MAX_AGE'],
  });
});

test('feast#5163, #6656: within a batch the newest event time wins, whatever the order of the rows, and an older batch changes nothing', async () => {
  const at = clock - HOUR;
  await publish(
    { driver_id: 10, at, fare: 3 },
    { driver_id: 10, at: at - 60_000, fare: 1 },
    { driver_id: 10, at: at - 1, fare: 2 },
  );
  await publish({ driver_id: 10, at: at - 2, fare: 9 });
  expect((await overHttp(['latest:fare'], { driver_id: [10] })).fare?.values).toEqual([3]);
});

test('feast#6488: every part of a composite key counts, over HTTP and gRPC', async () => {
  await publish(
    { driver_id: 20, at: clock, origin: 'OSL', destination: 'BGO' },
    { driver_id: 20, at: clock, origin: 'OSL', destination: 'TRD' },
    { driver_id: 20, at: clock, origin: 'OSL', destination: 'TRD' },
  );
  const origins = ['OSL', 'OSL', 'BGO'];
  const destinations = ['BGO', 'TRD', 'OSL'];
  const wanted = { values: [1, 2, 0], statuses: ['PRESENT', 'PRESENT', 'NOT_FOUND'] };
  expect(
    (await overHttp(['legs:rides'], { origin: origins, destination: destinations })).rides,
  ).toMatchObject(wanted);
  const texts = (values: readonly string[]): object[] => values.map((stringVal) => ({ stringVal }));
  const answer = await overGrpc(['legs:rides'], {
    origin: texts(origins),
    destination: texts(destinations),
  });
  expect(answer.rides).toEqual(wanted);
  expect([answer.origin?.values, answer.destination?.values]).toEqual([origins, destinations]);
});

test('feast#6617: a training row has nothing that happened after it, nor, as-served, anything that was not known yet', async () => {
  const noon = clock;
  await publish({ driver_id: 30, at: noon, fare: 10 });
  clock = noon + 10 * 60_000;
  // One event happened before the row's time and became known after it; another happened after it.
  const row = noon + 5 * 60_000;
  await publish(
    { driver_id: 30, at: noon + 60_000, fare: 20 },
    { driver_id: 30, at: row + 1, fare: 1000 },
  );
  const target = { view: 'stats' };
  const happened = await trainingSet({
    target,
    spine: { rows: spine(30, row) },
    mode: 'event-time',
  });
  const served = await trainingSet({ target, spine: { rows: spine(30, row) }, mode: 'as-served' });
  expect(happened.rows[0]).toMatchObject({
    fares: expect.stringMatching(/^15(\.0)?$/),
    rides: '2',
  });
  expect(served.rows[0]).toMatchObject({ fares: expect.stringMatching(/^10(\.0)?$/), rides: '1' });
});

test('feast#2980: a training set of a pinned time has the same bytes after late data arrives', async () => {
  const at = clock;
  await publish({ driver_id: 40, at: at - 30 * 60_000, fare: 4 });
  const rows = spine(40, at, at + HOUR);
  const request = { target: { service: 'model' }, spine: { rows }, mode: 'event-time' } as const;
  clock += 1000;
  const first = await trainingSet(request);
  clock += 1000;
  await publish({ driver_id: 40, at: at - 20 * 60_000, fare: 8 });
  clock += 1000;
  const again = await trainingSet({ ...request, known: first.status.known });
  const now = await trainingSet(request);
  expect(again.text).toBe(first.text);
  expect([first.rows[0]?.rides, now.rows[0]?.rides]).toEqual(['1', '2']);
});

test('feast#2960, #5228: the online store, the history and a training set have the same values at the same time', async () => {
  const from = clock;
  for (let i = 0; i < 12; i++) {
    clock += 17 * 60_000;
    await publish({ driver_id: 50, at: clock - (i % 3) * 40 * 60_000, fare: i + 0.25 });
  }
  const features = ['stats:fares', 'stats:rides'];
  const entities = [{ driver_id: 50 }];
  const online = await on.platform.serving.read({ features, entities });
  const past = await on.platform.serving.read({
    features,
    entities,
    at: online.at,
    known: online.known,
  });
  const offline = await trainingSet({
    target: { service: 'model' },
    spine: { rows: spine(50, online.at) },
    mode: 'event-time',
    known: online.known,
  });
  const [fares, rides] = online.values[0] as [number, number];
  expect(past.values).toEqual(online.values);
  expect([Number(offline.rows[0]?.fares), Number(offline.rows[0]?.rides)]).toEqual([fares, rides]);
  expect(rides).toBe(12);
  const explained = await on.platform.serving.explain({
    view: 'stats',
    feature: 'fares',
    entity: { driver_id: 50 },
    at: online.at,
    known: online.known,
  });
  expect([explained.value, explained.recomputed, explained.matches]).toEqual([fares, fares, true]);
  expect(clock - from).toBeGreaterThan(2 * HOUR);
});

test('feast#6389: a training set reads the version that serving is pinned to', async () => {
  await publish(
    { driver_id: 60, at: clock - 60_000, fare: 1 },
    { driver_id: 60, at: clock, fare: 3 },
  );
  const pinned = featureService({
    name: 'pinned',
    features: [{ from: 'view', view: 'stats', features: ['fares'], version: 1 }],
  });
  const fares = max(col('fare'), { window: '2h', hop: '1h' });
  const revised: FeatureViewDefinition = { ...stats, features: { ...stats.features, fares } };
  const { position } = await on.platform.registry.apply(plain(pinned), {}, caller);
  await on.platform.serving.read({ service: 'pinned', entities: [], after: position });
  await on.platform.registry.apply(
    plain(revised),
    { force: true, reason: 'the highest fare' },
    caller,
  );
  const { id } = await on.platform.replays.start({ view: 'stats' }, caller);
  expect(await replayFilled(on.platform, id)).toMatchObject({ state: 'ready' });
  await on.platform.replays.change(id, 'promote', {}, caller);
  const newest = await on.platform.serving.read({
    features: ['stats:fares'],
    entities: [{ driver_id: 60 }],
  });
  expect([newest.values[0], newest.views[0]?.version]).toEqual([[3], 2]);
  const online = await on.platform.serving.read({
    service: 'pinned',
    entities: [{ driver_id: 60 }],
  });
  expect([online.values[0], online.views[0]?.version]).toEqual([[2], 1]);
  const set = await trainingSet({
    target: { service: 'pinned' },
    spine: { rows: spine(60, clock) },
    mode: 'event-time',
  });
  expect([Number(set.rows[0]?.fares), set.status.views[0]?.version]).toEqual([2, 1]);
});

test('feast#6452: changes are in a verifiable chain, with actor and reason', async () => {
  const { records } = await on.platform.audit.log({ subject: 'stats' });
  const revision = records.find(({ reason }) => reason === 'the highest fare');
  expect(revision).toMatchObject({ actor: 'test' });
  expect(await on.platform.audit.verify()).toMatchObject({ ok: true });
});

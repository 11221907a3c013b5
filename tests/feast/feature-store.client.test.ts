/** Feast's own client, unchanged, against the gateway: its values are those of the native read. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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
const driver = entity({ name: 'driver', keys: { driver_id: 'long' } });
const driverRows = source({
  name: 'driver_rows',
  fields: { driver_id: 'long', event_timestamp: 'timestamp', conv_rate: 'double?', trips: 'long?' },
  eventTime: 'event_timestamp',
});
const stats = featureView({
  name: 'driver_stats',
  entity: driver,
  source: driverRows,
  features: { conv_rate: last(col('conv_rate')), trips: last(col('trips')) },
});
const leg = entity({ name: 'leg', keys: { origin: 'string', destination: 'string' } });
const legs = featureView({
  name: 'legs',
  entity: leg,
  source: flights,
  features: { flights: count({}) },
});
const boosted = onDemandFeature({
  name: 'boost__boosted',
  type: 'double',
  inputs: { average: delays.feature('delay_avg'), bonus: request('bonus', 'double') },
  value: ({ average, bonus }) => average.plus(bonus),
});
const model = featureService({
  name: 'delay_model',
  features: [delays.pick('departures', 'delay_avg')],
});

const NOON = Date.parse('2026-01-31T12:00:00Z');
const FEATURES = [
  'airport_delays:departures',
  'airport_delays:delay_avg',
  'airport_delays:last_destination',
];

interface Answer {
  readonly values: Readonly<Record<string, readonly unknown[]>>;
  readonly error?: string;
  readonly message?: string;
}

let on: TestPlatform;
let gateway: HttpGateway;
let child: ChildProcess;
let repository: string;
let ask: (request: unknown) => Promise<Answer>;

beforeAll(async () => {
  if (!hasPython())
    throw new Error('these tests need python3 with venv: install it (Debian: python3-venv)');
  const python = pythonWithFeast();
  on = await testPlatform();
  await on.platform.registry.apply(
    plain(airport, flights, delays, driver, driverRows, stats, leg, legs, boosted, model),
    {},
    caller,
  );
  const { position } = await on.platform.publishing.publish(
    {
      source: 'flights',
      events: [
        { date: NOON, origin: 'ATL', delay: 10, destination: 'LAX' },
        { date: NOON + 60_000, origin: 'ATL', delay: 5, destination: 'JFK' },
        { date: NOON, origin: 'JFK', delay: null, destination: null },
      ],
    },
    caller,
  );
  await on.platform.serving.read({ features: FEATURES, entities: [], after: position });
  gateway = await createHttpGateway({ modules: httpModules(), platform: on.platform, port: 0 });
  repository = mkdtempSync(join(tmpdir(), 'millrace-feast-'));
  copyFileSync(join(import.meta.dirname, 'definitions.py'), join(repository, 'definitions.py'));
  writeFileSync(
    join(repository, 'feature_store.yaml'),
    `project: conf\nregistry: registry.db\nprovider: local\nonline_store: {type: remote, path: "${gateway.url}"}\nentity_key_serialization_version: 3\nauth: {type: no_auth}\n`,
  );
  execFileSync(
    python,
    [
      '-c',
      'import pandas as pd; pd.DataFrame({"origin": ["ATL"], "departures": [1], "delay_avg": [1.0], "last_destination": ["x"], "event_timestamp": pd.to_datetime(["2026-01-01"], utc=True)}).to_parquet("flights.parquet")',
    ],
    { cwd: repository },
  );
  execFileSync(join(python, '..', 'feast'), ['apply'], { cwd: repository, stdio: 'pipe' });
  child = spawn(python, [join(import.meta.dirname, 'client.py')], {
    cwd: repository,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[
    Symbol.asyncIterator
  ]();
  ask = async (request) => {
    child.stdin?.write(`${JSON.stringify(request)}\n`);
    return JSON.parse(String((await lines.next()).value)) as Answer;
  };
}, 600_000);

afterAll(async () => {
  child?.kill();
  await gateway?.close();
  await on?.dispose();
  rmSync(repository, { recursive: true, force: true });
});

const native = async (
  rows: readonly { origin: string }[],
  features = FEATURES,
): Promise<Record<string, unknown[]>> => {
  const read = await on.platform.serving.read({ features, entities: rows });
  return Object.fromEntries([
    ['origin', rows.map(({ origin }) => origin)],
    ...read.features.map((name, i) => [name, read.values.map((row) => row[i])] as const),
  ]);
};

const ROWS = [{ origin: 'ATL' }, { origin: 'JFK' }, { origin: 'nowhere' }];

test('get_online_features by feature list returns the values of the native read, in its order', async () => {
  const { values } = await ask({ do: 'read', features: FEATURES, rows: ROWS });
  expect(values).toEqual(await native(ROWS));
  expect(values.departures?.[0]).toBe(2);
});

test('get_online_features reads a feature service, and full feature names', async () => {
  const byService = await ask({ do: 'read', service: 'delay_model', rows: ROWS });
  expect(byService.values).toEqual(await native(ROWS, FEATURES.slice(0, 2)));
  const full = await ask({ do: 'read', features: FEATURES, rows: ROWS, full: true });
  expect(Object.keys(full.values).sort()).toEqual(
    ['origin', ...FEATURES.map((name) => name.replace(':', '__'))].sort(),
  );
});

test("write_to_online_store publishes the rows as events of the view's source, which can be read at once", async () => {
  const df = {
    driver_id: [7, 8],
    conv_rate: [0.25, 0.5],
    trips: [3, 4],
    event_timestamp: ['2026-02-01T00:00:00Z', '2026-02-01T00:00:01Z'],
  };
  expect(await ask({ do: 'write', view: 'driver_stats', df })).toEqual({});
  const features = ['driver_stats:conv_rate', 'driver_stats:trips'];
  const rows = [{ driver_id: 7 }, { driver_id: 8 }];
  const { values } = await ask({ do: 'read', features, rows });
  expect(values).toEqual({ driver_id: [7, 8], conv_rate: [0.25, 0.5], trips: [3, 4] });
  // Within one batch the event time decides, not the order of the rows.
  const batch = {
    driver_id: [7, 7],
    conv_rate: [0.9, 0.8],
    trips: [9, 8],
    event_timestamp: ['2026-02-03T00:00:00Z', '2026-02-02T00:00:00Z'],
  };
  expect(await ask({ do: 'write', view: 'driver_stats', df: batch })).toEqual({});
  expect((await ask({ do: 'read', features, rows: [{ driver_id: 7 }] })).values).toEqual({
    driver_id: [7],
    conv_rate: [0.9],
    trips: [9],
  });
});

test('every part of a composite key counts, in a request with a view of one key', async () => {
  const rows = [
    { origin: 'ATL', destination: 'LAX' },
    { origin: 'ATL', destination: 'nowhere' },
  ];
  const { values } = await ask({
    do: 'read',
    features: ['legs:flights', 'airport_delays:departures'],
    rows,
  });
  expect(values).toEqual({
    origin: ['ATL', 'ATL'],
    destination: ['LAX', 'nowhere'],
    flights: [1, 0],
    departures: [2, 2],
  });
});

test('an on-demand feature has its Feast name and takes request data; a whole double stays a float in Python', async () => {
  const asked = { do: 'read', features: ['boost:boosted', 'airport_delays:departures'] };
  const rows = [{ origin: 'ATL', bonus: 0.5 }];
  expect((await ask({ ...asked, rows })).values).toEqual({
    origin: ['ATL'],
    boosted: [8],
    departures: [2],
  });
  const full = await ask({ ...asked, rows, full: true });
  expect(Object.keys(full.values).sort()).toEqual([
    'airport_delays__departures',
    'boost__boosted',
    'origin',
  ]);
  expect(await ask({ do: 'types', features: asked.features, rows })).toEqual({
    boosted: 'float',
    departures: 'int',
    origin: 'str',
  });
  expect(await ask({ ...asked, rows: [{ origin: 'ATL' }] })).toMatchObject({
    message: expect.stringContaining('bonus'),
  });
});

test("a name that Feast does not know here raises Feast's own exception", async () => {
  const { error, message } = await ask({
    do: 'read',
    features: ['airport_delays:nothing'],
    rows: ROWS,
  });
  expect({ error, message }).toEqual({
    error: expect.any(String),
    message: expect.stringMatching(/nothing/),
  });
});

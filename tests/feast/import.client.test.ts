/**
 * A team moves from Feast. Its registry is imported and applied without changes, its files are
 * published, and then the same requests go to Feast's own server over its materialized data and to
 * the gateway.
 */

import { execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { type FeastServer, startFeastServer } from '#tests/support/feast-server.ts';
import { type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { hasPython, pythonWithFeast } from '#tests/support/venv.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'gateways', 'cli', 'main.ts');

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}
type Columns = Readonly<Record<string, readonly unknown[]>>;
interface Note {
  readonly level: string;
  readonly kind: string;
  readonly name: string;
}

let python: string;
let repository: string;
let on: TestPlatform;
let gateway: HttpGateway;
/** answers PRESENT where Feast does */
let asFeast: HttpGateway;
let feast: FeastServer;

const run = (...args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: repository,
      env: { ...process.env, MILLRACE_URL: gateway.url, FARES_REGISTRY: 'data/registry.db' },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.stderr.on('data', (data) => {
      err += data;
    });
    child.on('close', (status) => resolve({ status, out, err }));
  });
const done = async (...args: readonly string[]): Promise<Ran> => {
  const ran = await run(...args);
  expect(ran.status, ran.err + ran.out).toBe(0);
  return ran;
};

const STATS = [
  'conv_rate',
  'acc_rate',
  'trips',
  'level',
  'city',
  'active',
  'last_seen',
  'badge',
  'scores',
  'ranks',
  'areas',
  'seen',
  'settings',
];

const CONFIG = `project: fares
provider: local
online_store: {type: sqlite, path: data/online.db}
entity_key_serialization_version: 3
`;

beforeAll(async () => {
  if (!hasPython())
    throw new Error('these tests need python3 with venv: install it (Debian: python3-venv)');
  python = pythonWithFeast();
  repository = mkdtempSync(join(tmpdir(), 'millrace-feast-import-'));
  mkdirSync(join(repository, 'data'));
  copyFileSync(join(import.meta.dirname, 'store.py'), join(repository, 'store.py'));
  writeFileSync(join(repository, 'feature_store.yaml'), `${CONFIG}registry: data/registry.db\n`);
  execFileSync(python, [join(import.meta.dirname, 'store_rows.py')], { cwd: repository });
  execFileSync(join(python, '..', 'feast'), ['apply'], { cwd: repository, stdio: 'pipe' });
  const views = ['driver_stats', 'TripsTogether', 'weather', 'vendor_stats'].flatMap((name) => [
    '--views',
    name,
  ]);
  execFileSync(
    join(python, '..', 'feast'),
    ['materialize', ...views, '2026-01-01T00:00:00', '2026-07-01T00:00:00'],
    {
      cwd: repository,
      stdio: 'pipe',
    },
  );
  const starting = startFeastServer(python, repository);
  on = await testPlatform();
  gateway = await createHttpGateway({ modules: httpModules(), platform: on.platform, port: 0 });
  asFeast = await createHttpGateway({
    platform: on.platform,
    port: 0,
    modules: httpModules('feast'),
  });
  await done('import', 'feast', '.', '--out', 'features.ts');
  await done('apply', 'features.ts');
  await done('publish', 'driver_stats_rows', 'driver_stats.parquet', '--ignore-extra');
  await done('publish', 'pairs', 'pairs.parquet');
  await done('publish', 'vendor_push', 'vendors.parquet');
  await done('publish', 'weather_rows', 'weather_everywhere.parquet');
  await done('publish', 'ride_events', 'rides.parquet');
  feast = await starting;
}, 600_000);

afterAll(async () => {
  await feast?.stop();
  await gateway?.close();
  await asFeast?.close();
  await on?.dispose();
  rmSync(repository, { recursive: true, force: true });
});

interface Answered {
  readonly status: number;
  readonly text: string;
}

const post = async (url: string, path: string, body: unknown): Promise<Answered> => {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    // Feast's server closes idle connections at any time.
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  expect(response.headers.get('content-type') ?? 'application/json').toMatch(/^application\/json/);
  return { status: response.status, text: await response.text() };
};
const ONLINE = '/get-online-features';

interface Vector {
  readonly values: readonly unknown[];
  readonly statuses: readonly string[];
  readonly event_timestamps: readonly string[];
}

/** By name, because Feast returns a view's features in no fixed order. */
const vectors = ({ status, text }: Answered): Readonly<Record<string, Vector>> => {
  expect(status, text).toBe(200);
  const { metadata, results } = JSON.parse(text) as {
    metadata: { feature_names: string[] };
    results: Vector[];
  };
  return Object.fromEntries(metadata.feature_names.map((name, i) => [name, results[i] as Vector]));
};
const values = (answer: Answered): Columns =>
  Object.fromEntries(
    Object.entries(vectors(answer)).map(([name, vector]) => [name, vector.values]),
  );

const bothAnswer = async (
  body: unknown,
): Promise<{ readonly theirs: Answered; readonly ours: Answered }> => ({
  theirs: await post(feast.url, ONLINE, body),
  ours: await post(asFeast.url, ONLINE, body),
});

/** The shortest decimal that is the same 32-bit float. */
const ownDigits = (value: number): number => {
  for (let digits = 1; ; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
};
/** Feast sends a 32-bit float with the digits of its double: 0.30000001192092896 for 0.3. */
const FLOAT = 'acc_rate';
const withOwnDigits = ({ status, text }: Answered): Answered => ({
  status,
  text: text.replace(/\d\.\d{8,}/g, (digits) => String(ownDigits(Number(digits)))),
});

const DRIVERS = [1, 2, 3, 4, 9];
/** pandas' value for no time, which Feast sends as a time */
const NOT_A_TIME = -(2 ** 63);

test('one feature of any type is answered with exactly the bytes that Feast sends, floats with their own digits', async () => {
  const exact = STATS.filter((name) => name !== 'last_seen');
  for (const name of exact) {
    const { theirs, ours } = await bothAnswer({
      features: [`driver_stats:${name}`],
      entities: { driver_id: DRIVERS },
    });
    expect(ours, name).toEqual(name === FLOAT ? withOwnDigits(theirs) : theirs);
  }
});

test("all features at once have Feast's values, statuses and times, under Feast's names", async () => {
  for (const full_feature_names of [false, true]) {
    const features = STATS.map((name) => `driver_stats:${name}`);
    const { theirs, ours } = await bothAnswer({
      features,
      entities: { driver_id: DRIVERS },
      full_feature_names,
    });
    const mine = vectors(ours);
    const wanted = vectors(theirs);
    expect(Object.keys(mine).sort()).toEqual(Object.keys(wanted).sort());
    for (const [name, vector] of Object.entries(wanted)) {
      expect(mine[name], name).toEqual({
        ...vector,
        values: vector.values.map((value) =>
          value === NOT_A_TIME
            ? null
            : name.endsWith(FLOAT) && typeof value === 'number'
              ? ownDigits(value)
              : value,
        ),
      });
    }
  }
});

test('several entities in one request, composite keys and a changed name are answered as by Feast', async () => {
  const entities = { driver_id: [1, 1, 2], customer_id: ['a', 'b', 'b'] };
  const theirs = await post(feast.url, ONLINE, {
    features: ['TripsTogether:trips', 'TripsTogether:Rating'],
    entities,
  });
  const ours = await post(asFeast.url, ONLINE, {
    features: ['trips_together:trips', 'trips_together:rating'],
    entities,
  });
  const { Rating, ...same } = vectors(theirs);
  expect(vectors(ours)).toEqual({ ...same, rating: Rating });
  expect(values(ours).trips).toEqual([3, 1, null]);
  const mixed = await bothAnswer({
    features: ['driver_stats:trips', 'vendor_stats:stock'],
    entities: { vendor: [1], driver_id: [2] },
  });
  expect(mixed.ours).toEqual(mixed.theirs);
});

test('a view without an entity is read together with others, without a key', async () => {
  const { theirs, ours } = await bothAnswer({
    features: ['weather:temperature', 'driver_stats:trips'],
    entities: { driver_id: [1, 2] },
  });
  expect(ours).toEqual(theirs);
  expect(values(ours).temperature).toEqual([21.5, 21.5]);
});

test("on-demand features of plain arithmetic have Feast's names, and the values that Feast computes", async () => {
  const features = ['adjusted:rate_with_bonus', 'adjusted:half_rate', 'driver_stats:trips'];
  const entities = { driver_id: DRIVERS, hour: [3, 3, 3, 3, 3], bonus: [0.5, 0.25, 1, 0, 2] };
  for (const full_feature_names of [false, true]) {
    const { theirs, ours } = await bothAnswer({ features, entities, full_feature_names });
    expect(vectors(ours)).toEqual(vectors(theirs));
  }
  const missing = await bothAnswer({ features, entities: { driver_id: [1], hour: [3] } });
  const classes = [missing.theirs, missing.ours].map(({ status, text }) => [
    status,
    JSON.parse(JSON.parse(text)).class,
  ]);
  expect(classes[0]).toEqual([404, 'RequestDataNotFoundInEntityRowsException']);
  expect(classes[1]).toEqual(classes[0]);
});

test('the other form of keys and inputs, the latest version and unknown fields are accepted as Feast accepts them', async () => {
  const same: unknown[] = [
    { features: ['driver_stats:trips'], entities: { driver_id: [1.0, 9] } },
    { features: ['driver_stats@latest:trips'], entities: { driver_id: [1] } },
    { features: ['driver_stats:trips'], entities: { driver_id: [1], unused: ['x'] }, more: true },
    { features: ['driver_stats:trips'], feature_service: null, entities: { driver_id: [1] } },
  ];
  for (const body of same) {
    const { theirs, ours } = await bothAnswer(body);
    expect(ours, JSON.stringify(body)).toEqual(theirs);
  }
  // Millrace echoes the keys as they were sent; Feast echoes them as it parsed them.
  const { theirs, ours } = await bothAnswer({
    features: ['driver_stats:trips'],
    entities: { driver_id: ['1', '9'] },
  });
  expect(values(ours).trips).toEqual(values(theirs).trips);
  expect([values(ours).driver_id, values(theirs).driver_id]).toEqual([
    ['1', '9'],
    [1, 9],
  ]);
});

test('a request that Feast refuses with 404 or 422 is refused in the same form, with the same class', async () => {
  const parsed = ({ status, text }: Answered): unknown => {
    const body = JSON.parse(text) as unknown;
    return [
      status,
      typeof body === 'string' ? (JSON.parse(body) as { class: string }).class : body,
    ];
  };
  const cases: readonly (readonly [string, unknown])[] = [
    [ONLINE, { features: ['nope:x'], entities: { driver_id: [1] } }],
    [ONLINE, { feature_service: 'nope', entities: { driver_id: [1] } }],
    [ONLINE, { features: ['driver_stats:trips'] }],
    [ONLINE, { features: 'driver_stats:trips', entities: { driver_id: [1] } }],
    [ONLINE, { features: [1], entities: { driver_id: [1] } }],
    [ONLINE, { features: null, entities: { driver_id: [1] } }],
    [ONLINE, { features: ['driver_stats:trips'], entities: [{ driver_id: 1 }] }],
    [ONLINE, { features: ['driver_stats:trips'], entities: { driver_id: 1 } }],
    ['/push', { push_source_name: 'nope', df: { a: [1] }, to: 'online' }],
    ['/push', { push_source_name: 'nope', df: { a: [1] } }],
    ['/push', { push_source_name: 'vendor_push', to: 'online' }],
    ['/materialize-incremental', { end_ts: '2026-07-01T00:00:00', feature_views: ['nope'] }],
  ];
  for (const [path, body] of cases) {
    const theirs = parsed(await post(feast.url, path, body));
    expect(parsed(await post(gateway.url, path, body)), `${path} ${JSON.stringify(body)}`).toEqual(
      theirs,
    );
  }
});

test('the same rows pushed and written to both give the same answers', async () => {
  const at = '2026-06-02T00:00:00Z';
  for (const url of [feast.url, asFeast.url]) {
    const pushed = await post(url, '/push', {
      push_source_name: 'vendor_push',
      df: { vendor: [7], stock: [70], event_timestamp: [at] },
      to: 'online',
    });
    expect([pushed.status, pushed.text]).toEqual([200, '']);
    const written = await post(url, '/write-to-online-store', {
      feature_view_name: 'vendor_stats',
      df: { vendor: [8], stock: [80], event_timestamp: [at] },
    });
    expect([written.status, written.text]).toEqual([200, 'null']);
  }
  const read = { features: ['vendor_stats:stock'], entities: { vendor: [7, 8] } };
  const { theirs, ours } = await bothAnswer(read);
  expect(ours).toEqual(theirs);
  expect(values(ours).stock).toEqual([70, 80]);
  // Feast writes these only to its files, and reads them only after a materialization. In Millrace
  // every read includes an event.
  const offline = {
    push_source_name: 'vendor_push',
    df: { vendor: [9], stock: [90], event_timestamp: [at] },
    to: 'offline',
  };
  expect((await post(asFeast.url, '/push', offline)).status).toBe(200);
  expect(
    values(await post(asFeast.url, ONLINE, { ...read, entities: { vendor: [9] } })).stock,
  ).toEqual([90]);
});

test('a null in the newest row is the only value that differs, as the guide says', async () => {
  const { theirs, ours } = await bothAnswer({
    features: ['vendor_stats:stock'],
    entities: { vendor: [1, 2] },
  });
  expect([values(theirs).stock, values(ours).stock]).toEqual([
    [10, null],
    [10, 20],
  ]);
});

test('the aggregations of a stream view become windows', async () => {
  const read = await on.platform.serving.read({
    features: [
      'ride_windows:fares',
      'ride_windows:mean_fare_86400s',
      'ride_windows:count_fare_86400s',
    ],
    entities: [{ driver_id: 1 }],
    at: Date.parse('2026-06-01T01:30:00Z'),
  });
  expect(read.values).toEqual([[4, 7, 2]]);
});

test('owners, descriptions, tags and ttl are imported', async () => {
  const view = await on.platform.registry.show('feature-view', 'driver_stats');
  expect(view.definition).toMatchObject({
    owner: 'fleet@example.com',
    description: 'What a driver did',
    tags: ['tier:gold'],
    ttl: '3650d',
  });
  expect((await on.platform.registry.show('entity', 'driver')).definition).toMatchObject({
    description: 'Who "drives"',
    tags: ['pii', 'team:fleet'],
  });
  expect(
    (await on.platform.registry.show('feature-service', 'fare_model')).definition,
  ).toMatchObject({
    owner: 'pricing',
    tags: ['stage:live'],
    logging: { sample: 0.1 },
  });
  expect(
    (await on.platform.registry.show('feature-view', 'customer_ratings')).definition,
  ).toMatchObject({
    online: false,
  });
});

test('a definition without a counterpart is reported with a remedy, and --strict refuses it', async () => {
  const { out, status } = await run('--json', 'import', 'feast', '.', '--strict');
  expect(status).toBe(1);
  const { notes } = JSON.parse(out) as { notes: readonly Note[] };
  const lost = notes
    .filter(({ level }) => level === 'lost')
    .map(({ kind, name }) => `${kind} ${name}`);
  expect(lost.sort()).toEqual([
    'data source spare_rows',
    'feature driver_stats:extra',
    'feature ride_windows:median_fare_86400s',
    'feature service aliased:driver_stats',
    'feature service fare_model:driver_stats:extra',
    'feature service fare_model:shouting:shouted',
    'on-demand feature shouting:shouted',
  ]);
  const changed = notes.filter(({ level }) => level === 'changed').map(({ name }) => name);
  expect(changed).toEqual(
    expect.arrayContaining([
      'Vendor-EU',
      'TripsTogether',
      'TripsTogether:Rating',
      'weather',
      'pairs.parquet',
    ]),
  );
  const { err } = await done('import', 'feast', '.');
  for (const name of [...lost.map((each) => each.split(' ').at(-1) as string), ...changed])
    expect(err).toContain(name);
  expect(readFileSync(join(repository, 'features.ts'), 'utf8')).toContain(
    '//     df["shouted"] = inputs["city"].str.upper()',
  );
});

test('the imported files plan as no change once one is applied; existing files are kept without --force', async () => {
  await done('import', 'feast', 'feature_store.yaml', '--out', 'definitions/');
  const files = readdirSync(join(repository, 'definitions')).map((name) =>
    join('definitions', name),
  );
  expect(files.length).toBe(5);
  expect((await done('plan', ...files)).out).toMatch(/0 to create, 0 to revise, \d+ unchanged/);
  const again = await run('import', 'feast', '.', '--out', 'features.ts');
  expect([again.status, again.err]).toEqual([
    1,
    expect.stringMatching(/features\.ts exists already: overwrite with --force/),
  ]);
  await done('import', 'feast', '.', '--out', 'features.ts', '--force');
});

test('the same registry in SQLite, or under a path from the environment, is read the same', async () => {
  const { out } = await done('--json', 'import', 'feast', '.');
  const { definitions } = JSON.parse(out) as { definitions: unknown[] };
  const byName = (list: unknown): unknown[] =>
    [...(list as { kind: string; name: string }[])].sort((a, b) =>
      a.kind + a.name < b.kind + b.name ? -1 : 1,
    );
  mkdirSync(join(repository, 'sql'));
  copyFileSync(join(repository, 'store.py'), join(repository, 'sql', 'store.py'));
  for (const name of readdirSync(repository).filter((file) => file.endsWith('.parquet')))
    copyFileSync(join(repository, name), join(repository, 'sql', name));
  writeFileSync(
    join(repository, 'sql', 'feature_store.yaml'),
    `${CONFIG.replace('data/online', 'online')}registry: {registry_type: sql, path: 'sqlite:///registry.sqlite'}\n`,
  );
  execFileSync(join(python, '..', 'feast'), ['apply'], {
    cwd: join(repository, 'sql'),
    stdio: 'pipe',
  });
  const sql = JSON.parse((await done('--json', 'import', 'feast', 'sql')).out) as {
    definitions: unknown[];
  };
  expect(byName(sql.definitions)).toEqual(byName(definitions));
  mkdirSync(join(repository, 'env'));
  writeFileSync(
    join(repository, 'env', 'feature_store.yaml'),
    `${CONFIG}registry: ../\${FARES_REGISTRY}\n`,
  );
  expect(JSON.parse((await done('--json', 'import', 'feast', 'env')).out)).toMatchObject({
    definitions,
  });
}, 300_000);

test('an import that is refused exits with 1 and a remedy', async () => {
  const { status, out, err } = await run('import', 'feast', 'data');
  expect([status, out]).toEqual([1, '']);
  expect(err).toMatch(/^error MR_FILE_INVALID: .*data has no feature_store\.yaml/);
});

/**
 * Feast's own client where keys are required: a key is its token, and a refusal is one of its own
 * exceptions.
 */

import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { avg, col, count, entity, featureView, last, source } from '#domain/definitions/index.ts';
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

let on: TestPlatform;
let gateway: HttpGateway;
let python: string;
let repository: string;

beforeAll(async () => {
  if (!hasPython())
    throw new Error('these tests need python3 with venv: install it (Debian: python3-venv)');
  python = pythonWithFeast();
  on = await testPlatform();
  await on.platform.registry.apply(plain(airport, flights, delays), {}, caller);
  const events = [{ date: Date.parse('2026-01-31T12:00:00Z'), origin: 'ATL', delay: 10 }];
  await on.platform.publishing.publish({ source: 'flights', events, untilReadable: true }, caller);
  const access = on.platform.access({ authentication: 'required' });
  gateway = await createHttpGateway({
    modules: httpModules(),
    platform: access.platform,
    access,
    port: 0,
  });
  repository = mkdtempSync(join(tmpdir(), 'millrace-feast-'));
  copyFileSync(join(import.meta.dirname, 'definitions.py'), join(repository, 'definitions.py'));
  const frame =
    'pd.DataFrame({"origin": ["ATL"], "event_timestamp": pd.to_datetime(["2026-01-01"], utc=True)})';
  execFileSync(python, ['-c', `import pandas as pd; ${frame}.to_parquet("flights.parquet")`], {
    cwd: repository,
  });
  configure('{type: no_auth}');
  execFileSync(join(python, '..', 'feast'), ['apply'], { cwd: repository, stdio: 'pipe' });
}, 600_000);

afterAll(async () => {
  await gateway?.close();
  await on?.dispose();
  rmSync(repository, { recursive: true, force: true });
});

const configure = (auth: string): void =>
  writeFileSync(
    join(repository, 'feature_store.yaml'),
    `project: conf\nregistry: registry.db\nprovider: local\nonline_store: {type: remote, path: "${gateway.url}"}\nentity_key_serialization_version: 3\nauth: ${auth}\n`,
  );

/** One read, by a new client. */
const read = (
  key: string | null,
): Promise<{ readonly values?: object; readonly error?: string; readonly message?: string }> =>
  new Promise((resolve, reject) => {
    configure(key === null ? '{type: no_auth}' : '{type: oidc, token_env_var: MILLRACE_API_KEY}');
    const env = { ...process.env, ...(key === null ? {} : { MILLRACE_API_KEY: key }) };
    const child = spawn(python, [join(import.meta.dirname, 'client.py')], { cwd: repository, env });
    const said = { out: '', err: '' };
    child.stdout.on('data', (data) => void (said.out += String(data)));
    child.stderr.on('data', (data) => void (said.err += String(data)));
    child.on('close', () => {
      const line = said.out.split('\n').find((text) => text.startsWith('{'));
      if (line === undefined) reject(new Error(said.err));
      else resolve(JSON.parse(line) as object);
    });
    child.stdin.end(
      `${JSON.stringify({ do: 'read', features: ['airport_delays:departures'], rows: [{ origin: 'ATL' }] })}\n`,
    );
  });

test('a key with a reader grant reads; with another key, or none, the client raises its own exception', async () => {
  const { key: reader } = await on.platform.keys.create(
    { name: 'model', grants: ['reader@default'] },
    caller,
  );
  const { key: producer } = await on.platform.keys.create(
    { name: 'scanner', grants: ['producer@default'] },
    caller,
  );
  expect(await read(reader)).toMatchObject({ values: { origin: ['ATL'], departures: [1] } });
  expect(await read(producer)).toMatchObject({
    error: 'FeastPermissionError',
    message: expect.stringContaining('reader@default'),
  });
  expect(await read(null)).toMatchObject({
    error: expect.any(String),
    message: expect.stringMatching(/key/),
  });
}, 300_000);

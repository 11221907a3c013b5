/**
 * Reflection with a client of another project: it has only an address, discovers the services,
 * links them, and reads features.
 */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { count, entity, featureView, source } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGrpcGateway, type GrpcGateway } from '#gateways/grpc/gateway.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { hasPython, pythonWithProtoc } from '#tests/support/venv.ts';

const ROOT = join(import.meta.dirname, '../..');
const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { shop: 'string', at: 'timestamp' },
  eventTime: 'at',
});
const turnover = featureView({
  name: 'turnover',
  entity: shop,
  source: sales,
  features: { sales: count() },
});
const run = promisify(execFile);

let python: string;
let on: TestPlatform;
let gateway: GrpcGateway;
beforeAll(async () => {
  if (!hasPython())
    throw new Error('these tests need python3 with venv: install it (Debian: python3-venv)');
  python = pythonWithProtoc();
  on = await testPlatform();
  await on.platform.registry.apply(plain(shop, sales, turnover), {}, caller);
  await on.platform.publishing.publish(
    { source: 'sales', events: [{ shop: 'a', at: Date.now() }] },
    caller,
  );
  gateway = await createGrpcGateway({ modules: grpcModules(), platform: on.platform, port: 0 });
}, 600_000);
afterAll(async () => {
  await gateway?.close();
  await on?.dispose();
});

test('the client finds every service, describes every call, and reads features with what it found', async () => {
  const request = { features: ['turnover:sales'], entities: [{ shop: 'a' }, { shop: 'b' }] };
  const { stdout } = await run(python, [
    join(import.meta.dirname, 'reflection_client.py'),
    gateway.address,
    JSON.stringify(request),
  ]);
  const { services, methods, answer } = JSON.parse(stdout) as {
    services: string[];
    methods: Record<string, string[]>;
    answer: { rows: { values: unknown[]; statuses?: string[] }[] };
  };
  expect(services).toEqual([
    'GrpcFeatureServer',
    'feast.serving.ServingService',
    'grpc.health.v1.Health',
    'millrace.v1.Events',
    'millrace.v1.Features',
  ]);
  const described = Object.entries(methods).flatMap(([service, names]) =>
    names.map((name) => `/${service}/${name}`),
  );
  expect(gateway.calls.filter((path) => !described.includes(path))).toEqual([]);
  expect(answer.rows).toEqual([{ values: [1] }, { values: [0], statuses: ['NOT_FOUND'] }]);
});

test('descriptors.json is what protoc makes of the protos', async () => {
  const health = join(
    dirname(createRequire(import.meta.url).resolve('grpc-health-check')),
    '../../proto',
  );
  const { stdout } = await run(
    python,
    [join(ROOT, 'scripts', 'generate', 'grpc_descriptors.py'), health],
    {
      maxBuffer: 1 << 24,
    },
  );
  const kept = readFileSync(join(ROOT, 'gateways', 'grpc', 'descriptors.json'), 'utf8');
  expect(JSON.parse(stdout)).toEqual(JSON.parse(kept));
});

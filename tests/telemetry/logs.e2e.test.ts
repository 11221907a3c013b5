/**
 * The log of a server: JSON lines with the request ids of its answers, and nothing of what was
 * sent.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { count, entity, featureView, source } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FeaturesClient } from '#gateways/grpc/generated/millrace/v1/Features.ts';
import { nativeProtos } from '#gateways/grpc/native-protos.ts';
import { serviceOf } from '#gateways/grpc/protos.ts';
import { plain } from '#tests/support/platform.ts';
import { call, type Server, startServer } from '#tests/support/server.ts';
import { type OtlpReceiver, otlpReceiver } from './otlp-receiver.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { at: 'timestamp', shop: 'string', amount: 'double?' },
  eventTime: 'at',
});
const totals = featureView({
  name: 'totals',
  entity: shop,
  source: sales,
  features: { events: count() },
});

const KEY = 'mr_secret_key_0123456789';
const VALUE = 'a-value-of-a-customer';

let directory: string;
let receiver: OtlpReceiver;
let server: Server;
let grpc: string;

interface Line {
  readonly level: string;
  readonly message: string;
  readonly request?: string;
  readonly route?: string;
  readonly code?: string;
  readonly trace?: string;
  readonly actor?: string;
}
const logged = (): Line[] =>
  server
    .output()
    .err.split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
const lineOf = async (request: string): Promise<Line> => {
  for (;;) {
    const found = logged().find((line) => line.request === request);
    if (found !== undefined) return found;
    await sleep(5);
  }
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  receiver = await otlpReceiver();
  server = await startServer(
    directory,
    { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '5' },
    [...['--log-format', 'json', '--log-level', 'debug', '--grpc-port', '0']],
  );
  grpc = /gRPC, at ([\d.]+:\d+)/.exec(server.output().out)?.[1] as string;
  await call(server.url, '/v1/apply', { body: { definitions: plain(shop, sales, totals) } });
});
afterAll(async () => {
  await server.kill();
  await receiver.close();
  rmSync(directory, { recursive: true, force: true });
});

test('the line of a request has the id of its answer, its trace, its route and its outcome', async () => {
  const response = await fetch(`${server.url}/v1/features`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-request-id': 'mine-1',
      'x-millrace-actor': 'ann',
    },
    body: JSON.stringify({ features: ['totals:events'], entities: [{ shop: 'a' }] }),
  });
  expect(response.headers.get('x-request-id')).toBe('mine-1');
  const line = await lineOf('mine-1');
  expect(line).toMatchObject({
    level: 'debug',
    message: 'request answered',
    actor: 'ann',
    route: 'POST /v1/features',
    status: 200,
  });
  const spans = await receiver.until((all) =>
    all.some(({ attributes }) => attributes['millrace.request_id'] === 'mine-1'),
  );
  expect(line.trace).toBe(
    spans.find(({ attributes }) => attributes['millrace.request_id'] === 'mine-1')?.traceId,
  );

  const refused = await fetch(`${server.url}/v1/registry/feature-view/nope`);
  const given = refused.headers.get('x-request-id') as string;
  expect(await lineOf(given)).toMatchObject({
    level: 'info',
    message: 'request refused',
    route: 'GET /v1/registry/:kind/:name',
    status: 404,
    code: 'MR_NOT_FOUND',
  });
});

test('over gRPC the request id is metadata, in and out, and a request without one gets one', async () => {
  const client = new (makeGenericClientConstructor(
    serviceOf(nativeProtos, 'millrace.v1.Features'),
    'f',
  ))(grpc, credentials.createInsecure()) as unknown as FeaturesClient;
  const read = (
    id: string | null,
    feature: string,
  ): Promise<{ readonly id: string; readonly error: ServiceError | null }> =>
    new Promise((resolve) => {
      const metadata = new Metadata();
      if (id !== null) metadata.set('x-request-id', id);
      let answered = '';
      const call = client.Read({ features: [feature], entities: [] }, metadata, (error) =>
        resolve({ id: answered, error }),
      );
      call.on('metadata', (back: Metadata) => {
        answered = String(back.get('x-request-id')[0]);
      });
    });
  const mine = await read('mine-2', 'totals:events');
  expect(mine.id).toBe('mine-2');
  const given = await read(null, 'nope:nope');
  const line = await lineOf(given.id);
  expect(line).toMatchObject({
    route: '/millrace.v1.Features/Read',
    status: 'NOT_FOUND',
    code: 'MR_NOT_FOUND',
    level: 'info',
  });
  expect((await lineOf('mine-2')).route).toBe('/millrace.v1.Features/Read');
  client.close();
});

test('no key, value or query is ever logged, or sent to the collector', async () => {
  const headers = { authorization: `Bearer ${KEY}`, 'x-api-key': KEY };
  const send = (path: string, body: unknown, id: string) =>
    call(server.url, path, { body, headers: { ...headers, 'x-request-id': id } });
  await send(
    '/v1/sources/sales/events',
    { events: [{ at: Date.now(), shop: VALUE, amount: 1 }] },
    'v-1',
  );
  await send(
    '/v1/sources/sales/events',
    { events: [{ at: VALUE, shop: VALUE, [VALUE]: 1 }] },
    'v-2',
  );
  await send('/v1/sources/sales/events', `{"${VALUE}`, 'v-3');
  await send('/v1/features', { features: ['totals:events'], entities: [{ shop: VALUE }] }, 'v-4');
  await send('/v1/features', { features: [`${VALUE}:events`], entities: [{ shop: VALUE }] }, 'v-5');
  await call(server.url, `/v1/explain?view=totals&feature=events&entity.shop=${VALUE}`, {
    headers: { ...headers, 'x-request-id': 'v-6' },
  });
  await call(server.url, `/v1/${VALUE}`, { headers: { ...headers, 'x-request-id': 'v-7' } });
  for (let i = 1; i <= 7; i++) await lineOf(`v-${i}`);
  await receiver.until((spans) =>
    spans.some(({ attributes }) => attributes['millrace.request_id'] === 'v-7'),
  );
  const output = server.output().err + JSON.stringify(receiver.spans());
  expect(output).not.toContain(VALUE);
  expect(output).not.toContain(KEY);
});

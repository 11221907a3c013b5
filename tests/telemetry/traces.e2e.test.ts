/**
 * One trace from a producer's event to the first read that includes it, as a collector receives it:
 * over HTTP and gRPC, with the delays. Also without traces, without sampling, and with an
 * unreachable collector.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { col, count, entity, featureService, featureView, source } from 'millrace';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connect } from '#client/index.ts';
import type { Headers } from '#domain/ports/log.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import { createGrpcGateway, type GrpcGateway } from '#gateways/grpc/gateway.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { openForReading } from '#infra/sqlite/database.ts';
import { sqliteLogReader } from '#infra/sqlite/log-reader.ts';
import { openTracing } from '#infra/telemetry/tracing.ts';
import { readAll } from '#tests/contracts/log.contract.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { call } from '#tests/support/server.ts';
import { type OtlpReceiver, otlpReceiver, type ReceivedSpan } from './otlp-receiver.ts';

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
const bigSales = featureView({
  name: 'big_sales',
  entity: shop,
  source: sales,
  where: col('amount').gt(100),
  features: { events: count() },
});
const model = featureService({ name: 'model', features: [totals.pick('events')] });

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PRODUCER = '00f067aa0ba902b7';
const traceparent = `00-${TRACE}-${PRODUCER}-01`;

let receiver: OtlpReceiver;
let warnings: string[];
let tracing: Tracing | null;
let on: TestPlatform;
let http: HttpGateway;
let grpc: GrpcGateway;

const start = async (env: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, value] of Object.entries({ OTEL_BSP_SCHEDULE_DELAY: '5', ...env }))
    vi.stubEnv(name, value);
  warnings = [];
  tracing = await openTracing({ version: '1', warn: (message) => warnings.push(message) });
  on = await testPlatform({ tracing });
  await on.platform.registry.apply(plain(shop, sales, totals, bigSales, model), {}, caller);
  http = await createHttpGateway({ modules: httpModules(), platform: on.platform, port: 0 });
  grpc = await createGrpcGateway({ modules: grpcModules(), platform: on.platform, port: 0 });
};

beforeEach(async () => {
  receiver = await otlpReceiver();
});
afterEach(async () => {
  await Promise.all([http.close(), grpc.close()]);
  await on.dispose();
  await tracing?.close();
  await receiver.close();
  vi.unstubAllEnvs();
});

const publish = (headers: Record<string, string> = {}, shops: readonly string[] = ['a']) =>
  call(http.url, '/v1/sources/sales/events', {
    body: { events: shops.map((name) => ({ at: Date.now(), shop: name, amount: 1 })) },
    headers,
  });
const read = (headers: Record<string, string> = {}, name = 'a') =>
  call(http.url, '/v1/features', {
    body: { service: 'model', entities: [{ shop: name }] },
    headers,
  });

const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const found = spans.filter((span) => span.name === name);
  expect(found, `spans "${name}" among ${spans.map((s) => s.name).join(', ')}`).toHaveLength(1);
  return found[0] as ReceivedSpan;
};
const has = (name: string) => (spans: readonly ReceivedSpan[]) =>
  spans.some((span) => span.name === name);

describe('with a collector', () => {
  test("an event's trace has the request, the publish, the compute and the first read that includes it, and no other", async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_SERVICE_NAME: 'shop-features' });
    await publish({ traceparent, tracestate: 'vendor=1' });
    await read({}, 'other');
    await read({ 'x-request-id': 'first' });
    await read({ 'x-request-id': 'second' });
    await receiver.until(
      (spans) =>
        has('shown totals')(spans) && spans.filter((s) => s.name === 'read model').length === 3,
    );
    const spans = receiver.spans();
    const request = named(spans, 'POST /v1/sources/:source/events');
    const published = named(spans, 'publish sales');
    const computed = named(spans, 'compute totals');
    const shown = named(spans, 'shown totals');
    for (const span of [request, published, computed, shown])
      expect(span).toMatchObject({
        traceId: TRACE,
        traceState: 'vendor=1',
        service: 'shop-features',
      });
    expect([request.parentId, published.parentId, computed.parentId, shown.parentId]).toEqual([
      PRODUCER,
      request.spanId,
      published.spanId,
      computed.spanId,
    ]);
    expect([request.kind, published.kind, computed.kind, shown.kind]).toEqual([
      'server',
      'producer',
      'consumer',
      'internal',
    ]);

    const reads = spans.filter(({ name }) => name === 'POST /v1/features');
    const first = reads.find(
      ({ attributes }) => attributes['millrace.request_id'] === 'first',
    ) as ReceivedSpan;
    const inFirst = spans.find(({ parentId }) => parentId === first.spanId) as ReceivedSpan;
    expect(inFirst.name).toBe('read model');
    expect(first.traceId).not.toBe(TRACE);
    expect(shown.links).toEqual([`${first.traceId}-${inFirst.spanId}`]);
    expect(inFirst.links).toEqual([`${TRACE}-${shown.spanId}`]);

    expect(request.attributes).toMatchObject({
      'http.route': '/v1/sources/:source/events',
      'http.response.status_code': 202,
    });
    expect(published.attributes).toMatchObject({
      'messaging.destination.name': 'raw.sales',
      'messaging.batch.message_count': 1,
      'millrace.accepted': 1,
      'millrace.position': 'raw.sales@0:1',
    });
    expect(computed.attributes).toMatchObject({
      'millrace.cause': 'raw.sales@0:0',
      'millrace.events': 1,
      'millrace.entities': 1,
    });
    expect(inFirst.attributes).toMatchObject({ 'millrace.rows': 1, 'millrace.features': 1 });
    const delays = shown.attributes;
    expect(delays['millrace.delay.event_to_read_ms']).toBeGreaterThanOrEqual(
      delays['millrace.delay.log_to_read_ms'] as number,
    );
    expect(delays['millrace.delay.log_to_read_ms']).toBeGreaterThanOrEqual(0);
    expect(Date.parse(String(delays['millrace.log_time']))).toBe(
      shown.end - (delays['millrace.delay.log_to_read_ms'] as number),
    );
  });

  test('the headers of the raw record and of the update hold the context of the span that wrote it', async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    await publish({ traceparent, tracestate: 'vendor=1' });
    await publish();
    const spans = await receiver.until(
      (all) => all.filter((s) => s.name === 'compute totals').length === 2,
    );
    const ofTrace = (name: string): ReceivedSpan =>
      named(
        spans.filter(({ traceId }) => traceId === TRACE),
        name,
      );
    const database = openForReading(join(on.directory, 'millrace.db'));
    const log = sqliteLogReader(database);
    const [raw] = await readAll(log, 'raw.sales');
    const [update] = await readAll(log, 'features.totals');
    expect(raw?.headers).toEqual({
      traceparent: `00-${TRACE}-${ofTrace('publish sales').spanId}-01`,
      tracestate: 'vendor=1',
    });
    expect(update?.headers).toEqual({
      traceparent: `00-${TRACE}-${ofTrace('compute totals').spanId}-01`,
      tracestate: 'vendor=1',
    });
    database.close();
  });

  test('one append is one span of a view’s compute and one of its first read, for any number of entities', async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    await publish({ traceparent }, ['a', 'b', 'a']);
    await read({}, 'b');
    await read({}, 'a');
    await receiver.until(
      (spans) =>
        has('shown totals')(spans) && spans.filter((s) => s.name === 'read model').length === 2,
    );
    await tracing?.close();
    const spans = receiver.spans();
    expect(named(spans, 'compute totals').attributes).toMatchObject({
      'millrace.events': 3,
      'millrace.entities': 2,
    });
    named(spans, 'shown totals');
    // none of these events counts for that view
    expect(spans.filter(({ name }) => name.endsWith('big_sales'))).toEqual([]);
  });

  test('over gRPC the same, and the project’s client passes on the trace of its program', async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    const client = connect({ address: grpc.address });
    const mine = { traceId: TRACE, spanId: PRODUCER, traceFlags: TraceFlags.SAMPLED };
    const contexts = new AsyncLocalStorageContextManager().enable();
    context.setGlobalContextManager(contexts);
    await context.with(trace.setSpanContext(ROOT_CONTEXT, mine), () =>
      client.publish(sales, [{ at: Date.now(), shop: 'a', amount: 1 }]),
    );
    await client.service(model, [{ shop: 'a' }]);
    context.disable();
    client.close();
    const spans = await receiver.until(
      (all) => has('shown totals')(all) && has('millrace.v1.Features/Read')(all),
    );
    const published = named(spans, 'millrace.v1.Events/Publish');
    expect(published).toMatchObject({ traceId: TRACE, parentId: PRODUCER, kind: 'server' });
    expect(named(spans, 'publish sales').parentId).toBe(published.spanId);
    expect(named(spans, 'read model').parentId).toBe(
      named(spans, 'millrace.v1.Features/Read').spanId,
    );
    expect(named(spans, 'shown totals').traceId).toBe(TRACE);
  });

  test('a refusal has its code in the span of the request and in the span that refused', async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    await call(http.url, '/v1/features', { body: { service: 'nope', entities: [{ shop: 'a' }] } });
    const spans = await receiver.until(has('POST /v1/features'));
    const refused = { 'error.type': 'MR_NOT_FOUND' };
    expect(named(spans, 'POST /v1/features')).toMatchObject({
      attributes: { ...refused, 'http.response.status_code': 404 },
    });
    expect(named(spans, 'read')).toMatchObject({
      attributes: refused,
      status: 'STATUS_CODE_UNSET',
    });
  });

  test('a trace that the producer does not sample leaves no header and no span', async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    await publish({ traceparent: traceparent.replace(/01$/, '00') });
    await publish({ traceparent });
    const spans = await receiver.until(has('POST /v1/sources/:source/events'));
    named(spans, 'POST /v1/sources/:source/events');
    expect((await rawHeaders()).map((headers) => headers === undefined)).toEqual([true, false]);
  });

  test('OTEL_TRACES_SAMPLER samples a share of the traces, by their ids', async () => {
    await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
    });
    const ids = Array.from({ length: 300 }, (_, i) =>
      createHash('md5').update(String(i)).digest('hex'),
    );
    await Promise.all(ids.map((id) => publish({ traceparent: `00-${id}-${PRODUCER}-00` })));
    await tracing?.close();
    const taken = receiver.spans().filter(({ name }) => name === 'publish sales').length;
    expect(taken).toBeGreaterThan(15);
    expect(taken).toBeLessThan(45);
    expect((await rawHeaders()).filter((headers) => headers !== undefined)).toHaveLength(taken);
  });
});

const rawHeaders = async (): Promise<(Headers | undefined)[]> => {
  const database = openForReading(join(on.directory, 'millrace.db'));
  const records = await readAll(sqliteLogReader(database), 'raw.sales');
  database.close();
  return records.map(({ headers }) => headers);
};

describe('without traces', () => {
  test.each([
    ['an endpoint', {}],
    ['leave: OTEL_SDK_DISABLED', { OTEL_SDK_DISABLED: 'true' }],
    ['an exporter', { OTEL_TRACES_EXPORTER: 'none' }],
  ])('%s there is no tracing at all: no span, no header', async (_, env) => {
    await start({
      ...('OTEL_SDK_DISABLED' in env || 'OTEL_TRACES_EXPORTER' in env
        ? { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }
        : {}),
      ...env,
    });
    expect(tracing).toBeNull();
    expect(on.platform.tracing).toBeUndefined();
    expect((await publish({ traceparent })).status).toBe(202);
    expect((await read({ traceparent })).status).toBe(200);
    expect(await rawHeaders()).toEqual([undefined]);
    expect(receiver.requests()).toBe(0);
  });

  test('with a sampler that drops everything, no span is sent and no header is written', async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_SAMPLER: 'always_off' });
    await publish({ traceparent });
    await read({ traceparent });
    await tracing?.close();
    expect(await rawHeaders()).toEqual([undefined]);
    expect(receiver.requests()).toBe(0);
  });

  test('while the collector does not answer, everything continues; one warning reports it, and one its return', async () => {
    const { url } = receiver;
    await receiver.close();
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_TIMEOUT: '50' });
    const warned = async (count: number): Promise<void> => {
      while (warnings.length < count) {
        await publish({ traceparent });
        await sleep(5);
      }
    };
    await warned(1);
    for (let i = 0; i < 20; i++) expect((await publish({ traceparent })).status).toBe(202);
    await sleep(200);
    expect(warnings).toEqual([
      expect.stringContaining(`traces can't be sent to ${url} and are dropped: `),
    ]);
    receiver = await otlpReceiver(Number(new URL(url).port));
    await warned(2);
    expect(warnings[1]).toBe(`traces are sent to ${url} again`);
  });
});

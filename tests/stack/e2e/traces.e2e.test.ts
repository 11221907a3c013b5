/**
 * On the real servers, one trace from a producer's event to the read that includes it. Its context
 * passes through Kafka and Flink in the records' headers, whether the event came over HTTP or
 * straight into the ingest topic.
 */

import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import { featuresTopic, ingestTopic, rawTopic } from '#domain/ports/topics.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { openTracing } from '#infra/telemetry/tracing.ts';
import { readAll } from '#tests/contracts/log.contract.ts';
import { addresses } from '#tests/stack/support/addresses.ts';
import {
  caller,
  computed,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { plain } from '#tests/support/platform.ts';
import { call } from '#tests/support/server.ts';
import {
  type OtlpReceiver,
  otlpReceiver,
  type ReceivedSpan,
} from '#tests/telemetry/otlp-receiver.ts';

const shop = entity({ name: uniqueName('shop'), keys: { shop: 'string' } });
const sales = source({
  name: uniqueName('sales'),
  fields: { at: 'timestamp', shop: 'string' },
  eventTime: 'at',
});
const view = featureView({
  name: uniqueName('totals'),
  entity: shop,
  source: sales,
  features: { events: count() },
});

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const STRAIGHT = '5bf92f3577b34da6a3ce929d0e0e4736';
const ELSEWHERE = '7bf92f3577b34da6a3ce929d0e0e4736';
const PRODUCER = '00f067aa0ba902b7';

let receiver: OtlpReceiver;
let tracing: Tracing | null;
let under: StackPlatform;
let http: HttpGateway;

const publish = (headers: Record<string, string> = {}) =>
  call(http.url, `/v1/sources/${sales.name}/events`, {
    body: { events: [{ at: Date.now(), shop: 'a' }] },
    headers,
  });
interface Answer {
  readonly rows: readonly Record<string, number>[];
  readonly degraded?: readonly string[];
}
const answered = async (more: object = {}): Promise<Answer> => {
  const body = { features: [`${view.name}:events`], entities: [{ shop: 'a' }], ...more };
  return (await call(http.url, '/v1/features', { body })).body as Answer;
};
const read = async (more: object = {}): Promise<number> =>
  Number((await answered(more)).rows[0]?.events ?? Number.NaN);
const seen = (events: number): Promise<void> =>
  until(`${events} events are read`, async () => (await read()) === events);
const shownIn = (trace: string) => (spans: readonly ReceivedSpan[]) =>
  spans.some(({ name, traceId }) => name === `shown ${view.name}` && traceId === trace);

/**
 * A read between the ingestion of an event and its report has no span for it: the next read does.
 */
const shown = (trace: string, readOnce: () => Promise<unknown> = read): Promise<void> =>
  until(`trace ${trace} is shown`, async () => {
    await readOnce();
    return shownIn(trace)(receiver.spans());
  });

beforeAll(async () => {
  receiver = await otlpReceiver();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.url);
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '20');
  tracing = await openTracing({ version: '1', warn: () => {} });
  under = await stackPlatform({ tracing });
  await under.platform.registry.apply(plain(shop, sales, view), {}, caller);
  http = await createHttpGateway({ modules: httpModules(), platform: under.platform, port: 0 });
  await publish({ traceparent: `00-${TRACE}-${PRODUCER}-00` });
  await computed(view.name, () => under.platform.operations.status());
  await seen(1);
  // Until then raw events may answer, and such a read has no span of a store.
  await until('the store answers', async () => (await answered()).degraded === undefined);
});
afterAll(async () => {
  await http.close();
  await under.dispose();
  await tracing?.close();
  await receiver.close();
  vi.unstubAllEnvs();
});

test('request → publish → compute in Flink → materialize → first read, from Redis', async () => {
  await publish({ traceparent: `00-${TRACE}-${PRODUCER}-01`, tracestate: 'vendor=1' });
  await seen(2);
  await shown(TRACE);
  const spans = receiver.spans().filter(({ traceId }) => traceId === TRACE);
  const chain = [
    'POST /v1/sources/:source/events',
    ...['publish', 'compute', 'materialize', 'shown'].map(
      (step) => `${step} ${step === 'publish' ? sales.name : view.name}`,
    ),
  ].map((name) => spans.find((span) => span.name === name) as ReceivedSpan);
  expect(spans).toHaveLength(chain.length);
  expect(chain.map(({ parentId }) => parentId)).toEqual([
    PRODUCER,
    ...chain.slice(0, -1).map(({ spanId }) => spanId),
  ]);
  expect(chain.every(({ traceState }) => traceState === 'vendor=1')).toBe(true);
  const [, published, compute, materialize, firstRead] = chain as [
    ReceivedSpan,
    ReceivedSpan,
    ReceivedSpan,
    ReceivedSpan,
    ReceivedSpan,
  ];
  expect(published.attributes['messaging.system']).toBe('kafka');
  expect(compute.attributes['millrace.cause']).toMatch(
    new RegExp(`^${rawTopic(sales.name)}@0:\\d+$`),
  );
  // the spans follow one another by the clock of the log and of this machine, which is the same
  // here
  expect(compute.end).toBeGreaterThan(compute.start);
  expect(materialize.start).toBe(compute.end);
  expect(firstRead.start).toBe(materialize.end);
  expect(firstRead.attributes['millrace.delay.event_to_read_ms']).toBeGreaterThanOrEqual(
    Math.floor(firstRead.end - compute.start),
  );
  const [link = ''] = firstRead.links;
  const [readTrace, readSpan] = link.split('-');
  await receiver.until((all) => all.some(({ spanId }) => spanId === readSpan));
  const inRead = receiver.spans().filter(({ traceId }) => traceId === readTrace);
  expect(inRead.find(({ spanId }) => spanId === readSpan)?.name).toBe(`read ${view.name}`);
  expect(inRead.find(({ parentId }) => parentId === readSpan)).toMatchObject({
    name: 'redis read',
    kind: 'client',
  });
});

test('the headers of the raw record and of the update have the trace’s context, and untraced records have none', async () => {
  const log = await kafkaLog({ brokers: [addresses().kafka], clientId: uniqueName('reader') });
  const raw = await readAll(log, rawTopic(sales.name));
  const [published] = receiver
    .spans()
    .filter(({ name, traceId }) => traceId === TRACE && name === `publish ${sales.name}`);
  const traced = { traceparent: `00-${TRACE}-${published?.spanId}-01`, tracestate: 'vendor=1' };
  expect(raw.map(({ headers }) => headers)).toEqual([undefined, traced]);
  const updates = await readAll(log, featuresTopic(view.name));
  const headers = updates.map((update) => update.headers);
  expect(headers.filter((each) => each !== undefined)).toEqual([
    { ...traced, 'millrace-log-time': String(raw[1]?.logTime) },
  ]);
  expect(headers.filter((each) => each === undefined).length).toBeGreaterThan(0);
  await log.close();
});

test('a record that was written straight to the ingest topic is traced by its own headers', async () => {
  const kafka = new Kafka({
    brokers: [addresses().kafka],
    clientId: uniqueName('producer'),
    logLevel: logLevel.NOTHING,
  });
  const producer = kafka.producer();
  await producer.connect();
  const value = JSON.stringify({ at: Date.now(), shop: 'a' });
  const headers = (flags: string) => ({
    traceparent: `00-${STRAIGHT}-${PRODUCER}-${flags}`,
    other: 'x',
  });
  await producer.send({
    topic: ingestTopic(sales.name),
    messages: [{ value, headers: headers('00') }],
  });
  await seen(3);
  await producer.send({
    topic: ingestTopic(sales.name),
    messages: [{ value, headers: headers('01') }],
  });
  await producer.disconnect();
  await seen(4);
  await shown(STRAIGHT);
  const spans = receiver.spans().filter(({ traceId }) => traceId === STRAIGHT);
  expect(spans.map(({ name }) => name).sort()).toEqual(
    ['compute', 'materialize', 'shown'].map((step) => `${step} ${view.name}`),
  );
  expect(spans.find(({ name }) => name.startsWith('compute'))?.parentId).toBe(PRODUCER);
});

test('a read of the past has the scan of raw events as a span', async () => {
  await read({ known: Date.now() - 1, at: Date.now() - 1 });
  await receiver.until((all) => all.some(({ name }) => name === 'raw events scan'));
  const scan = receiver.spans().find(({ name }) => name === 'raw events scan') as ReceivedSpan;
  expect(receiver.spans().find(({ spanId }) => spanId === scan.parentId)?.name).toBe(
    `read ${view.name}`,
  );
});

test('a gateway that ingests nothing reports the first read that it answers', async () => {
  const other = await stackPlatform({ tracing, projections: false });
  const gateway = await createHttpGateway({
    modules: httpModules(),
    platform: other.platform,
    port: 0,
  });
  const readThere = async (): Promise<number> => {
    const body = { features: [`${view.name}:events`], entities: [{ shop: 'a' }] };
    const headers = { traceparent: `00-${ELSEWHERE}-${PRODUCER}-01` };
    const answer = await call(gateway.url, '/v1/features', { body, headers });
    return Number(
      (answer.body as { rows: Record<string, number>[] }).rows[0]?.events ?? Number.NaN,
    );
  };
  const before = await read();
  const trace = STRAIGHT.replace(/^5/, '6');
  await until('the other gateway answers', async () => (await readThere()) === before);
  await publish({ traceparent: `00-${trace}-${PRODUCER}-01` });
  await shown(trace, readThere);
  const shownSpans = receiver
    .spans()
    .filter(({ name, traceId }) => name === `shown ${view.name}` && traceId === trace);
  expect(shownSpans.map(({ links }) => links.map((link) => link.split('-')[0]))).toEqual([
    [ELSEWHERE],
  ]);
  await gateway.close();
  await other.dispose();
});

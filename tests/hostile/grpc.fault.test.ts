/**
 * The promise: whatever bytes the gRPC gateway gets over HTTP/2, each call ends with a status, and
 * with a code where it is refused. No call stops the process, holds more than its share or leaves
 * anything behind. Health and reflection answer all the time.
 */
import { type ClientHttp2Session, constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ERRORS } from '#domain/errors.ts';
import { nativeProtos } from '#gateways/grpc/native-protos.ts';
import { structOf } from '#gateways/grpc/struct.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { mutateBytes } from './support/bytes.ts';
import { eventsEverywhere, type Hostile, sale, startHostile } from './support/fixture.ts';
import { answer, call, frame, open, session } from './support/grpc.ts';
import { randomOf, SEED } from './support/random.ts';

const RUNS = Number(process.env.MILLRACE_RUNS ?? 150);
const READ = '/millrace.v1.Features/Read';
const PUBLISH = '/millrace.v1.Events/Publish';
const PUBLISH_STREAM = '/millrace.v1.Events/PublishStream';

let hostile: Hostile;
let sessions: ClientHttp2Session[] = [];
const start = async (limits: Partial<GatewayLimits> = {}): Promise<void> => {
  hostile = await startHostile(limits);
};
beforeEach(() => {
  sessions = [];
});
afterEach(async () => {
  expect(hostile.internal).toEqual([]);
  await healthy();
  for (const one of sessions) one.destroy();
  const accepted = hostile.accepted();
  const { platform, running } = hostile;
  expect(await eventsEverywhere(platform, running.files)).toEqual({
    log: accepted,
    exported: accepted,
    counted: accepted,
  });
  await hostile.dispose();
});

const connected = async (): Promise<ClientHttp2Session> => {
  const made = await session(hostile.grpc.address);
  sessions.push(made);
  return made;
};
const nothing = frame({ data: Buffer.alloc(0) });
/** On a connection of its own: both services answer, and a read succeeds. */
const healthy = async (): Promise<void> => {
  const own = await connected();
  expect(await call(own, '/grpc.health.v1.Health/Check', nothing)).toMatchObject({ status: 0 });
  const list = frame({ data: Buffer.from([0x3a, 0x00]) });
  expect(
    (
      await call(own, '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', list)
    ).messages[0]?.toString('latin1'),
  ).toContain('millrace.v1.Features');
  expect(await call(own, READ, frame({ data: read() }))).toMatchObject({ status: 0 });
};

const native = (service: string, method: string, message: object): Buffer =>
  (nativeProtos[service] as ServiceDefinition)[method]?.requestSerialize(message) as Buffer;
const read = (): Buffer =>
  native('millrace.v1.Features', 'Read', {
    service: 'till',
    entities: [structOf({ shop: 's1' })],
    request: [structOf({ by: 2 })],
  });
const publish = (...events: readonly Record<string, unknown>[]): Buffer =>
  native('millrace.v1.Events', 'Publish', {
    source: 'sales',
    events: events.map(structOf),
    producer: '',
  });

const feast = loadSync(['feast/serving/ServingService.proto', 'feast/serving/GrpcServer.proto'], {
  includeDirs: [new URL('../../gateways/feast/protos', import.meta.url).pathname],
});
const ofFeast = (service: string, method: string, message: object): Buffer =>
  (feast[service] as ServiceDefinition)[method]?.requestSerialize(message) as Buffer;
const online = {
  features: { val: ['turnover:sales'] },
  entities: { shop: { val: [{ stringVal: 's1' }] } },
};

/** A valid message for each call, an empty one where none is listed, and mutations of it. */
const right = (path: string): Buffer => {
  const row = {
    shop: { stringVal: 's1' },
    id: { stringVal: 'g' },
    at: { unixTimestampVal: 1_700_000_000 },
    amount: { doubleVal: 1 },
  };
  const known: Readonly<Record<string, () => Buffer>> = {
    [READ]: read,
    '/millrace.v1.Features/ReadStream': read,
    [PUBLISH]: () => publish(sale('p1'), sale('p2', { note: 'n' })),
    [PUBLISH_STREAM]: () => publish(sale('p3')),
    '/millrace.v1.Events/ProducerSequence': () =>
      native('millrace.v1.Events', 'ProducerSequence', { source: 'sales', producer: 'p' }),
    '/feast.serving.ServingService/GetOnlineFeatures': () =>
      ofFeast('feast.serving.ServingService', 'GetOnlineFeatures', online),
    '/GrpcFeatureServer/GetOnlineFeatures': () =>
      ofFeast('GrpcFeatureServer', 'GetOnlineFeatures', online),
    '/GrpcFeatureServer/Push': () =>
      ofFeast('GrpcFeatureServer', 'Push', {
        typedFeatures: row,
        streamFeatureView: 'sales',
        to: 'online',
      }),
    '/GrpcFeatureServer/WriteToOnlineStore': () =>
      ofFeast('GrpcFeatureServer', 'WriteToOnlineStore', {
        typedFeatures: row,
        featureViewName: 'turnover',
      }),
  };
  return known[path]?.() ?? Buffer.alloc(0);
};

test(`broken messages to every call are refused with the reason, seed ${SEED}`, async () => {
  await start();
  const over = await connected();
  const statuses = new Map<number, number>();
  for (const [index, path] of hostile.grpc.calls.entries()) {
    const random = randomOf(SEED * 100 + index);
    for (let i = 0; i < RUNS; i++) {
      const data = mutateBytes(right(path), random);
      const got = await call(over, path, frame({ data }));
      statuses.set(got.status, (statuses.get(got.status) ?? 0) + 1);
      const what = `${path}, seed ${SEED}, run ${i}: ${JSON.stringify(got)} of ${data.toString('hex').slice(0, 400)}`;
      expect([status.INTERNAL, status.UNKNOWN, -1], what).not.toContain(got.status);
      if (got.status !== 0) expect(Object.keys(ERRORS), what).toContain(got.code);
    }
  }
  expect(statuses.get(status.INVALID_ARGUMENT) ?? 0, JSON.stringify([...statuses])).toBeGreaterThan(
    RUNS,
  );
});

test('frames with false lengths end their own call, and no other', async () => {
  await start();
  const over = await connected();
  const good = read();
  const cases: [string, Buffer, Record<string, string>?][] = [
    ['compressed, they say, and are not', frame({ flag: 1, data: good })],
    ['compressed in an unknown way', frame({ flag: 1, data: good }), { 'grpc-encoding': 'zip' }],
    ['gzip that is none', frame({ flag: 1, data: good }), { 'grpc-encoding': 'gzip' }],
    [
      'gzip that swells',
      frame({ flag: 1, data: gzipSync(Buffer.alloc(64 * 2 ** 20)) }),
      { 'grpc-encoding': 'gzip' },
    ],
    ['flags that are none', frame({ flag: 255, data: good })],
    ['longer than they are', frame({ length: good.length + 100, data: good })],
    ['shorter than they are', frame({ length: 3, data: good })],
    ['of four gigabytes', frame({ length: 0xffffffff, data: good })],
    ['no message', Buffer.alloc(0)],
    ['half a head', Buffer.from([0, 0])],
    ['two messages in one call', Buffer.concat([frame({ data: good }), frame({ data: good })])],
    ['no deadline that is one', frame({ data: good }), { 'grpc-timeout': 'soon' }],
    ['another type', frame({ data: good }), { 'content-type': 'text/html' }],
    ['an actor of a page', frame({ data: good }), { 'x-millrace-actor': 'x'.repeat(3_000) }],
  ];
  for (const [what, data, headers] of cases)
    for (const path of [READ, PUBLISH_STREAM]) {
      const got = await call(over, path, data, headers);
      expect(got.http, `${what}: it was answered`).toBeGreaterThan(0);
    }
  expect(await call(over, '/millrace.v1.Features/Nope', nothing)).toMatchObject({
    status: status.UNIMPLEMENTED,
  });
  expect(await call(over, '/../../etc/passwd', nothing)).toMatchObject({
    status: status.UNIMPLEMENTED,
  });
  expect(await call(over, READ, frame({ data: good })), 'the connection continues').toMatchObject({
    status: 0,
  });
});

test('a broken message in a stream is answered with its refusal, and those after it are served', async () => {
  await start();
  const over = await connected();
  const stream = open(over, PUBLISH_STREAM);
  stream.write(frame({ data: publish(sale('s1')) }));
  stream.write(frame({ data: Buffer.from([0xff, 0xff]) }));
  stream.end(frame({ data: publish(sale('s2')) }));
  const { status: ended, messages } = await answer(stream);
  expect([ended, messages.length]).toEqual([0, 3]);
  expect(messages[1]?.toString('latin1')).toContain('MR_BODY_INVALID');
  expect(
    await hostile.platform.publishing.publish(
      { source: 'sales', events: [sale('s1'), sale('s2')] },
      { actor: 'test' },
    ),
  ).toMatchObject({
    duplicates: 2,
  });
});

test('messages that protobuf allows and JSON does not are refused: endless nesting, fields named like inherited members, NaN and infinity', async () => {
  await start();
  const over = await connected();
  /** Value{list_value: ListValue{values: [Value…]}}, n levels deep */
  let deep: Buffer = Buffer.from([0x20, 0x01]);
  const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
  const wrap = (tag: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes]);
  for (let i = 0; i < 2_000; i++) deep = wrap(0x32, wrap(0x0a, deep));
  const event = wrap(0x0a, Buffer.concat([wrap(0x0a, Buffer.from('note')), wrap(0x12, deep)]));
  const message = Buffer.concat([wrap(0x0a, Buffer.from('sales')), wrap(0x12, event)]);
  expect(await call(over, PUBLISH, frame({ data: message }))).toMatchObject({
    status: status.INVALID_ARGUMENT,
    code: 'MR_BODY_INVALID',
  });

  const sent = async (events: Record<string, unknown>[]): Promise<string> => {
    const { status: ended, messages } = await call(
      over,
      PUBLISH,
      frame({ data: publish(...events) }),
    );
    expect(ended).toBe(0);
    return messages[0]?.toString('latin1') ?? '';
  };
  const named = Object.defineProperty({ ...sale('proto') }, '__proto__', {
    value: { note: 'x' },
    enumerable: true,
  });
  expect(await sent([named])).toContain('MR_FIELD_UNKNOWN');
  const inherited = Object.defineProperty({}, '__proto__', {
    value: sale('inherited'),
    enumerable: true,
  });
  expect(await sent([inherited as Record<string, unknown>])).toMatch(/MR_FIELD_(MISSING|UNKNOWN)/);
  for (const amount of [Number.NaN, Number.POSITIVE_INFINITY])
    expect(await sent([sale('nan', { amount })])).toContain('MR_FIELD_NOT_FINITE');
  const far = {
    service: 'till',
    entities: [structOf({ shop: 's1' })],
    request: [structOf({ by: 2 })],
    at: '9223372036854775807',
  };
  expect(
    await call(over, READ, frame({ data: native('millrace.v1.Features', 'Read', far) })),
  ).toMatchObject({
    code: 'MR_TIME_INVALID',
  });
});

test('the size of messages in flight is bounded together: more are refused until there is room again', async () => {
  await start({ inFlightBytes: 4 * 2 ** 20 });
  const over = await connected();
  const big = frame({ data: publish({ note: 'x'.repeat(2 ** 20) }) });
  const streams = Array.from({ length: 8 }, () => open(over, PUBLISH));
  const answers = streams.map(answer);
  for (const stream of streams) stream.write(big.subarray(0, -1));
  const refused = await Promise.race(answers);
  expect(refused).toMatchObject({ status: status.UNAVAILABLE, code: 'MR_OVERLOADED' });
  for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
  await Promise.all(answers);
  const again = await Promise.all(Array.from({ length: 3 }, () => call(over, PUBLISH, big)));
  expect(again.map((one) => one.status)).toEqual([0, 0, 0]);
  // A stream's messages free their share as they are answered: more than the budget passes through
  // one stream.
  const stream = open(over, PUBLISH_STREAM);
  const done = answer(stream);
  for (let i = 0; i < 12; i++) await new Promise((next) => stream.write(big, next));
  stream.end();
  expect(await done).toMatchObject({ status: 0, messages: { length: 12 } });
});

test('a message past the limit is refused', async () => {
  await start();
  const over = await connected();
  const giant = frame({ data: publish({ note: 'x'.repeat(17 * 2 ** 20) }) });
  expect(await call(over, PUBLISH, giant)).toMatchObject({ status: status.RESOURCE_EXHAUSTED });
});

test('endless streams, thousands of concurrent calls and floods of resets leave room for other calls', async () => {
  await start({ drainMs: 500 });
  const idle = await connected();
  const endless = Array.from({ length: 300 }, () => open(idle, PUBLISH_STREAM));
  for (const stream of endless)
    stream.write(frame({ data: publish(sale('endless')) }).subarray(0, 40));
  await healthy();
  const crowd = await connected();
  const all = await Promise.all(
    Array.from({ length: 3_000 }, () => call(crowd, READ, frame({ data: read() }))),
  );
  expect(new Set(all.map((one) => one.status))).toEqual(new Set([0]));
  const flood = await connected();
  for (let i = 0; i < 5_000 && !flood.destroyed; i++) {
    const stream = open(flood, READ);
    stream.write(frame({ data: read() }));
    stream.close(8);
    if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await healthy();
});

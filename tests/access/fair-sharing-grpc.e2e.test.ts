/** Over gRPC, too, what one caller takes does not keep others from being served. */
import type { ClientHttp2Session } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import type { Access } from '#domain/api/platform.ts';
import { createGrpcGateway, type GrpcGateway } from '#gateways/grpc/gateway.ts';
import { nativeProtos } from '#gateways/grpc/native-protos.ts';
import { serviceOf } from '#gateways/grpc/protos.ts';
import { structOf } from '#gateways/grpc/struct.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { answer, call, frame, open, session } from '#tests/hostile/support/grpc.ts';
import { type Guarded, guarded } from './support/fixture.ts';

const READ = '/millrace.v1.Features/Read';
const STREAM = '/millrace.v1.Features/ReadStream';
const FEAST = '/feast.serving.ServingService/GetOnlineFeatures';

let on: Guarded;
let gateway: GrpcGateway | null = null;
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const one of sessions.splice(0)) one.destroy();
  await gateway?.close();
  gateway = null;
  await on?.dispose();
});

const serve = async (
  limits: Partial<GatewayLimits>,
  authenticating: (access: Access) => Access['authenticate'] = (access) => access.authenticate,
): Promise<string> => {
  on = await guarded();
  gateway = await createGrpcGateway({
    modules: grpcModules('exact', 'test'),
    platform: on.access.platform,
    access: { ...on.access, authenticate: authenticating(on.access) },
    port: 0,
    limits,
  });
  return gateway.address;
};
const connected = async (address: string, window?: number): Promise<ClientHttp2Session> => {
  const made = await session(address, window);
  sessions.push(made);
  return made;
};
const headers = async (): Promise<{ readonly authorization: string }> => ({
  authorization: (await on.key(['reader@payments'])).header,
});
const read = (entities: number): Buffer => {
  const { requestSerialize } = serviceOf(nativeProtos, 'millrace.v1.Features').Read as {
    requestSerialize: (message: object) => Buffer;
  };
  const cards = Array.from({ length: entities }, (_, i) => structOf({ card: `c${i}` }));
  return frame({ data: requestSerialize({ features: ['spending:spent'], entities: cards }) });
};
const nothing = frame({ data: Buffer.alloc(0) });
const TOO_MUCH = { status: status.UNAVAILABLE, code: 'MR_OVERLOADED' };

test.each([READ, STREAM, FEAST])(
  'bytes in flight of a caller have a limit of their own: %s',
  async (path) => {
    const address = await serve({ callerInFlightBytes: 60_000 });
    const [greedy, modest] = [await headers(), await headers()];
    const over = await connected(address);
    const held = open(over, path, greedy);
    const ended = answer(held);
    // A message that does not end.
    held.write(frame({ length: 100_000, data: Buffer.alloc(45_000) }));
    const large = read(1_500);
    expect(large.length).toBeGreaterThan(16 * 1024);
    let refused = await call(over, READ, large, greedy);
    for (let i = 0; i < 500 && refused.status === 0; i++)
      refused = await call(over, READ, large, greedy);
    expect(refused).toMatchObject(TOO_MUCH);
    expect(await call(over, READ, large, modest), 'another caller').toMatchObject({ status: 0 });
    expect(await call(over, READ, read(1), greedy), 'a small message').toMatchObject({ status: 0 });
    held.close(8);
    await ended;
    let after = refused;
    for (let i = 0; i < 500 && after.status !== 0; i++)
      after = await call(over, READ, large, greedy);
    expect(after.status).toBe(0);
  },
);

test("a stranger's large message is refused before it is complete", async () => {
  const over = await connected(await serve({}));
  const stream = open(over, READ, { authorization: 'Bearer nothing' });
  stream.write(frame({ length: 100_000, data: Buffer.alloc(20_000) }));
  expect(await answer(stream)).toMatchObject({
    status: status.UNAUTHENTICATED,
    code: 'MR_UNAUTHENTICATED',
  });
});

test('a large message is authenticated once, also where it arrives sooner than its caller is known', async () => {
  let asked = 0;
  let known = (): void => {};
  const late = new Promise<void>((resolve) => {
    known = resolve;
  });
  const address = await serve({}, (access) => async (shown) => {
    if (asked++ === 0) await late;
    return access.authenticate(shown);
  });
  const over = await connected(address);
  const mine = await headers();
  const large = call(over, READ, read(1_500), mine);
  // Of one connection: it arrives after the large message.
  expect(await call(over, READ, read(1), mine)).toMatchObject({ status: 0 });
  known();
  expect(await large).toMatchObject({ status: 0 });
  expect(asked).toBe(2);
});

test('a caller that does not read its answers is refused by all services, and others are not', async () => {
  const address = await serve({ callerUnreadBytes: 100_000 });
  const [greedy, modest] = [await headers(), await headers()];
  // Nothing reads its streams, so their windows fill.
  const idle = await connected(address, 1_000);
  for (let i = 0; i < 40; i++) open(idle, READ, greedy).end(read(5_000));
  const over = await connected(address);
  let refused = await call(over, READ, read(1), greedy);
  for (let i = 0; i < 2_000 && refused.status === 0; i++)
    refused = await call(over, READ, read(1), greedy);
  expect(refused).toMatchObject(TOO_MUCH);
  expect(await call(over, FEAST, nothing, greedy)).toMatchObject(TOO_MUCH);
  const stream = await call(over, STREAM, read(1), greedy);
  expect(stream.messages[0]?.toString('latin1')).toContain('MR_OVERLOADED');
  expect(await call(over, READ, read(1), modest)).toMatchObject({ status: 0 });
  idle.destroy();
  let after = refused;
  for (let i = 0; i < 500 && after.status !== 0; i++)
    after = await call(over, READ, read(1), greedy);
  expect(after.status).toBe(0);
});

test('a read has at most so many values', async () => {
  const over = await connected(await serve({ cells: 10 }));
  const mine = await headers();
  expect(await call(over, READ, read(10), mine)).toMatchObject({ status: 0 });
  expect(await call(over, READ, read(11), mine)).toMatchObject({ code: 'MR_QUERY_TOO_LARGE' });
});

test('connections have a limit, and a closed one makes room', async () => {
  const address = await serve({ connections: 1 });
  const mine = await headers();
  const first = await connected(address);
  expect(await call(first, READ, read(1), mine)).toMatchObject({ status: 0 });
  const second = await connected(address).catch(() => null);
  if (second !== null)
    expect(await call(second, READ, read(1), mine)).toMatchObject({ status: -1 });
  first.destroy();
  let after = -1;
  for (let i = 0; i < 500 && after !== 0; i++) {
    const third = await connected(address).catch(() => null);
    if (third !== null && !third.destroyed)
      after = (await call(third, READ, read(1), mine).catch(() => ({ status: -1 }))).status;
    if (after !== 0) third?.destroy();
  }
  expect(after).toBe(0);
});

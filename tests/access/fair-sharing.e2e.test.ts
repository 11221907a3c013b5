/** What one caller takes does not keep others from being served. */
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Caller } from '#domain/api/caller.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { call } from '#tests/support/server.ts';
import { type Guarded, guarded } from './support/fixture.ts';

let on: Guarded;
let gateway: HttpGateway | null = null;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await gateway?.close();
  gateway = null;
  await on?.dispose();
});

/** The operating system takes a few megabytes of the answers. */
const REQUESTS = 60;

const serve = async (limits: Partial<GatewayLimits>): Promise<string> => {
  on = await guarded();
  gateway = await createHttpGateway({
    modules: httpModules(),
    platform: on.access.platform,
    access: on.access,
    port: 0,
    limits,
  });
  return gateway.url;
};
const requestOf = (entities: number) => ({
  features: ['spending:spent'],
  entities: Array.from({ length: entities }, (_, i) => ({ card: `c${i}` })),
});
const read = (url: string, authorization: string, body: object = requestOf(1)) =>
  call(url, '/v1/features', { headers: { authorization }, body });

/** Many requests whose answers their client does not read; resolves when the first has begun. */
const unread = (url: string, header: string): Promise<Socket> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const text = JSON.stringify(requestOf(5_000));
    const socket = connect(Number(port), hostname, () => {
      const one = `POST /v1/features HTTP/1.1\r\nhost: x\r\nauthorization: ${header}\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
      socket.write(one.repeat(REQUESTS));
    });
    sockets.push(socket);
    socket.once('readable', () => {
      socket.pause();
      resolve(socket);
    });
  });

test('a caller that does not read its answers is refused, and others are not', async () => {
  const url = await serve({ callerUnreadBytes: 100_000 });
  const [{ header: greedy }, { header: modest }] = [
    await on.key(['reader@payments']),
    await on.key(['reader@payments']),
  ];
  let refused: Awaited<ReturnType<typeof read>> | null = null;
  await unread(url, greedy);
  for (let i = 0; i < 2_000 && refused === null; i++) {
    const asked = await read(url, greedy);
    if (asked.status !== 200) refused = asked;
  }
  expect(refused).toMatchObject({
    status: 503,
    body: { code: 'MR_OVERLOADED', message: expect.stringContaining('this caller') },
  });
  expect((await read(url, modest)).status).toBe(200);
  for (const socket of sockets.splice(0)) socket.destroy();
  let status = 503;
  for (let i = 0; i < 500 && status !== 200; i++) status = (await read(url, greedy)).status;
  expect(status).toBe(200);
});

test('the bytes in flight of a caller have a limit of their own', async () => {
  const url = await serve({ callerInFlightBytes: 50_000 });
  const { header: greedy } = await on.key(['reader@payments']);
  const { header: modest } = await on.key(['reader@payments']);
  const { hostname, port } = new URL(url);
  const hold = connect(Number(port), hostname, () =>
    hold.write(
      `POST /v1/features HTTP/1.1\r\nhost: x\r\nauthorization: ${greedy}\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n${' '.repeat(45_000)}`,
    ),
  );
  sockets.push(hold);
  let status = 200;
  for (let i = 0; i < 500 && status === 200; i++)
    status = (await read(url, greedy, requestOf(1_500))).status;
  expect(status).toBe(503);
  expect((await read(url, modest, requestOf(1_500))).status).toBe(200);
  hold.destroy();
  for (let i = 0; i < 500 && status !== 200; i++)
    status = (await read(url, greedy, requestOf(1_500))).status;
  expect(status).toBe(200);
});

test('a read has at most so many values, by features and by service', async () => {
  const url = await serve({ cells: 10 });
  const { header } = await on.key(['reader@payments']);
  expect((await read(url, header, requestOf(10))).status).toBe(200);
  expect(await read(url, header, requestOf(11))).toMatchObject({
    status: 413,
    body: { code: 'MR_QUERY_TOO_LARGE', details: { limit: 10, entities: 11, features: 1 } },
  });
  const scoring = await read(url, header, {
    service: 'scoring',
    entities: Array.from({ length: 4 }, () => ({ card: 'c1' })),
    request: [{ by: 1 }],
  });
  expect(scoring.body).toMatchObject({ details: { entities: 4, features: 3 } });
});

test('a caller has so many data sets being built, and another one has its own', async () => {
  on = await guarded();
  const callerOf = async (name: string): Promise<Caller> => {
    const { header } = await on.key(['reader@payments']);
    const principal = await on.access.authenticate({ authorization: header, address: undefined });
    return { actor: name, principal };
  };
  const [ann, bob] = [await callerOf('ann'), await callerOf('bob')];
  const { datasets } = on.access.platform;
  const start = (caller: Caller) =>
    datasets.start(
      {
        target: { view: 'spending' },
        spine: { rows: [{ card: 'c1', event_timestamp: 1 }] },
        mode: 'event-time',
      },
      caller,
    );
  const started = await Promise.all(Array.from({ length: 8 }, () => start(ann)));
  await expect(start(ann)).rejects.toMatchObject({
    code: 'MR_RATE_LIMITED',
    details: { limit: 8 },
  });
  started.push(await start(bob));
  await Promise.all(started.map(({ id }) => on.platform.datasets.ended(id)));
  const again = await start(ann);
  await on.platform.datasets.ended(again.id);
});

/**
 * The promise: slow clients, clients that do not read, that disappear or come in crowds cost a
 * bounded amount of memory and time, and other clients are served. The limits are small here, so
 * that each is reached soon.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { liveBytes } from '#tests/support/live-bytes.ts';
import { caller } from '#tests/support/platform.ts';
import { type Hostile, sale, startHostile } from './support/fixture.ts';
import { answered, answerIn, type Bare, bare, post } from './support/socket.ts';

const EVENTS = '/v1/sources/sales/events';

let hostile: Hostile;
let clients: Bare[] = [];
const start = async (limits: Partial<GatewayLimits>): Promise<void> => {
  hostile = await startHostile(limits);
};
beforeEach(() => {
  clients = [];
});
afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  expect(hostile.internal).toEqual([]);
  await hostile.dispose();
});

const client = async (): Promise<Bare> => {
  const made = await bare(hostile.http.url);
  clients.push(made);
  return made;
};
const healthy = async (): Promise<void> => {
  const answer = await fetch(`${hostile.http.url}/healthz`, { headers: { connection: 'close' } });
  expect(answer.status).toBe(200);
};
const reading = async (): Promise<number> => {
  const body = JSON.stringify({ features: ['turnover:sales'], entities: [{ shop: 's1' }] });
  return (
    await fetch(`${hostile.http.url}/v1/features`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
  ).status;
};
const until = async (what: string, holds: () => Promise<boolean> | boolean): Promise<void> => {
  for (let i = 0; i < 1500; i++) {
    if (await holds()) return;
    await sleep(10);
  }
  throw new Error(`it never came to: ${what}`);
};

test('heads and bodies sent byte by byte are cut off with an answer, and others are served meanwhile', async () => {
  await start({ headMs: 600, requestMs: 1_200 });
  const heads = await Promise.all(Array.from({ length: 20 }, client));
  const bodies = await Promise.all(Array.from({ length: 20 }, client));
  for (const { write } of heads) write('GET /healthz HTTP/1.1\r\nx: ');
  for (const { write } of bodies)
    write(
      `POST ${EVENTS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n`,
    );
  const trickle = setInterval(() => {
    for (const { write } of [...heads, ...bodies]) write('x');
  }, 50);
  expect(await reading()).toBe(200);
  await healthy();
  const answers = await Promise.all([...heads, ...bodies].map(({ until: come }) => come(answered)));
  clearInterval(trickle);
  for (const text of answers)
    expect(answerIn(text)).toMatchObject({ status: 408, body: { code: 'MR_REQUEST_TIMEOUT' } });
  await Promise.all([...heads, ...bodies].map(({ closed }) => closed));
});

test('an export whose client does not read stops reading the history, and the client is cut off in time', async () => {
  await start({ unreadMs: 1_500 });
  const note = 'n'.repeat(2_000);
  const { platform } = hostile;
  for (let i = 0; i < 10; i++)
    await platform.publishing.publish(
      {
        source: 'sales',
        events: Array.from({ length: 2_000 }, (_, k) => sale(`x${i}-${k}`, { note })),
      },
      caller,
    );
  const stalled = await Promise.all(Array.from({ length: 4 }, client));
  const before = liveBytes();
  for (const { socket, write } of stalled) {
    socket.pause();
    write('GET /v1/sources/sales/events HTTP/1.1\r\nhost: x\r\n\r\n');
  }
  expect(await reading()).toBe(200);
  // 40 MB for each client if all were read; only some batches and what fits in buffers is.
  await Promise.all(
    stalled.map(async ({ socket, closed }) => {
      await sleep(3_500);
      socket.resume();
      await closed;
      expect(socket.bytesRead, 'it was cut off long before its end').toBeLessThan(30 * 2 ** 20);
    }),
  );
  // All four would be 160 MB. The gateway's own caches, of 64 MiB, may have filled meanwhile.
  expect(liveBytes() - before).toBeLessThan(120 * 2 ** 20);
  await healthy();
  const whole = await (await fetch(`${hostile.http.url}/v1/sources/sales/events`)).text();
  expect(whole.trim().split('\n'), 'a client that reads gets everything').toHaveLength(
    hostile.accepted(),
  );
});

test('the size of bodies in flight is bounded together: more are refused with a retry, until there is room again', async () => {
  await start({ inFlightBytes: 1024 * 1024 });
  const half = post(EVENTS, JSON.stringify({ events: [{ note: 'x'.repeat(512 * 1024 - 200) }] }));
  const holders = await Promise.all([client(), client()]);
  for (const { write } of holders) write(half.subarray(0, -1));
  const late = await client();
  await until('a body is refused', async () => {
    const { status, headers } = await fetch(`${hostile.http.url}${EVENTS}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: half.subarray(half.indexOf('\r\n\r\n') + 4) as never,
    });
    return status === 503 && headers.get('retry-after') === '1';
  });
  late.write(half);
  expect(answerIn(await late.until(answered))).toMatchObject({
    status: 503,
    body: { code: 'MR_OVERLOADED', details: { limit: 1024 * 1024 } },
  });
  expect(await reading(), 'small requests are answered').toBe(200);
  // One request completes, one disconnects: both free their share.
  holders[0]?.write(half.subarray(-1));
  expect(answerIn((await holders[0]?.until(answered)) ?? '')).toMatchObject({ status: 202 });
  holders[1]?.socket.resetAndDestroy();
  await until('there is room for two again', async () => {
    const again = await Promise.all([client(), client()]);
    for (const { write } of again) write(half);
    const texts = await Promise.all(again.map(({ until: come }) => come(answered)));
    return texts.every((text) => answerIn(text)?.status === 202);
  });
});

test('sixteen bodies of the largest size at once leave memory bounded: each is taken, or refused with a retry', async () => {
  await start({});
  const body = `{"events":[${'{"note":1},'.repeat(9_000)}{"note":"${'x'.repeat(15 * 2 ** 20)}"}]}`;
  const before = process.memoryUsage();
  const statuses = await Promise.all(
    Array.from({ length: 16 }, async () => {
      const connection = await client();
      connection.write(post(EVENTS, body));
      return answerIn(await connection.until(answered))?.status;
    }),
  );
  expect(statuses.filter((status) => status === 202).length).toBeGreaterThan(0);
  expect(new Set(statuses)).toEqual(new Set(statuses.includes(503) ? [202, 503] : [202]));
  // The clients' copies are in this process too.
  const client16 = 16 * 16 * 2 ** 20;
  expect(process.memoryUsage().rss - before.rss).toBeLessThan(client16 * 2 + 768 * 2 ** 20);
  expect(await reading()).toBe(200);
});

test('the size of answers that clients do not read is bounded together', async () => {
  await start({ unreadBytes: 2 * 1024 * 1024, unreadMs: 60_000 });
  const ask = post(
    '/v1/features',
    JSON.stringify({
      features: new Array(100).fill('turnover:sales'),
      entities: new Array(5_000).fill({ shop: 's1' }),
    }),
  );
  const greedy = await Promise.all(Array.from({ length: 6 }, client));
  for (const { socket, write } of greedy) {
    socket.pause();
    write(ask);
  }
  await until('questions are refused', async () => (await reading()) === 503);
  await healthy();
  for (const { socket } of greedy) socket.destroy();
  await until('they are answered again', async () => (await reading()) === 200);
});

test('connections past the limit are closed at once, and open ones continue', async () => {
  await start({ connections: 30 });
  const open = await Promise.all(Array.from({ length: 30 }, client));
  const more = await Promise.all(Array.from({ length: 10 }, client));
  await Promise.all(more.map(({ closed }) => closed));
  open[7]?.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
  expect(answerIn((await open[7]?.until(answered)) ?? '')).toMatchObject({ status: 200 });
});

test('a flood of connections that are cut within a request leaves nothing behind', async () => {
  await start({ connections: 100 });
  for (let round = 0; round < 10; round++) {
    const cut = await Promise.all(Array.from({ length: 50 }, () => bare(hostile.http.url)));
    for (const [i, { socket, write }] of cut.entries()) {
      write(post(EVENTS, JSON.stringify({ events: [sale('cut')] })).subarray(0, 20 + i * 4));
      if (i % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
  }
  await until('there is room again', async () => {
    const some = await Promise.all(Array.from({ length: 50 }, client));
    for (const { write } of some)
      write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    const texts = await Promise.all(some.map(({ until: come }) => come(answered)));
    return texts.every((text) => answerIn(text)?.status === 200);
  });
});

test('closing the gateway takes no longer than its limit with all of these clients connected', async () => {
  await start({ drainMs: 400 });
  const slow = await Promise.all(Array.from({ length: 12 }, client));
  for (const [i, { socket, write }] of slow.entries()) {
    if (i % 4 === 0) write('GET /healthz HTTP/1.1\r\nx: ');
    if (i % 4 === 1)
      write(post(EVENTS, JSON.stringify({ events: [sale('never')] })).subarray(0, -3));
    if (i % 4 === 2) {
      socket.pause();
      write('GET /v1/sources/sales/events HTTP/1.1\r\nhost: x\r\n\r\n');
    }
  }
  await reading();
  await hostile.http.close();
  for (const { socket } of slow) socket.resume();
  await Promise.all(slow.map(({ closed }) => closed));
});

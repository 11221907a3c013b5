/**
 * The lookup server as a process, through its client: what is written is read, now and in the past,
 * across kills and restarts.
 */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectLookup,
  type LookupAnswer,
  type LookupClient,
  type LookupTable,
} from '#infra/paimon/lookup-client.ts';
import { freePort } from '#tests/support/free-port.ts';
import { type RunningServer, startLookupServer, writeTiles } from './java.ts';

const HOUR = 3_600_000;
const HOPS = [
  { hopMs: HOUR, nums: ['count__n', 'sum__hi'], refs: ['last__texts'] },
  { hopMs: 0, nums: ['total__hi'], refs: [] },
];
const HOURS = 24;

const directory = mkdtempSync(join(tmpdir(), 'millrace-lookup-'));
const warehouse = join(directory, 'warehouse');
const cache = join(directory, 'cache');
let port = 0;
let server: RunningServer;
let client: LookupClient;

const eventually = async <T>(attempt: () => Promise<T>): Promise<T> => {
  const end = performance.now() + 20_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(50);
    }
  }
};

const start = async (): Promise<void> => {
  server = startLookupServer(port, warehouse, cache);
  await eventually(() => client.status());
};

const tableOf = async (name: string): Promise<LookupTable> =>
  (await client.open(name, HOPS)) as LookupTable;

const entity = (e: number): [string, number] => [`u${e}`, e % 2];

const ask = (
  table: LookupTable,
  entities: readonly number[],
  at?: { snapshot: number } | { time: number },
): Promise<LookupAnswer> =>
  table.lookup({
    entities: entities.map(entity),
    ranges: [
      { from: 0, to: (HOURS - 1) * HOUR },
      { from: 0, to: 0 },
    ],
    ...(at === undefined ? {} : { at }),
  });

/** The content that TileTable writes: every hour but each seventh, and the tile of all time. */
const expectFilled = (answer: LookupAnswer, i: number, e: number, offset: number): void => {
  const o = offset + e;
  const hours = answer.tiles(i, 0);
  const starts = Array.from({ length: HOURS }, (_, h) => h).filter((h) => h % 7 !== 6);
  expect(hours.count).toBe(starts.length);
  expect([...hours.data]).toEqual(
    starts.flatMap((h) => [h * HOUR, h * HOUR + o, o % 3, o, o * 2, o / 3]),
  );
  expect(hours.refs(3)).toEqual([[`"t${o}é😀`, 'b']]);
  expect([...answer.tiles(i, 1).data]).toEqual([0, o, o % 3, o, o / 2]);
};

beforeAll(async () => {
  port = await freePort();
  client = connectLookup({ host: '127.0.0.1', port, deadlineMs: 15_000 });
  mkdirSync(warehouse, { recursive: true });
  await start();
}, 180_000);

afterAll(async () => {
  await client.close();
  await server.stop('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

describe('the lookup server', () => {
  it('answers from the newest snapshot, and from past ones', async () => {
    expect(await client.open('tiles', HOPS)).toBeNull();
    writeTiles('create', warehouse, 'tiles', '2');
    const table = await tableOf('tiles');
    expect(table.description.keys.map(({ name }) => name)).toEqual(['key_user', 'key_place']);
    expect((await ask(table, [3])).tiles(0, 0).count).toBe(0);
    writeTiles('fill', warehouse, 'tiles', '50', String(HOURS), '0');
    const before = Date.now();
    const first = await eventually(async () => {
      const answer = await ask(table, [3, 7, 99]);
      expect(answer.snapshotId).toBe(1);
      return answer;
    });
    expectFilled(first, 0, 3, 0);
    expectFilled(first, 1, 7, 0);
    expect(first.tiles(2, 0).count + first.tiles(2, 1).count).toBe(0);
    expect(first.commitTime).toBeLessThanOrEqual(before);
    writeTiles('fill', warehouse, 'tiles', '20', String(HOURS), '1000', 'compact');
    const second = await eventually(async () => {
      const answer = await ask(table, [3, 30]);
      expect(answer.snapshotId).toBeGreaterThan(1);
      return answer;
    });
    expectFilled(second, 0, 3, 1000);
    expectFilled(second, 1, 30, 0);
    expectFilled(await ask(table, [3], { snapshot: 1 }), 0, 3, 0);
    expectFilled(await ask(table, [3], { time: first.commitTime }), 0, 3, 0);
    expectFilled(await ask(table, [3], { time: Date.now() }), 0, 3, 1000);
    await expect(ask(table, [3], { time: 1 })).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
    expect((await client.status()).tables).toMatchObject([{ table: 'tiles', buckets: 2 }]);
  }, 120_000);

  it('answers correctly after kill -9 with a dirty cache, with the same client and table', async () => {
    const table = await tableOf('tiles');
    await ask(table, [1]);
    await server.stop('SIGKILL');
    expect(readdirSync(join(cache, 'lookup-store')).length).toBeGreaterThan(0);
    writeFileSync(join(cache, 'lookup-store', 'left-over'), 'what a crash leaves');
    await expect(ask(table, [1])).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
    await start();
    expectFilled(await ask(table, [3]), 0, 3, 1000);
    expect(readdirSync(join(cache, 'lookup-store'))).not.toContain('left-over');
  }, 60_000);

  it('closes a connection that sends no valid request, names the reason, and serves the others', async () => {
    const closed = new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port }, () =>
        socket.write('GET / HTTP/1.1\r\n\r\n'),
      );
      socket.on('close', resolve);
      socket.on('error', () => {});
    });
    await closed;
    await eventually(async () => expect(server.log()).toMatch(/closed .*: a frame of \d+ bytes/));
    expectFilled(await ask(await tableOf('tiles'), [5]), 0, 5, 1000);
  }, 30_000);

  it('stops on SIGTERM', async () => {
    expect([143, 'SIGTERM']).toContain(await server.stop('SIGTERM'));
    await expect(client.status()).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
  }, 30_000);
});

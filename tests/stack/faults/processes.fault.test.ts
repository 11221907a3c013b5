/**
 * Our own processes, as users start them, are killed with SIGKILL under load: two gateways that a
 * producer and readers choose between, and two processes that fill the cached copy. Every
 * acknowledged event is counted once, and every answer is the state after some prefix.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlatformStatus } from '#domain/api/operations.ts';
import { col, count, entity, featureView, source, sum } from '#domain/definitions/index.ts';
import {
  computed,
  stackAddressesOfTest,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';
import { plain } from '#tests/support/platform.ts';
import { call, type Server, startServer } from '#tests/support/server.ts';

const shop = entity({ name: uniqueName('shop'), keys: { shop: 'string' } });
const sales = source({
  name: uniqueName('sales'),
  fields: { t: 'timestamp', shop: 'string', n: 'long' },
  eventTime: 't',
  partitions: 2,
  partitionBy: ['shop'],
});
const totals = featureView({
  name: uniqueName('totals'),
  entity: shop,
  source: sales,
  features: { events: count({}), sum: sum(col('n')), recent: count({ window: '1h' }) },
});
const SHOPS = 6;
const entities = Array.from({ length: SHOPS }, (_, i) => ({ shop: `s${i}` }));
const query = {
  features: ['events', 'sum', 'recent'].map((name) => `${totals.name}:${name}`),
  entities,
};

type Role = 'gateway' | 'projection';
const directory = mkdtempSync(join(tmpdir(), 'millrace-processes-'));
const addresses = join(directory, 'stack.json');
const running: Record<Role, (Server | null)[]> = {
  gateway: [null, null],
  projection: [null, null],
};

const start = async (role: Role, index: number): Promise<void> => {
  const options = [
    '--profile',
    'stack',
    '--addresses',
    addresses,
    ...(role === 'gateway' ? ['--no-projections'] : []),
  ];
  running[role][index] = await startServer(join(directory, `${role}${index}`), {}, options);
};

beforeAll(async () => {
  writeFileSync(addresses, JSON.stringify(await stackAddressesOfTest()));
  for (const role of ['gateway', 'projection'] as const)
    for (const index of [0, 1]) await start(role, index);
  const definitions = plain(shop, sales, totals);
  expect(await call(urlOf(0), '/v1/apply', { body: { definitions } })).toMatchObject({
    status: 200,
  });
  await publish(10);
  await computed(
    totals.name,
    async () => (await call(urlOf(0), '/v1/status')).body as PlatformStatus,
  );
  await caughtUp();
}, 300_000);

afterAll(async () => {
  for (const servers of Object.values(running)) for (const server of servers) await server?.kill();
  rmSync(directory, { recursive: true, force: true });
});

const urlOf = (index: number): string => running.gateway[index]?.url ?? 'http://127.0.0.1:1';

let acknowledged = 0;
let turn = 0;
/** One numbered event for each shop, sent to the other gateway again until one acknowledges it. */
const publish = async (rounds: number): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    const events = entities.map(({ shop }) => ({ t: Date.now(), shop, n: acknowledged + 1 }));
    const headers = {
      'millrace-producer': 'till',
      'millrace-sequence': String(acknowledged * SHOPS),
    };
    await until(`round ${acknowledged} is acknowledged`, async () => {
      const url = urlOf(turn++ % 2);
      const answer = await call(url, `/v1/sources/${sales.name}/events`, {
        body: { events },
        headers,
      }).catch(() => null);
      if (answer !== null && answer.status < 500)
        expect(answer).toMatchObject({ status: 202, body: { rejected: [] } });
      return answer?.status === 202;
    });
    acknowledged++;
  }
};

/**
 * Answers of a killed gateway are missing, and none is wrong: where n events are counted their sum
 * is that of 1 … n.
 */
const readOnce = async (index: number): Promise<readonly number[] | null> => {
  const answer = await call(urlOf(index), '/v1/features', { body: query }).catch(() => null);
  if (answer === null) return null;
  const { rows } = answer.body as {
    rows: readonly { events: number | string; sum: number | string | null }[];
  };
  return rows.map(({ events: n, sum: total }, i) => {
    expect({ shop: i, n, total: Number(total ?? 0) }).toEqual({
      shop: i,
      n,
      total: (Number(n) * (Number(n) + 1)) / 2,
    });
    expect(Number(n)).toBeLessThanOrEqual(acknowledged + 1);
    return Number(n);
  });
};

const caughtUp = async (): Promise<void> => {
  for (const index of [0, 1])
    await until(
      `gateway ${index} shows all ${acknowledged}`,
      async () => (await readOnce(index))?.every((n) => n === acknowledged) ?? false,
      120_000,
    );
};

for (const [role, index] of [
  ['gateway', 0],
  ['gateway', 1],
  ['projection', 0],
  ['projection', 1],
] as const) {
  test(`${role} ${index} is killed under load, and every acknowledged event is counted once`, {
    timeout: 300_000,
  }, async () => {
    let loading = true;
    let answers = 0;
    const load = (async () => {
      while (loading) await publish(1);
    })();
    const reads = [0, 1].map(async (from) => {
      while (loading) {
        if ((await readOnce(from)) !== null) answers++;
        await sleep(20);
      }
    });
    let killed = 0;
    let started = 0;
    try {
      await sleep(1_000);
      await running[role][index]?.kill();
      running[role][index] = null;
      killed = Date.now();
      const before = acknowledged;
      await until('events are acknowledged without it', async () => acknowledged > before);
      await sleep(2_000);
      await start(role, index);
      started = Date.now();
      await sleep(1_000);
    } finally {
      // The load of a failed test would run during the next one.
      loading = false;
      await Promise.all([load, ...reads]);
    }
    await caughtUp();
    expect(answers).toBeGreaterThan(0);
    console.log(
      `${role} ${index}: up again ${((started - killed) / 1000).toFixed(1)} s after the kill, all caught up ${((Date.now() - started) / 1000).toFixed(1)} s later; ${acknowledged} events a shop, ${answers} reads`,
    );
  });
}

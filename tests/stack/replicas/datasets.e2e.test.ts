/**
 * Data sets behind two gateways, in processes of their own: each answers, cancels and downloads
 * what the other one builds, and says so when the other one has died.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import { stackAddressesOfTest, uniqueName, until } from '#tests/stack/support/platform.ts';
import { plain } from '#tests/support/platform.ts';
import { call, type Server, startServer } from '#tests/support/server.ts';

const shop = entity({ name: uniqueName('shop'), keys: { shop: 'string' } });
const sales = source({
  name: uniqueName('sales'),
  fields: { id: 'string', shop: 'string', at: 'timestamp' },
  eventTime: 'at',
  eventId: 'id',
});
const totals = featureView({
  name: uniqueName('totals'),
  entity: shop,
  source: sales,
  features: { n: count() },
});
const directory = mkdtempSync(join(tmpdir(), 'millrace-replicas-'));
const servers: Server[] = [];
const SLOW_MS = 240_000;
/** More than the bound of heartbeats, on a busy machine. */
const DEAD_MS = 90_000;

const urlOf = (index: number): string => (servers[index] as Server).url;
const get = async (index: number, id: string): Promise<DatasetStatus> => {
  const { status, body } = await call(urlOf(index), `/v1/datasets/${id}`);
  expect(status).toBe(200);
  return body as DatasetStatus;
};
const FEW = {
  rows: [1, 2].map((i) => ({ shop: `s${i}`, event_timestamp: i })),
};
/** Takes much longer than a gateway needs to notice a cancellation. */
const MANY = { file: join(directory, 'many.csv') };
const MANY_ROWS = 3_000_000;
const start = async (index: number, spine: object = FEW): Promise<DatasetStatus> => {
  const { status, body } = await call(urlOf(index), '/v1/datasets', {
    body: { view: totals.name, spine },
  });
  expect([status, body]).toEqual([202, expect.objectContaining({ state: 'running' })]);
  return body as DatasetStatus;
};

beforeAll(async () => {
  writeFileSync(join(directory, 'stack.json'), JSON.stringify(await stackAddressesOfTest()));
  const more = ['--profile', 'stack', '--addresses', join(directory, 'stack.json')];
  servers.push(
    ...(await Promise.all(
      [0, 1].map((i) => startServer(join(directory, `gateway${i}`), {}, more)),
    )),
  );
  const applied = await call(urlOf(0), '/v1/apply', {
    body: { definitions: plain(shop, sales, totals) },
  });
  expect(applied.status).toBe(200);
  await until(
    'both gateways have the view',
    async () => {
      const read = { features: [`${totals.name}:n`], entities: [{ shop: 's' }] };
      const answers = await Promise.all(
        [0, 1].map((i) => call(urlOf(i), '/v1/features', { body: read })),
      );
      return answers.every(({ status }) => status === 200);
    },
    SLOW_MS,
  );
}, 2 * SLOW_MS);
afterAll(async () => {
  for (const server of servers) await server.kill();
  rmSync(directory, { recursive: true, force: true });
});

test('each gateway knows, and downloads, what the other one builds', {
  timeout: 2 * SLOW_MS,
}, async () => {
  for (const index of [0, 1]) {
    const { id } = await start(index);
    expect((await get(1 - index, id)).id).toBe(id);
    await until('it is built', async () => (await get(1 - index, id)).state !== 'running', SLOW_MS);
    const done = await get(1 - index, id);
    expect(done).toMatchObject({ state: 'done', rows: 2, error: null });
    expect(await get(index, id)).toEqual(done);
    const files = await Promise.all(
      servers.map(async ({ url }) => {
        const answer = await fetch(`${url}/v1/datasets/${id}/data`);
        expect(answer.status).toBe(200);
        return Buffer.from(await answer.arrayBuffer()).toString('hex');
      }),
    );
    expect(files[0]).toBe(files[1]);
  }
});

test('a cancellation through the other gateway, and the death of the one that builds', {
  timeout: SLOW_MS,
}, async () => {
  writeFileSync(MANY.file, `shop,event_timestamp\n${'s,2024-01-01T00:00:00Z\n'.repeat(MANY_ROWS)}`);
  const ended = await start(0, MANY);
  const answer = await call(urlOf(1), `/v1/datasets/${ended.id}`, { method: 'DELETE' });
  expect(answer).toMatchObject({ status: 200 });
  // The answer waits some seconds for the other gateway, which a busy machine may exceed.
  await until('it is over', async () => (await get(0, ended.id)).state !== 'running', SLOW_MS);
  expect((await get(0, ended.id)).state).toBe('cancelled');
  expect((await get(1, ended.id)).state).toBe('cancelled');
  expect(existsSync(ended.out)).toBe(false);

  const { id, out } = await start(0, MANY);
  await servers[0]?.kill();
  expect(existsSync(out)).toBe(false);
  expect((await get(1, id)).state).toBe('running');
  await until('it has failed', async () => (await get(1, id)).state !== 'running', DEAD_MS);
  expect((await get(1, id)).error).toMatchObject({
    code: 'MR_DATASET_FAILED',
    message: 'the gateway that built it ended: start it again',
  });
});

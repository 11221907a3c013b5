/** Data sets over restarts of the embedded profile: what was known stays known. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import { col, count, entity, featureView, source, sum } from '#domain/definitions/index.ts';
import { temporaryPath } from '#infra/training-sets/output-file.ts';
import { plain } from '#tests/support/platform.ts';
import { call, type Server, startServer } from '#tests/support/server.ts';

const shop = entity({ name: 'shop', keys: { shop: 'string' } });
const sales = source({
  name: 'sales',
  fields: { id: 'string', shop: 'string', at: 'timestamp', amount: 'double' },
  eventTime: 'at',
  eventId: 'id',
});
const totals = featureView({
  name: 'totals',
  entity: shop,
  source: sales,
  features: { n: count(), amount: sum(col('amount')) },
});

const directory = mkdtempSync(join(tmpdir(), 'millrace-datasets-'));
const data = join(directory, 'data');
let server: Server;

const get = async (id: string): Promise<DatasetStatus> => {
  const { status, body } = await call(server.url, `/v1/datasets/${id}`);
  expect(status).toBe(200);
  return body as DatasetStatus;
};
const start = async (body: object): Promise<DatasetStatus> => {
  const started = await call(server.url, '/v1/datasets', { body: { view: 'totals', ...body } });
  expect(started.status).toBe(202);
  return started.body as DatasetStatus;
};
const ended = async (id: string): Promise<DatasetStatus> => {
  for (;;) {
    const status = await get(id);
    if (status.state !== 'running') return status;
    await sleep(20);
  }
};
const rows = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ shop: `s${i}`, event_timestamp: 1_700_000_000_000 + i }));

beforeAll(async () => {
  server = await startServer(data);
  const applied = await call(server.url, '/v1/apply', {
    body: { definitions: plain(shop, sales, totals) },
  });
  expect(applied.status).toBe(200);
}, 120_000);
afterAll(async () => {
  await server?.kill();
  rmSync(directory, { recursive: true, force: true });
});

test('a kill fails what was being built, and leaves what was done', {
  timeout: 240_000,
}, async () => {
  const finished = await ended((await start({ spine: { rows: rows(3) } })).id);
  expect(finished).toMatchObject({ state: 'done', rows: 3 });
  const invalid = await ended(
    (await start({ spine: { rows: [{ shop: 'secret-shop', event_timestamp: 'no time' }] } })).id,
  );
  expect(invalid.error?.message).toContain('no time');
  const out = join(directory, 'given.parquet');
  const built = await start({ spine: { rows: rows(20_000) } });
  const named = await start({ spine: { rows: rows(20_000) }, out });
  await server.kill();
  const running = [built, named].filter(({ out: path }) => !existsSync(path));
  expect(running.length).toBeGreaterThan(0);

  // A copy that is started beside it leaves files of the original alone.
  const partials = running.map(({ id, out: path }) => temporaryPath(path, id));
  for (const path of partials) writeFileSync(path, 'of the original');
  const copy = join(directory, 'copy');
  cpSync(data, copy, { recursive: true });
  server = await startServer(copy);
  for (const { id } of running) expect((await get(id)).state).toBe('failed');
  await server.kill();
  expect(partials.filter((path) => !existsSync(path))).toEqual([]);

  server = await startServer(data);
  for (const { id } of running) {
    const status = await get(id);
    expect(status).toMatchObject({
      state: 'failed',
      error: {
        code: 'MR_DATASET_FAILED',
        message: 'the gateway that built it ended: start it again',
      },
    });
    expect(await get(id)).toEqual(status);
    const none = await call(server.url, `/v1/datasets/${id}/data`);
    expect([none.status, (none.body as { code: string }).code]).toEqual([500, 'MR_DATASET_FAILED']);
  }
  expect(await get(finished.id)).toEqual(finished);
  const file = await fetch(`${server.url}/v1/datasets/${finished.id}/data`);
  expect(file.status).toBe(200);
  expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(0);
  // Nothing of a partial file is left, and nothing of a spine's values is stored.
  const left = [data, copy].flatMap((one) => readdirSync(join(one, 'datasets')));
  left.push(...readdirSync(directory));
  for (const { id } of [built, named])
    expect(left.filter((name) => name.includes(id) && name.includes('.tmp'))).toEqual([]);
  const kept = await get(invalid.id);
  expect(kept.error?.code).toBe('MR_SPINE_INVALID');
  expect(JSON.stringify(kept)).not.toMatch(/secret-shop|no time/);

  const listed = await call(server.url, '/v1/datasets');
  const ids = (listed.body as readonly DatasetStatus[]).map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining([finished.id, invalid.id, built.id, named.id]));

  rmSync(finished.out);
  const gone = await call(server.url, `/v1/datasets/${finished.id}/data`);
  expect([gone.status, (gone.body as { code: string }).code]).toEqual([404, 'MR_NOT_FOUND']);
});

test('a copy of the platform serves its own files, and none of the original', {
  timeout: 240_000,
}, async () => {
  const { id, out } = await ended((await start({ spine: { rows: rows(3) } })).id);
  const named = join(directory, 'named.parquet');
  const other = await ended((await start({ spine: { rows: rows(3) }, out: named })).id);
  const bytes = readFileSync(out);
  await server.kill();
  const copy = join(directory, 'second copy');
  cpSync(data, copy, { recursive: true });
  writeFileSync(out, Buffer.alloc(bytes.length));
  server = await startServer(copy);
  const status = await get(id);
  expect(status.out).toBe(join(copy, 'datasets', `${id}.parquet`));
  const listed = await call(server.url, '/v1/datasets');
  expect(listed.body).toContainEqual(status);
  const file = await fetch(`${server.url}/v1/datasets/${id}/data`);
  expect(Buffer.from(await file.arrayBuffer()).equals(bytes)).toBe(true);
  rmSync(status.out);
  rmSync(named);
  for (const [of, path] of [
    [id, status.out],
    [other.id, named],
  ] as const) {
    const gone = await call(server.url, `/v1/datasets/${of}/data`);
    expect(gone).toMatchObject({
      status: 404,
      body: { code: 'MR_NOT_FOUND', message: expect.stringContaining(path) },
    });
  }
});

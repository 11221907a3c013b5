/** Files that callers name: what is written, what is read, and where. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DatasetRequest, DatasetStatus } from '#domain/api/datasets.ts';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { finished } from '#tests/support/platform.ts';
import { call } from '#tests/support/server.ts';
import { charge, founder, type Guarded, guarded } from './support/fixture.ts';

let on: Guarded;
let directory: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-files-'));
  on = await guarded();
  await on.platform.publishing.publish({ source: 'charges', events: [charge('a')] }, founder);
});
afterEach(async () => {
  await on.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const SPINE = { rows: [{ card: 'c1', event_timestamp: Date.now() }] };
const make = async (request: Partial<DatasetRequest>): Promise<DatasetStatus> => {
  const target = { view: 'spending' };
  const all = { target, spine: SPINE, mode: 'event-time', ...request } as const;
  return finished(on.platform, await on.platform.datasets.start(all, founder));
};
const refused = { code: 'MR_REFUSED' };

test.each(['csv', 'parquet'])('a .%s file that exists is replaced only on request', async (ext) => {
  const out = join(directory, `out.${ext}`);
  writeFileSync(out, 'mine');
  await expect(make({ out })).rejects.toMatchObject(refused);
  const batch = { target: { view: 'spending' }, out };
  await expect(on.platform.datasets.batch(batch, founder)).rejects.toMatchObject(refused);
  expect(readFileSync(out, 'utf8')).toBe('mine');
  expect(await make({ out, overwrite: true })).toMatchObject({ state: 'done', rows: 1 });
  expect(await on.platform.datasets.batch({ ...batch, overwrite: true }, founder)).toMatchObject({
    rows: 1,
  });
  expect(readFileSync(out, 'utf8')).not.toBe('mine');
});

test('a file that got the name while the data set was built stays as it is', async () => {
  const out = join(directory, 'out.csv');
  const request = { target: { view: 'spending' }, spine: SPINE, mode: 'event-time', out } as const;
  const started = await on.platform.datasets.start(request, founder);
  writeFileSync(out, 'mine');
  const { state, error } = await finished(on.platform, started);
  expect([state, error?.code]).toEqual(['failed', 'MR_REFUSED']);
  expect(readFileSync(out, 'utf8')).toBe('mine');
});

test('nothing in the data directory is written or read, also through links', async () => {
  const data = on.test.directory;
  const link = join(directory, 'link');
  symlinkSync(data, link);
  const own = join(data, 'history', 'own.parquet');
  writeFileSync(own, 'ours');
  for (const out of [own, join(data, 'new.csv'), join(link, 'new.csv'), join(data, 'a', 'b.csv')])
    await expect(make({ out, overwrite: true }), out).rejects.toMatchObject(refused);
  expect(readFileSync(own, 'utf8')).toBe('ours');
  for (const file of [own, join(link, 'history', 'own.parquet')])
    await expect(make({ spine: { file } }), file).rejects.toMatchObject(refused);
});

test('only regular files are read and replaced', async () => {
  const pipe = join(directory, 'pipe.csv');
  execFileSync('mkfifo', [pipe]);
  expect(await make({ spine: { file: pipe } })).toMatchObject({
    state: 'failed',
    error: { code: 'MR_SPINE_INVALID', message: expect.stringContaining('not a regular file') },
  });
  await expect(make({ out: pipe, overwrite: true })).rejects.toMatchObject(refused);
  const target = join(directory, 'target.csv');
  writeFileSync(target, 'mine');
  const link = join(directory, 'link.csv');
  symlinkSync(target, link);
  await expect(make({ out: link, overwrite: true })).rejects.toMatchObject(refused);
  expect(readFileSync(target, 'utf8')).toBe('mine');
});

test('with a root for files, requests name files below it only', async () => {
  const root = join(directory, 'root');
  mkdirSync(root);
  const outside = join(directory, 'outside');
  mkdirSync(outside);
  symlinkSync(outside, join(root, 'way-out'));
  const gateway = await createHttpGateway({
    modules: httpModules(),
    platform: on.access.platform,
    access: on.access,
    port: 0,
    filesRoot: root,
  });
  try {
    const { header } = await on.key(['admin@*']);
    const ask = async (path: string, more: object) => {
      const body = { view: 'spending', ...more };
      return (await call(gateway.url, path, { headers: { authorization: header }, body })).status;
    };
    for (const path of [
      join(outside, 'x.csv'),
      join(root, '..', 'x.csv'),
      join(root, 'way-out', 'x.csv'),
      `${root}x.csv`,
      root,
    ]) {
      expect(await ask('/v1/batch', { out: path }), path).toBe(409);
      expect(await ask('/v1/datasets', { out: path, spine: SPINE }), path).toBe(409);
      expect(await ask('/v1/datasets', { spine: { file: path } }), path).toBe(409);
    }
    expect(existsSync(join(outside, 'x.csv'))).toBe(false);
    expect(await ask('/v1/batch', { out: join(root, 'deep', 'x.csv') })).toBe(200);
    expect(existsSync(join(root, 'deep', 'x.csv'))).toBe(true);
  } finally {
    await gateway.close();
  }
});

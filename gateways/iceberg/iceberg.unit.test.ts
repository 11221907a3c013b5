/** What the catalog's routes do by themselves: pages of lists, and text that is not parsed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { FAKE_ID } from '#tests/support/fake/tables.ts';
import { createFakePlatform } from '#tests/support/fake-platform.ts';
import { icebergRoutes } from './routes.ts';

let gateway: HttpGateway;
beforeAll(async () => {
  const platform = createFakePlatform();
  gateway = await createHttpGateway({ modules: [icebergRoutes], platform, port: 0 });
});
afterAll(() => gateway.close());

const get = async (path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(`${gateway.url}/iceberg/v1/namespaces${path}`);
  return { status: response.status, text: await response.text() };
};

interface Page {
  readonly identifiers: readonly { readonly name: string }[];
  readonly 'next-page-token': string | null;
}

const page = async (query: string): Promise<readonly [names: readonly string[], string | null]> => {
  const { text } = await get(`/raw/tables${query}`);
  const { identifiers, 'next-page-token': next } = JSON.parse(text) as Page;
  return [identifiers.map(({ name }) => name), next];
};

const ALL = ['flights', 'planes', 'weather'];

test('a list without a page token is whole, whatever the size of a page', async () => {
  expect(await page('')).toEqual([ALL, null]);
  expect(await page('?pageSize=2')).toEqual([ALL, null]);
});

test('a client goes from page to page, and the last one says that it is the last', async () => {
  expect(await page('?pageToken=&pageSize=2')).toEqual([ALL.slice(0, 2), 'planes']);
  expect(await page('?pageToken=planes&pageSize=2')).toEqual([ALL.slice(2), null]);
  expect(await page('?pageToken=&pageSize=3')).toEqual([ALL, null]);
  expect(await page('?pageToken=')).toEqual([ALL, null]);
  expect(await page('?pageToken=zzz')).toEqual([[], null]);
});

test.each(['0', '-1', '1.5', 'many'])('refuses a page of size %s', async (size) => {
  const { status, text } = await get(`/raw/tables?pageToken=&pageSize=${size}`);
  expect([status, JSON.parse(text)]).toMatchObject([
    400,
    { error: { type: 'BadRequestException', code: 400 } },
  ]);
});

test('namespaces come in pages, too', async () => {
  const { text } = await get('?pageToken=&pageSize=1');
  expect(JSON.parse(text)).toEqual({ namespaces: [['raw']], 'next-page-token': 'raw' });
  expect(JSON.parse((await get('?pageToken=raw&pageSize=1')).text)).toEqual({
    namespaces: [['rollup']],
    'next-page-token': 'rollup',
  });
});

test('a snapshot id goes out with all its digits', async () => {
  const { text } = await get('/raw/tables/flights');
  expect(text).toContain(`"current-snapshot-id":${FAKE_ID}`);
  expect((await get('/raw/tables/flights?snapshots=refs')).text).toContain('"of":"refs"');
});

/**
 * The catalog as its clients see it: paths, shapes, pages and errors of Iceberg's REST
 * specification, on a platform with keys.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { ensureTable } from '#infra/shared/iceberg/ensure-table.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { charge, type Guarded, guarded } from '#tests/access/support/fixture.ts';

let on: Guarded;
let operator: string;
let reader: string;
let parts: EmbeddedParts | undefined;

beforeAll(async () => {
  on = await guarded({}, undefined, {
    onParts: (opened) => {
      parts = opened;
    },
  });
  operator = (await on.key(['operator@payments'])).header;
  reader = (await on.key(['reader@payments'])).header;
  const founder = { actor: 'founder' };
  for (const id of ['e1', 'e2']) {
    await on.platform.publishing.publish({ source: 'charges', events: [charge(id)] }, founder);
    await parts?.history.sync('raw.charges');
  }
});
afterAll(() => on?.dispose());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: never;
}

const call = async (
  path: string,
  {
    key = operator,
    method = 'GET',
    body,
    ...headers
  }: { key?: string | null; method?: string; body?: unknown; 'if-none-match'?: string } = {},
): Promise<Answer> => {
  const response = await fetch(`${on.http.url}/iceberg/v1${path}`, {
    method,
    headers: {
      ...headers,
      ...(key === null ? {} : { authorization: key }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const { status } = response;
  return { status, headers: response.headers, text, body: JSON.parse(text || 'null') as never };
};

const refused = (code: number, type: string) => ({
  error: { message: expect.any(String), type, code },
});
const CHARGES = '/namespaces/raw/tables/charges';

test('the configuration lists what can be called, and the only warehouse', async () => {
  const { status, body } = await call('/config');
  expect(status).toBe(200);
  const { defaults, overrides, endpoints } = body as Record<string, unknown>;
  expect([defaults, overrides]).toEqual([{}, {}]);
  for (const endpoint of endpoints as string[]) expect(endpoint).toMatch(/^(GET|HEAD|POST) \/v1\//);
  expect(endpoints).toContain('GET /v1/{prefix}/namespaces/{namespace}/tables/{table}');
  expect((await call('/config?warehouse=millrace')).status).toBe(200);
  const other = await call('/config?warehouse=s3%3A%2F%2Fbucket');
  expect([other.status, other.body]).toEqual([404, refused(404, 'NoSuchWarehouseException')]);
});

test('every endpoint that the configuration lists is answered', async () => {
  const { endpoints } = (await call('/config')).body as { endpoints: readonly string[] };
  for (const endpoint of endpoints) {
    const [method, path] = endpoint.split(' ') as [string, string];
    const full = path
      .replace('/v1/{prefix}', '')
      .replace('{namespace}', 'raw')
      .replace('{table}', 'charges');
    const body = method === 'POST' ? { 'report-type': 'scan-report' } : undefined;
    const { status } = await call(full, { method, body });
    expect({ endpoint, ok: status === 200 || status === 204 }).toEqual({ endpoint, ok: true });
  }
});

test('namespaces, and what is below them', async () => {
  expect((await call('/namespaces')).body).toEqual({
    namespaces: [['raw'], ['rollup'], ['served']],
    'next-page-token': null,
  });
  expect((await call('/namespaces?parent=raw')).body).toMatchObject({ namespaces: [] });
  expect((await call('/namespaces?parent=x')).body).toEqual(
    refused(404, 'NoSuchNamespaceException'),
  );
  expect((await call('/namespaces/raw')).body).toEqual({
    namespace: ['raw'],
    properties: { comment: expect.any(String) },
  });
  const missing = await call('/namespaces/features');
  expect([missing.status, missing.body]).toEqual([404, refused(404, 'NoSuchNamespaceException')]);
  expect((await call('/namespaces/raw%1Fx')).status).toBe(404);
  expect((await call('/namespaces/raw/views')).body).toMatchObject({ identifiers: [] });
  expect((await call('/namespaces/x/tables')).body).toEqual(
    refused(404, 'NoSuchNamespaceException'),
  );
});

test('a table: its newest metadata as it is in the file, and 304 while it is', async () => {
  const { status, body, text, headers } = await call(CHARGES);
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  const { metadata, ...rest } = body as { metadata: { snapshots: readonly unknown[] } };
  expect(rest).toEqual({
    'metadata-location': expect.stringMatching(/^file:\/\/\/.*\/raw\/charges\/metadata\/v2/),
    config: {},
  });
  const { 'metadata-location': location } = body as { 'metadata-location': string };
  const file = readFileSync(new URL(location), 'utf8');
  expect(text).toContain(file);
  expect(metadata.snapshots.length).toBe(2);
  const etag = headers.get('etag') as string;
  expect(await call(CHARGES, { 'if-none-match': etag })).toMatchObject({ status: 304, text: '' });
  expect((await call(CHARGES, { 'if-none-match': '"other"' })).status).toBe(200);
  const refs = (await call(`${CHARGES}?snapshots=refs`)).body as { metadata: typeof metadata };
  expect(refs.metadata.snapshots.length).toBe(1);
  expect((await call(`${CHARGES}?snapshots=some`)).body).toEqual(
    refused(400, 'BadRequestException'),
  );
});

test('a table without rows is not there, and neither are names that are paths', async () => {
  for (const name of ['nothing', '..%2Fraw%2Fcharges', '..', 'charges_day']) {
    const { status, body } = await call(`/namespaces/raw/tables/${name}`);
    expect([name, status]).toEqual([name, 404]);
    if (name !== '..') expect(body).toEqual(refused(404, 'NoSuchTableException'));
  }
  expect((await call('/namespaces/rollup/tables/spending_v1_day')).status).toBe(404);
});

test('HEAD says whether it exists, without a body', async () => {
  for (const [path, status] of [
    [CHARGES, 204],
    ['/namespaces/raw', 204],
    ['/namespaces/x', 404],
    ['/namespaces/raw/tables/x', 404],
  ] as const)
    expect(await call(path, { method: 'HEAD' })).toMatchObject({ status, text: '' });
});

test('reports of scans are accepted for a table that exists', async () => {
  const report = { 'report-type': 'scan-report', 'table-name': 'raw.charges' };
  const post = (path: string) => call(path, { method: 'POST', body: report });
  expect(await post(`${CHARGES}/metrics`)).toMatchObject({ status: 204, text: '' });
  expect((await post('/namespaces/raw/tables/x/metrics')).body).toEqual(
    refused(404, 'NoSuchTableException'),
  );
});

describe('what the catalog does not do', () => {
  test('writes are unsupported operations', async () => {
    for (const [method, path] of [
      ['POST', '/namespaces'],
      ['DELETE', '/namespaces/raw'],
      ['POST', '/namespaces/raw/properties'],
      ['POST', '/namespaces/raw/tables'],
      ['POST', CHARGES],
      ['DELETE', CHARGES],
      ['POST', `${CHARGES}/plan`],
      ['POST', '/tables/rename'],
      ['POST', '/transactions/commit'],
    ] as const) {
      const { status, body } = await call(path, {
        method,
        ...(method === 'POST' ? { body: {} } : {}),
      });
      expect([method, path, status]).toEqual([method, path, 406]);
      expect(body).toEqual(refused(406, 'UnsupportedOperationException'));
    }
  });

  test('tokens are not exchanged, and the answer says what to do', async () => {
    const response = await fetch(`${on.http.url}/iceberg/v1/oauth/tokens`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_secret: 'x' }),
    });
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'unsupported_grant_type', error_description: expect.stringContaining('"token"') },
    ]);
  });

  test('a view does not exist, and other paths neither', async () => {
    expect((await call('/namespaces/raw/views/x')).body).toEqual(
      refused(404, 'NoSuchViewException'),
    );
    expect((await call('/nothing')).body).toEqual(refused(404, 'NotFoundException'));
  });
});

describe('keys and roles', () => {
  test('a caller without a key, or with a wrong one', async () => {
    for (const key of [null, 'Bearer nonsense']) {
      const { status, body, headers } = await call(CHARGES, { key });
      expect([status, body]).toEqual([401, refused(401, 'NotAuthorizedException')]);
      expect(headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  test('raw events are for those who may export them; for others there is no such table', async () => {
    const stranger = (await on.key(['admin@elsewhere'])).header;
    const admin = (await on.key(['admin@payments'])).header;
    for (const [key, allowed] of [
      [operator, true],
      [admin, true],
      [reader, false],
      [stranger, false],
    ] as const) {
      const list = (await call('/namespaces/raw/tables', { key })).body;
      expect(list).toEqual({
        identifiers: allowed ? [{ namespace: ['raw'], name: 'charges' }] : [],
        'next-page-token': null,
      });
      expect((await call(CHARGES, { key })).status).toBe(allowed ? 200 : 404);
      expect((await call(CHARGES, { key, method: 'HEAD' })).status).toBe(allowed ? 204 : 404);
    }
    const hidden = (await call(CHARGES, { key: stranger })).body as { error: { message: string } };
    const absent = (await call('/namespaces/raw/tables/absent', { key: stranger })).body as {
      error: { message: string };
    };
    expect(hidden.error.message.replace('charges', 'absent')).toBe(absent.error.message);
  });

  test('values of views are for those who may read them', async () => {
    const root = {
      files: localFiles(),
      uri: fileUri(join(on.test.directory, 'history')),
    };
    const columns = [
      { name: 'day', type: 'date', required: true },
      { name: 'key_card', type: 'string', required: true },
    ];
    for (const view of ['spending', 'suspicion'])
      await ensureTable({
        table: tableDirectory(root, `rollup.${view}_v1_day`),
        name: `rollup.${view}_v1_day`,
        columns,
        partitionBy: 'day',
        ofNoTopic: true,
        now: Date.now,
        openDuckDb: () => Promise.reject(new Error('not needed')),
      });
    const identifiers = [{ namespace: ['rollup'], name: 'spending_v1_day' }];
    const list = async (key: string) => (await call('/namespaces/rollup/tables', { key })).body;
    expect(await list(reader)).toMatchObject({ identifiers });
    expect(await list(operator)).toMatchObject({ identifiers: [] });
    expect((await call('/namespaces/rollup/tables/spending_v1_day', { key: reader })).status).toBe(
      200,
    );
    for (const [key, name] of [
      [reader, 'suspicion_v1_day'],
      [reader, 'spending_v1_hour'],
      [reader, 'spending_v2_day'],
      [operator, 'spending_v1_day'],
    ] as const)
      expect((await call(`/namespaces/rollup/tables/${name}`, { key })).body).toEqual(
        refused(404, 'NoSuchTableException'),
      );
  });

  test('an attempt to load a table without the right is in the audit log', async () => {
    await call(CHARGES, { key: reader });
    await on.access.close();
    const { records } = await on.platform.audit.log({ subject: 'source/charges' });
    expect(records.at(-1)).toMatchObject({ outcome: 'refused', command: 'operate' });
  });
});

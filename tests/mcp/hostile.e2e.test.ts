/** Messages that no well-behaved client sends: each gets a clear refusal, and nothing breaks. */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { charge, founder, type Guarded, guarded } from '#tests/access/support/fixture.ts';
import { type Agent, agentOver, httpTransport } from './support/client.ts';

let on: Guarded;
let key: string;
let agent: Agent;
beforeAll(async () => {
  on = await guarded({ authentication: 'auto' });
  key = (await on.key(['admin@*'])).header;
  await on.platform.publishing.publish({ source: 'charges', events: [charge('e1')] }, founder);
  agent = await agentOver(httpTransport(on.http.url, key));
});
afterAll(async () => {
  await agent?.close();
  await on?.dispose();
});

interface Reply {
  readonly status: number;
  readonly body: {
    readonly code?: string;
    readonly result?: unknown;
    readonly error?: { readonly code: number; readonly message: string };
  };
  readonly headers: Headers;
}

const send = async (
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  method = 'POST',
): Promise<Reply> => {
  const response = await fetch(`${on.http.url}/mcp`, {
    method,
    headers: {
      authorization: key,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    ...(method === 'POST' ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text === '' ? {} : (JSON.parse(text) as Reply['body']),
    headers: response.headers,
  };
};

const request = (method: string, params: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  params,
});
const list = request('tools/list');

test.each([
  ['entities', { service: 'scoring', entities: 'c1' }, 'arguments.entities must be array'],
  ['an entity', { service: 'scoring', entities: ['c1'] }, 'arguments.entities[0] must be object'],
  ['no entities', { service: 'scoring', entities: [] }, 'arguments.entities must NOT have fewer'],
  ['nothing', {}, 'arguments must have "entities"'],
  ['a number', { service: 7, entities: [{}] }, 'arguments.service must be string'],
  ['an unknown property', { entities: [{}], servce: 'x' }, 'unknown parameter "servce"'],
  ['two targets', { service: 'a', view: 'b', entities: [{}] }, 'exactly one of'],
  ['no target', { entities: [{ card: 'c1' }] }, 'exactly one of'],
  ['a time', { view: 'spending', entities: [{ card: 'c1' }], at: 'yesterday' }, '"at"'],
  [
    'too many entities',
    { view: 'spending', entities: Array.from({ length: 201 }, () => ({ card: 'c1' })) },
    'arguments.entities must NOT have more than 200 items',
  ],
])('wrong arguments of a read: %s', async (_, args, message) => {
  const refusal = await agent.refused('read_features', args);
  expect(refusal.message).toContain(message);
  expect(refusal.code).toMatch(/^MR_(PARAMETER|TIME)_INVALID$/);
});

test.each([
  ['explain_value', { feature: ':', entity: {} }],
  ['explain_value', { feature: 'spending@v1:spent', entity: { card: 'c1' } }],
  ['explain_value', { feature: 'spending:spent', entity: { card: 7 } }],
  ['explain_value', { feature: 'spending:spent', entity: {}, events: 1e9 }],
  ['show_definition', { name: '' }],
  ['show_definition', { name: '__proto__' }],
  ['show_definition', { name: '../../etc/passwd' }],
  ['show_definition', { name: 'spending', version: 0 }],
  ['show_definition', { name: 'spending', version: 99 }],
  ['show_lineage', { name: '' }],
  ['show_lineage', { name: 'x'.repeat(100_000) }],
  ['search_definitions', { limit: 0 }],
  ['show_dataset', { dataset: '../x' }],
  ['start_dataset', { view: 'spending', spine: {} }],
  ['start_dataset', { view: 'spending', spine: { rows: [], file: '/etc/passwd' } }],
  ['start_dataset', { view: 'spending', spine: { file: 'relative' } }],
  ['start_dataset', { spine: { rows: [] } }],
  ['rerun_dataset', { dataset: '0b0f' }],
  ['query_sql', { sql: 'DROP TABLE raw_charges' }],
  ['query_sql', { sql: "SELECT * FROM read_csv('/etc/passwd')" }],
  ['query_sql', { sql: '' }],
  ['query_sql', { sql: 'SELECT 1', engine: 'x' }],
  ['list_tables', { table: 'pg_catalog' }],
])('%s refuses %j', async (name, args) => {
  const { code, message } = await agent.refused(name, args);
  expect(code).toMatch(/^MR_/);
  expect(code).not.toBe('MR_INTERNAL');
  expect(message.length).toBeLessThan(5_000);
});

test('an answer that is too long is refused, with a link to the whole of it', async () => {
  const refusal = await agent.refused('query_sql', {
    sql: "SELECT repeat('x', 50000) AS long FROM raw_charges",
  });
  expect(refusal).toMatchObject({
    code: 'MR_QUERY_TOO_LARGE',
    details: { link: { method: 'POST', url: `${on.http.url}/v1/sql` } },
  });
  expect(refusal.message).toContain('fewer columns');
});

test('a tool that does not exist is an error of the protocol, which lists the tools', async () => {
  await expect(agent.ask('drop_everything')).rejects.toMatchObject({
    code: -32_602,
    message: expect.stringContaining('search_definitions'),
  });
  expect((await send(request('tools/call', { name: 7 }))).body.error?.code).toBeLessThan(0);
  expect((await send(request('resources/list'))).body.error?.code).toBe(-32_601);
});

test('a session id that this server never gave changes nothing', async () => {
  const answer = await send(list, { 'mcp-session-id': '../../x' });
  expect([answer.status, answer.headers.get('mcp-session-id')]).toEqual([200, null]);
});

test('messages do not need a handshake, because another gateway may have had it', async () => {
  expect((await send(list)).body.result).toMatchObject({ tools: expect.any(Array) });
});

test.each([
  ['a list of messages', [list, list], {}, 400, 'MR_BODY_INVALID'],
  ['no JSON', '{', {}, 400, 'MR_BODY_INVALID'],
  ['no message', {}, {}, 400, 'MR_BODY_INVALID'],
  ['another version of JSON-RPC', { ...list, jsonrpc: '1.0' }, {}, 400, 'MR_BODY_INVALID'],
  ['an id that is an object', { ...list, id: {} }, {}, 400, 'MR_BODY_INVALID'],
  ['a method that is no text', { ...list, method: 1 }, {}, 400, 'MR_BODY_INVALID'],
  ['parameters that are a list', { ...list, params: [] }, {}, 400, 'MR_BODY_INVALID'],
  ['an unknown version', list, { 'mcp-protocol-version': '1999-01-01' }, 400, 'MR_BODY_INVALID'],
  ['no accept', list, { accept: 'text/html' }, 415, 'MR_MEDIA_TYPE'],
  ['another content type', 'x=1', { 'content-type': 'text/plain' }, 415, 'MR_MEDIA_TYPE'],
  ['a deep body', `${'['.repeat(5000)}${']'.repeat(5000)}`, {}, 400, 'MR_BODY_INVALID'],
  ['a large body', `"${'x'.repeat(17 * 1024 * 1024)}"`, {}, 413, 'MR_BODY_TOO_LARGE'],
  ['another origin', list, { origin: 'http://evil.example' }, 403, 'MR_ORIGIN_REFUSED'],
])('%s is refused', async (_, body, headers, status, code) => {
  const answer = await send(body, headers as Record<string, string>);
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  expect((await send(list)).status).toBe(200);
});

test('a notification gets no answer, and an answer to nothing is taken', async () => {
  for (const body of [
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', method: 'notifications/nonsense' },
    { jsonrpc: '2.0', id: 7, result: {} },
  ])
    expect(await send(body)).toMatchObject({ status: 202, body: {} });
});

test.each(['GET', 'DELETE', 'PUT'])(
  '%s has no place here: no streams, no sessions',
  async (method) => {
    const answer = await send(null, { 'mcp-session-id': 'x' }, method);
    expect([answer.status, answer.body.code, answer.headers.get('allow')]).toEqual([
      405,
      'MR_ROUTE_NOT_FOUND',
      'POST',
    ]);
  },
);

test('answers have the headers of every answer', async () => {
  const { headers } = await send(list, { 'x-request-id': 'mine' });
  expect(headers.get('x-request-id')).toBe('mine');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
});

test('without keys, only names of this machine reach the tools (DNS rebinding)', async () => {
  const open = await guarded({ authentication: 'off' });
  try {
    const { port } = new URL(open.http.url);
    const asked = (host: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const message = httpRequest(
          {
            port,
            path: '/mcp',
            method: 'POST',
            headers: {
              host,
              'content-type': 'application/json',
              accept: 'application/json, text/event-stream',
            },
          },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode ?? 0);
          },
        );
        message.on('error', reject);
        message.end(JSON.stringify(list));
      });
    expect(await asked(`localhost:${port}`)).toBe(200);
    expect(await asked(`evil.example:${port}`)).toBe(403);
  } finally {
    await open.dispose();
  }
});

test('links have the name by which the caller came, or that a trusted proxy says', async () => {
  const { access } = on;
  const gateway = await createHttpGateway({
    modules: httpModules(),
    platform: access.platform,
    access,
    port: 0,
    trustedProxies: ['127.0.0.0/8'],
  });
  const linkWith = async (
    url: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<string> => {
    const response = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: key,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(request('tools/call', { name: 'list_datasets', arguments: {} })),
    });
    const { result } = (await response.json()) as {
      result: { structuredContent: { link: { url: string } } };
    };
    return result.structuredContent.link.url;
  };
  const proxied = {
    'x-forwarded-for': '192.0.2.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'features.example.com',
  };
  try {
    expect(await linkWith(on.http.url, proxied)).toBe(`${on.http.url}/v1/datasets`);
    expect(await linkWith(gateway.url, {})).toBe(`${gateway.url}/v1/datasets`);
    expect(await linkWith(gateway.url, proxied)).toBe('https://features.example.com/v1/datasets');
    expect(await linkWith(gateway.url, { ...proxied, 'x-forwarded-host': 'a b/../c' })).toBe(
      `${gateway.url}/v1/datasets`,
    );
  } finally {
    await gateway.close();
  }
});

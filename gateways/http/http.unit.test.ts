/**
 * The gateway's own duty: forms, limits, errors, draining. What values mean is the platform's, here
 * a fake.
 */

import { request as rawRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { httpModules } from '#gateways/http-modules.ts';
import { SERVED, SKEW } from '#tests/support/fake/samples.ts';
import { createFakePlatform, type FakePlatform } from '#tests/support/fake-platform.ts';
import { createHttpGateway, type HttpGateway } from './gateway.ts';

let platform: FakePlatform;
let gateway: HttpGateway;
const internal: unknown[] = [];

beforeEach(async () => {
  platform = createFakePlatform();
  internal.length = 0;
  gateway = await createHttpGateway({
    modules: httpModules(),
    platform,
    port: 0,
    limits: { drainMs: 2_000 },
    onInternalError: (error) => internal.push(error),
  });
});
afterEach(() => gateway.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every form
  readonly body: any;
}

const call = async (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> => {
  const payload =
    body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    ...payload,
    headers: { ...type, ...headers },
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: response.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : text,
  };
};
const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
  call('POST', path, body, headers);
const get = (path: string) => call('GET', path);
const EVENTS = '/v1/sources/flights/events';
const NDJSON = { 'content-type': 'application/x-ndjson' };
const refused = (status: number, code: string, message: unknown = expect.any(String)) =>
  expect.objectContaining({ status, body: { code, message, details: expect.any(Object) } });

test('features: rows carry entity keys and values, status arrays follow the features', async () => {
  const { status, body } = await post('/v1/features', {
    service: 'delay_model',
    entities: [{ origin: 'ATL' }, { origin: 'Zürich "Ω" \u2028 😀' }],
  });
  expect(status).toBe(200);
  expect(body).toEqual({
    rows: [
      { origin: 'ATL', departures: 3, delay_avg_1d: 2.5 },
      { origin: 'Zürich "Ω" \u2028 😀', departures: 0, delay_avg_1d: null },
    ],
    status: [
      ['present', 'present'],
      ['present', 'null'],
    ],
    features: ['departures', 'delay_avg_1d'],
    views: [
      {
        view: 'airport_delays',
        version: 1,
        generation: 1,
        eventTime: expect.any(Number),
        position: 'raw.flights@0:0',
        completeThrough: expect.any(Number),
      },
    ],
    at: expect.any(Number),
    known: expect.any(Number),
  });
});

test('features: times are ISO with a zone or epoch ms', async () => {
  await post('/v1/features', {
    service: 'delay_model',
    entities: [{ origin: 'A' }],
    at: '2026-01-31T13:00:00+01:00',
    known: 1_769_860_800_001,
  });
  expect(platform.calls.at(-1)?.args[0]).toMatchObject({
    at: 1_769_860_800_000,
    known: 1_769_860_800_001,
  });
  expect(
    await post('/v1/features', {
      service: 'delay_model',
      entities: [{ origin: 'A' }],
      at: '2026-01-31',
    }),
  ).toEqual(refused(400, 'MR_TIME_INVALID', expect.stringContaining('"at"')));
});

test('features: what is wrong with the form is named', async () => {
  const entities = [{ origin: 'A' }];
  expect(await post('/v1/features', { entities })).toEqual(
    refused(400, 'MR_BODY_INVALID', expect.stringContaining('either "service"')),
  );
  expect(await post('/v1/features', { service: 'x', features: ['a:b'], entities })).toEqual(
    refused(400, 'MR_BODY_INVALID'),
  );
  expect(await post('/v1/features', { service: 'x', entities: ['ATL'] })).toEqual(
    refused(400, 'MR_BODY_INVALID', expect.stringContaining('body.entities[0] must be object')),
  );
  expect(await post('/v1/features', { service: 'x', entities, atr: 1 })).toEqual(
    refused(400, 'MR_BODY_INVALID', expect.stringContaining('"atr"')),
  );
  expect(await post('/v1/features', '{"service":')).toEqual(
    refused(400, 'MR_BODY_INVALID', expect.stringContaining('not JSON')),
  );
  expect(await post('/v1/features', { service: 'nope', entities })).toEqual(
    refused(404, 'MR_NOT_FOUND'),
  );
});

test('limits, each with its own error', async () => {
  const entities = Array.from({ length: 5001 }, (_, i) => ({ origin: `A${i}` }));
  expect(await post('/v1/features', { service: 'delay_model', entities })).toEqual(
    refused(413, 'MR_QUERY_TOO_LARGE', expect.stringContaining('5000')),
  );
  expect(
    (await post('/v1/features', { service: 'delay_model', entities: entities.slice(1) })).body.rows,
  ).toHaveLength(5000);
  const features = Array.from({ length: 1001 }, (_, i) => `airport_delays:f${i}`);
  expect(await post('/v1/features', { features, entities: [{ origin: 'A' }] })).toEqual(
    refused(413, 'MR_QUERY_TOO_LARGE', expect.stringContaining('1000')),
  );
  const events = Array.from({ length: 10_001 }, () => ({ origin: 'A' }));
  expect(await post(EVENTS, { events })).toEqual(
    refused(413, 'MR_BATCH_TOO_LARGE', expect.stringContaining('10000')),
  );
  expect(platform.taken).toHaveLength(0);
  expect((await post(EVENTS, { events: events.slice(1) })).body.accepted).toBe(10_000);
});

test('a body of 17 MiB is refused, with or without a length', async () => {
  const size = 17 * 2 ** 20;
  expect(await post(EVENTS, 'x'.repeat(size))).toEqual(
    refused(413, 'MR_BODY_TOO_LARGE', expect.stringContaining(String(16 * 2 ** 20))),
  );
  const status = await new Promise<number>((resolve, reject) => {
    const request = rawRequest(
      `${gateway.url}${EVENTS}`,
      { method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.on('error', reject);
    request.write('x'.repeat(size));
  });
  expect(status).toBe(413);
});

test('events: accepted, rejected by index, position', async () => {
  const { status, body } = await post(EVENTS, { events: [{ origin: 'ATL' }, { delay: 1 }] });
  expect(status).toBe(202);
  expect(body).toEqual({
    accepted: 1,
    duplicates: 0,
    rejected: [
      { index: 1, code: 'MR_FIELD_MISSING', field: 'origin', message: expect.any(String) },
    ],
    position: 'raw.flights@0:1',
  });
  expect(await post('/v1/sources/nope/events', { events: [] })).toEqual(
    refused(404, 'MR_NOT_FOUND'),
  );
  expect(await post(EVENTS, [{ origin: 'ATL' }])).toEqual(refused(400, 'MR_BODY_INVALID'));
});

test('events as NDJSON: blank lines are skipped, a bad line is named and nothing is taken', async () => {
  expect((await post(EVENTS, '{"origin":"Łódź"}\r\n\n{"origin":"B"}', NDJSON)).body.accepted).toBe(
    2,
  );
  expect(platform.taken).toEqual([{ origin: 'Łódź' }, { origin: 'B' }]);
  const bad = await post(EVENTS, '{"origin":"A"}\n\n{"origin":}\n{"origin":"B"}', NDJSON);
  expect(bad).toEqual(refused(400, 'MR_BODY_INVALID', expect.stringContaining('line 3')));
  expect(bad.body.details.line).toBe(3);
  expect(platform.taken).toHaveLength(2);
  expect(await post('/v1/features', '{}', NDJSON)).toEqual(refused(415, 'MR_MEDIA_TYPE'));
});

test('bytes that are not UTF-8, and compressed bodies, are refused', async () => {
  const send = async (body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) => {
    const response = await fetch(`${gateway.url}${EVENTS}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });
    return { status: response.status, body: await response.json() };
  };
  expect(await send(new Uint8Array([0x22, 0xff, 0x22]))).toEqual(
    refused(400, 'MR_BODY_INVALID', expect.stringContaining('UTF-8')),
  );
  expect(await send(new Uint8Array([1]), { 'content-encoding': 'gzip' })).toEqual(
    refused(415, 'MR_MEDIA_TYPE'),
  );
});

test('idempotent producing: headers in, the next sequence out', async () => {
  const headers = { 'millrace-producer': 'p1', 'millrace-sequence': '0' };
  const events = [{ origin: 'A' }, { origin: 'B' }];
  expect((await post(EVENTS, { events }, headers)).body).toMatchObject({
    accepted: 2,
    duplicates: 0,
  });
  expect((await post(EVENTS, { events }, headers)).body).toMatchObject({
    accepted: 0,
    duplicates: 2,
  });
  expect((await get('/v1/sources/flights/producers/p1')).body).toEqual({ next: 2 });
  expect(await post(EVENTS, { events }, { ...headers, 'millrace-sequence': '9' })).toEqual(
    refused(409, 'MR_PRODUCER_SEQUENCE'),
  );
  expect(await post(EVENTS, { events }, { 'millrace-producer': 'p1' })).toEqual(
    refused(400, 'MR_PARAMETER_INVALID', expect.stringContaining('millrace-sequence')),
  );
  expect(await post(EVENTS, { events }, { ...headers, 'millrace-sequence': '-1' })).toEqual(
    refused(400, 'MR_PARAMETER_INVALID'),
  );
});

test('the actor is who the header says, in UTF-8, else anonymous', async () => {
  const actorOf = () => (platform.calls.at(-1)?.args[1] as { actor: string } | undefined)?.actor;
  await post(EVENTS, { events: [] });
  expect(actorOf()).toBe('anonymous@loopback');
  await post(EVENTS, { events: [] }, { 'x-millrace-actor': Buffer.from('Zoë').toString('latin1') });
  expect(actorOf()).toBe('Zoë');
  expect(await post(EVENTS, { events: [] }, { 'x-millrace-actor': 'a'.repeat(201) })).toEqual(
    refused(400, 'MR_PARAMETER_INVALID'),
  );
});

test('commands: a race is 409 with the current version; a bug is 500 without its cause', async () => {
  expect((await post('/v1/commands', { type: 'X', data: {}, reason: 'r' })).body).toEqual({
    events: [{ type: 'Done', data: {} }],
    position: 'registry@0:1',
  });
  const race = await post('/v1/commands', { type: 'X', data: {}, expectedVersion: 7 });
  expect(race).toEqual(refused(409, 'MR_VERSION_CONFLICT'));
  expect(race.body.details).toEqual({ currentVersion: 8 });
  const bug = await post('/v1/commands', { type: 'Crash', data: {} });
  expect(bug).toEqual(refused(500, 'MR_INTERNAL'));
  expect(JSON.stringify(bug.body)).not.toContain('secret');
  expect(JSON.stringify(bug.body)).not.toContain('.ts');
  expect(bug.body.details.request).toBe(bug.headers.get('x-request-id'));
  expect(internal).toHaveLength(1);
});

test('definitions of a wrong shape are refused with all their problems', async () => {
  const definitions = [{ kind: 'entity', name: 'Bad Name', keys: {} }, { kind: 'nope' }];
  const answer = await post('/v1/plan', { definitions });
  expect(answer).toEqual(refused(400, 'MR_DEFINITION_INVALID'));
  expect(answer.body.details.problems.length).toBeGreaterThanOrEqual(3);
  expect(answer.body.message).toMatch(
    /^entity "Bad Name"\.name must be a name.* definitions\[1\]\.kind must be one of/,
  );
  expect(
    (
      await post('/v1/apply', {
        definitions: [{ kind: 'entity', name: 'user', keys: { id: 'long' } }],
        reason: 'r',
        force: true,
      })
    ).body.applied,
  ).toBe(1);
  expect(platform.calls.at(-1)?.args[1]).toEqual({ reason: 'r', force: true });
});

test('the registry by kind, name and version', async () => {
  expect(
    (await get('/v1/registry/feature-views')).body.map((e: { name: string }) => e.name),
  ).toEqual(['airport_delays', 'gate_use']);
  expect((await get('/v1/registry/entity/airport')).body.definition.keys).toEqual({
    origin: 'string',
  });
  expect((await get('/v1/registry/entity/airport/versions/1')).status).toBe(200);
  expect(await get('/v1/registry/entity/airport/versions/x')).toEqual(
    refused(400, 'MR_PARAMETER_INVALID'),
  );
  expect(await get('/v1/registry/table')).toEqual(
    refused(400, 'MR_PARAMETER_INVALID', expect.stringContaining('feature-view')),
  );
  expect((await get('/v1/search?q=airport')).body).toHaveLength(2);
  expect((await get('/v1/lineage?name=flights')).body.edges).toHaveLength(1);
});

test('data sets: started, followed, fetched, cancelled', async () => {
  const rows = [{ origin: 'ATL', event_timestamp: '2026-01-31T12:00:00Z' }];
  const started = await post('/v1/datasets', { service: 'delay_model', spine: { rows } });
  expect(started.status).toBe(202);
  expect(platform.calls.at(-1)?.args[0]).toEqual({
    target: { service: 'delay_model' },
    spine: { rows },
    mode: 'event-time',
  });
  const { id } = started.body;
  expect((await get(`/v1/datasets/${id}`)).body.state).toBe('done');
  const data = await get(`/v1/datasets/${id}/data`);
  expect(data.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(data.body).toContain('ATL,2026-01-31T12:00:00Z,3');
  expect((await call('DELETE', `/v1/datasets/${id}`)).body.state).toBe('cancelled');
  expect(await get(`/v1/datasets/${id}/data`)).toEqual(
    refused(409, 'MR_REFUSED', expect.stringContaining('cancelled')),
  );
  expect(await post('/v1/datasets', { service: 'a', view: 'b', spine: { rows } })).toEqual(
    refused(400, 'MR_BODY_INVALID'),
  );
  expect(await post('/v1/datasets', { service: 'a', spine: { file: 'relative.csv' } })).toEqual(
    refused(400, 'MR_BODY_INVALID', expect.stringContaining('absolute')),
  );
  const ofView = { view: 'airport_delays', out: '/tmp/x.csv', at: 5 };
  expect((await post('/v1/batch', ofView)).body).toEqual({ rows: 2, out: '/tmp/x.csv' });
  for (const withStatus of [true, false]) {
    await post('/v1/batch', { ...ofView, withStatus });
    expect(platform.calls.at(-1)?.args[0]).toMatchObject({ withStatus });
    await post('/v1/datasets', { service: 'delay_model', spine: { rows }, withStatus });
    expect(platform.calls.at(-1)?.args[0]).toMatchObject({ withStatus });
  }
  expect(await post('/v1/datasets', { service: 'a', spine: { rows }, withStatus: 'some' })).toEqual(
    refused(400, 'MR_BODY_INVALID', expect.stringContaining('withStatus')),
  );
  await post('/v1/datasets', { service: 'delay_model', spine: { rows }, engine: 'flink' });
  expect(platform.calls.at(-1)?.args[0]).toMatchObject({ engine: 'flink' });
  expect(await post('/v1/datasets', { service: 'a', spine: { rows }, engine: 'duckdb' })).toEqual(
    refused(400, 'MR_BODY_INVALID', expect.stringContaining('engine')),
  );
});

test('a rollup names a view, a period and a range', async () => {
  const made = await post('/v1/rollups', {
    view: 'airport_delays',
    every: 'hour',
    from: '2026-01-01T00:00:00Z',
    features: ['departures'],
  });
  expect(made.body).toMatchObject({
    table: 'rollup.airport_delays_v1_hour',
    features: ['departures'],
    rows: 2,
  });
  expect(platform.calls.at(-1)?.args[0]).toEqual({
    view: 'airport_delays',
    every: 'hour',
    from: 1_767_225_600_000,
    features: ['departures'],
  });
  expect((await post('/v1/rollups', { view: 'airport_delays', every: 'week' })).status).toBe(400);
});

test('replays and their actions; a body is optional', async () => {
  expect(
    (
      await post('/v1/replays', {
        view: 'airport_delays',
        from: '2026-01-01T00:00:00Z',
        reason: 'r',
      })
    ).status,
  ).toBe(202);
  expect(platform.calls.at(-1)?.args[0]).toEqual({
    view: 'airport_delays',
    from: 1_767_225_600_000,
    reason: 'r',
  });
  expect((await get('/v1/replays')).body).toHaveLength(1);
  expect((await get('/v1/replays/r1/compare')).body.features[0].differing).toBe(1);
  expect((await post('/v1/replays/r1/promote')).body.state).toBe('promoted');
  expect((await post('/v1/replays/r1/rollback', { reason: 'worse' })).body.state).toBe(
    'rolled-back',
  );
  expect(platform.calls.at(-1)?.args.slice(0, 3)).toEqual(['r1', 'rollback', { reason: 'worse' }]);
});

test('what was served to a request is found by its id', async () => {
  expect((await get('/v1/services/delay_model/served?request=r-1')).body).toEqual([SERVED]);
  expect(await get('/v1/services/delay_model/served?request=r-2')).toEqual(
    refused(404, 'MR_NOT_FOUND'),
  );
  expect(await get('/v1/services/delay_model/served')).toEqual(
    refused(400, 'MR_PARAMETER_INVALID'),
  );
});

test('skew takes times and a number of rows, and refuses others', async () => {
  const { status, body } = await get(
    '/v1/services/delay_model/skew?since=2026-01-31T12:00:00Z&until=1769860800001&sample=5',
  );
  expect([status, body]).toEqual([200, SKEW]);
  expect(platform.calls.at(-1)).toEqual({
    method: 'skew',
    args: [
      {
        service: 'delay_model',
        since: Date.parse('2026-01-31T12:00:00Z'),
        until: 1769860800001,
        sample: 5,
      },
    ],
  });
  for (const wrong of ['sample=0', 'sample=1e9', 'since=yesterday', 'rows=5'])
    expect((await get(`/v1/services/delay_model/skew?${wrong}`)).status, wrong).toBe(400);
  expect(await get('/v1/services/nope/skew')).toEqual(refused(404, 'MR_NOT_FOUND'));
});

test('explain types the entity by its definition', async () => {
  expect(
    (
      await get(
        '/v1/explain?view=gate_use&feature=uses&entity.airport=17&entity.number=17&at=2026-01-31T12:00:00Z',
      )
    ).body.entity,
  ).toEqual({ airport: '17', number: 17 });
  expect(await get('/v1/explain?view=gate_use&feature=uses&entity.number=B')).toEqual(
    refused(400, 'MR_ENTITY_INVALID', expect.stringContaining('whole number')),
  );
  expect(await get('/v1/explain?view=gate_use&feature=uses&entity.gate=1')).toEqual(
    refused(400, 'MR_ENTITY_INVALID', expect.stringContaining('airport, number')),
  );
  expect(await get('/v1/explain?view=gate_use')).toEqual(
    refused(400, 'MR_PARAMETER_INVALID', expect.stringContaining('"feature"')),
  );
});

test('audit, rejected, late, status, freshness', async () => {
  expect(
    (await get('/v1/audit?since=2026-01-01T00:00:00Z&actor=ann&limit=5')).body.next,
  ).toBeNull();
  expect(platform.calls.at(-1)?.args[0]).toEqual({
    since: 1_767_225_600_000,
    actor: 'ann',
    limit: 5,
  });
  expect(await get('/v1/audit?lmit=5')).toEqual(
    refused(400, 'MR_PARAMETER_INVALID', expect.stringContaining('"lmit"')),
  );
  expect((await get('/v1/audit/verify')).body.ok).toBe(true);
  expect((await get('/v1/rejected/flights?limit=1')).body.total).toBe(1);
  expect(
    (
      await post('/v1/rejected/flights/resend', {
        positions: ['rejected.flights@0:0'],
        events: [{ origin: 'A' }],
      })
    ).body.accepted,
  ).toBe(1);
  expect(await post('/v1/rejected/flights/resend', { positions: ['a'], events: [] })).toEqual(
    refused(400, 'MR_BODY_INVALID'),
  );
  expect((await get('/v1/late/airport_delays')).body.total).toBe(1);
  expect((await get('/v1/status')).body.views).toHaveLength(1);
  expect((await get('/v1/freshness')).body[0].fresh).toBe(true);
});

test('health, readiness, metrics', async () => {
  expect((await get('/healthz')).body).toEqual({ status: 'ok' });
  expect((await get('/readyz')).status).toBe(200);
  platform.isReady = false;
  expect(await get('/readyz')).toEqual(refused(503, 'MR_UNAVAILABLE'));
  expect((await get('/metrics')).headers.get('content-type')).toContain('text/plain');
});

test('a path that is not served says what is', async () => {
  expect(await get('/v1/features')).toEqual(
    refused(404, 'MR_ROUTE_NOT_FOUND', expect.stringContaining('this path has POST')),
  );
  expect(await get('/nope')).toEqual(refused(404, 'MR_ROUTE_NOT_FOUND'));
  expect(await get('/v1/%zz')).toEqual(refused(404, 'MR_ROUTE_NOT_FOUND'));
});

test('what is not HTTP is answered in our form', async () => {
  const { port, hostname } = new URL(gateway.url);
  const answer = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write('NONSENSE\r\n\r\n'));
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('close', () => resolve(text));
  });
  expect(answer).toContain('HTTP/1.1 400');
  expect(answer).toContain('MR_BODY_INVALID');
});

test('pages from elsewhere may not call', async () => {
  expect(
    await post('/v1/replays/r1/promote', undefined, { origin: 'http://evil.example' }),
  ).toEqual(refused(403, 'MR_ORIGIN_REFUSED'));
  expect((await post('/v1/replays/r1/promote', undefined, { origin: gateway.url })).status).toBe(
    200,
  );
});

test('request ids are given or taken over', async () => {
  expect((await get('/healthz')).headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-\d+$/);
  expect(
    (await call('GET', '/healthz', undefined, { 'x-request-id': 'mine-1' })).headers.get(
      'x-request-id',
    ),
  ).toBe('mine-1');
});

test('OpenAPI has every request of the interface, with the form of its answer', async () => {
  const { paths } = (await get('/docs/json')).body;
  const wanted = {
    '/v1/sources/{source}/events': 'post',
    '/v1/sources/{source}/producers/{id}': 'get',
    '/v1/features': 'post',
    '/v1/commands': 'post',
    '/v1/plan': 'post',
    '/v1/apply': 'post',
    '/v1/batch': 'post',
    '/v1/rollups': 'post',
    '/v1/registry': 'get',
    '/v1/registry/{kind}': 'get',
    '/v1/registry/{kind}/{name}': 'get',
    '/v1/registry/{kind}/{name}/versions/{n}': 'get',
    '/v1/search': 'get',
    '/v1/datasets': 'post',
    '/v1/datasets/{id}': 'delete',
    '/v1/replays': 'post',
    '/v1/replays/{id}/compare': 'get',
    '/v1/replays/{id}/promote': 'post',
    '/v1/explain': 'get',
    '/v1/services/{service}/served': 'get',
    '/v1/services/{service}/skew': 'get',
    '/v1/audit': 'get',
    '/v1/audit/verify': 'get',
    '/v1/lineage': 'get',
    '/v1/freshness': 'get',
    '/v1/rejected/{source}': 'get',
    '/v1/rejected/{source}/resend': 'post',
    '/v1/late/{view}': 'get',
    '/v1/status': 'get',
  };
  for (const [path, method] of Object.entries(wanted)) {
    const { responses } = paths[path]?.[method] ?? { responses: {} };
    const [answer] = Object.keys(responses).filter((status) => status.startsWith('2'));
    expect(
      responses[answer ?? '']?.content?.['application/json']?.schema,
      `${method} ${path}`,
    ).toBeDefined();
  }
  expect((await get('/docs/')).status).toBe(200);
});

test('closing lets requests in flight end, and refuses new ones', async () => {
  let release = (): void => undefined;
  platform.hold = new Promise((resolve) => {
    release = resolve;
  });
  const { port, hostname } = new URL(gateway.url);
  const body = JSON.stringify({ service: 'delay_model', entities: [{ origin: 'A' }] });
  const head = `POST /v1/features HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const answers = new Promise<string>((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(head + body));
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('close', () => resolve(text));
    const closeInFlight = (): void => {
      if (!platform.calls.some(({ method }) => method === 'read')) {
        setTimeout(closeInFlight, 5);
        return;
      }
      void gateway.close();
      // on the connection that is still open, behind the one in flight
      socket.write('GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n');
      setTimeout(release, 50);
    };
    closeInFlight();
  });
  const text = await answers;
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 503']);
  expect(text).toContain('MR_UNAVAILABLE');
  await expect(fetch(`${gateway.url}/healthz`)).rejects.toThrow();
});

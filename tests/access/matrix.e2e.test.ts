/**
 * Every HTTP route and every gRPC call of a running platform, with every role. The required role of
 * each is written here a second time, by hand. A route or call that is missing here fails the test,
 * and so does one that answers a role it should not.
 */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  credentials,
  type Client as GrpcClient,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACTIONS, type Action, ROLES, type Role } from '#domain/authorization/grants.ts';
import type { GrpcContext } from '#gateways/grpc/service-module.ts';
import { structOf } from '#gateways/grpc/struct.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { isOpenRoute } from '#gateways/http/authenticate.ts';
import { charge, DEFINITIONS, type Guarded, guarded } from './support/fixture.ts';

let on: Guarded;
const keys = new Map<Role, string>();
let stranger: string;
let dataset: string;
let replay: string;
let rejected: string;

beforeAll(async () => {
  on = await guarded({ failuresAtOnce: 10_000 });
  for (const role of ROLES) keys.set(role, (await on.key([`${role}@*`])).header);
  stranger = (await on.key(['admin@elsewhere'])).header;
  const founder = { actor: 'founder' };
  await on.platform.publishing.publish(
    { source: 'charges', events: [charge('e1'), { id: 'bad' }] },
    founder,
  );
  replay = (await on.platform.replays.start({ view: 'spending' }, founder)).id;
  rejected = (await on.platform.publishing.rejected('charges', {})).records[0]?.position as string;
  const admin = keys.get('admin') as string;
  const spine = { rows: [{ card: 'c1', event_timestamp: Date.now() }] };
  const started = await on.call('POST', '/v1/datasets', admin, {
    view: 'spending',
    spine,
    name: 'kept',
  });
  dataset = (started.body as { id: string }).id;
});
afterAll(() => on?.dispose());

interface Sample {
  /** all features of the view */
  readonly needs: readonly Action[];
  readonly path?: () => string;
  readonly body?: () => unknown;
}

const entities = { card: ['c1'] };
const frame = (id: string) => ({ id: [id], card: ['c1'], at: [Date.now() / 1000], amount: [1] });
const spine = () => ({ rows: [{ card: 'c1', event_timestamp: Date.now() }] });

const ROUTES: Readonly<Record<string, Sample>> = {
  'POST /v1/sources/:source/events': {
    needs: ['publish'],
    path: () => '/v1/sources/charges/events',
    body: () => ({ events: [charge('e2')] }),
  },
  'GET /v1/sources/:source/events': {
    needs: ['operate'],
    path: () => '/v1/sources/charges/events',
  },
  'GET /v1/sources/:source/producers/:id': {
    needs: ['publish'],
    path: () => '/v1/sources/charges/producers/p',
  },
  'POST /v1/sources/:source/snapshots': {
    needs: ['publish'],
    path: () => `/v1/sources/charges/snapshots?time=${Date.now()}`,
    body: () => ({ events: [{ card: 'c1' }] }),
  },
  'GET /v1/sources/:source/snapshots': {
    needs: ['publish'],
    path: () => '/v1/sources/charges/snapshots',
  },
  'POST /v1/sources/:source/history': {
    needs: ['operate'],
    path: () => '/v1/sources/charges/history',
    body: () => ({ events: [charge('e3')] }),
  },
  'GET /v1/sources/:source/history/:id': {
    needs: ['operate'],
    path: () => '/v1/sources/charges/history/p',
  },
  'POST /v1/features': {
    needs: ['read'],
    body: () => ({ service: 'scoring', entities: [{ card: 'c1' }], request: [{ by: 2 }] }),
  },
  'POST /v1/commands': {
    needs: ['define', 'use'],
    body: () => ({ type: 'RegisterFeatureView', data: DEFINITIONS[2] }),
  },
  'POST /v1/plan': { needs: ['define', 'use'], body: () => ({ definitions: DEFINITIONS }) },
  'POST /v1/apply': { needs: ['define', 'use'], body: () => ({ definitions: DEFINITIONS }) },
  'GET /v1/registry': { needs: ['catalog'] },
  'GET /v1/registry/:kind': { needs: ['catalog'], path: () => '/v1/registry/source' },
  'GET /v1/registry/:kind/:name': { needs: ['catalog'], path: () => '/v1/registry/source/charges' },
  'GET /v1/registry/:kind/:name/versions/:n': {
    needs: ['catalog'],
    path: () => '/v1/registry/source/charges/versions/1',
  },
  'GET /v1/search': { needs: ['catalog'], path: () => '/v1/search?q=charges' },
  'GET /v1/lineage': { needs: ['catalog'], path: () => '/v1/lineage?name=spending' },
  'GET /v1/lineage/events': { needs: ['catalog'] },
  'POST /v1/datasets': { needs: ['read'], body: () => ({ service: 'scoring', spine: spine() }) },
  'GET /v1/datasets': { needs: ['read'] },
  // An admin created it.
  'GET /v1/datasets/:id': { needs: ['read', 'keys'], path: () => `/v1/datasets/${dataset}` },
  'GET /v1/datasets/:id/data': {
    needs: ['read', 'keys'],
    path: () => `/v1/datasets/${dataset}/data`,
  },
  'GET /v1/datasets/:id/manifest': { needs: ['read'], path: () => '/v1/datasets/kept/manifest' },
  'GET /v1/datasets/:id/diff': {
    needs: ['read'],
    path: () => '/v1/datasets/kept/diff?with=kept@1',
  },
  'GET /v1/datasets/:id/diff/rows': {
    needs: ['read', 'keys'],
    path: () => '/v1/datasets/kept/diff/rows?with=kept@1',
  },
  'POST /v1/datasets/:id/rerun': {
    needs: ['read'],
    path: () => '/v1/datasets/kept/rerun',
    body: () => ({ spine: spine() }),
  },
  'DELETE /v1/datasets/:id': { needs: ['read', 'keys'], path: () => `/v1/datasets/${dataset}` },
  'POST /v1/batch': {
    needs: ['read', 'files'],
    body: () => ({ view: 'spending', out: join(tmpdir(), `access-${process.pid}.csv`) }),
  },
  'POST /v1/sql': { needs: ['operate'], body: () => ({ sql: 'SELECT count(*) FROM raw_charges' }) },
  'GET /v1/sql/tables': { needs: ['catalog'] },
  'POST /v1/rollups': { needs: ['operate'], body: () => ({ view: 'spending' }) },
  'POST /v1/replays': { needs: ['operate'], body: () => ({ view: 'spending' }) },
  'GET /v1/replays': { needs: ['operate'] },
  'GET /v1/replays/:id': { needs: ['operate'], path: () => `/v1/replays/${replay}` },
  'GET /v1/replays/:id/compare': {
    needs: ['operate'],
    path: () => `/v1/replays/${replay}/compare`,
  },
  'POST /v1/replays/:id/promote': {
    needs: ['operate'],
    path: () => `/v1/replays/${replay}/promote`,
  },
  'POST /v1/replays/:id/abandon': {
    needs: ['operate'],
    path: () => `/v1/replays/${replay}/abandon`,
  },
  'POST /v1/replays/:id/rollback': {
    needs: ['operate'],
    path: () => `/v1/replays/${replay}/rollback`,
  },
  'POST /v1/replays/:id/retire': { needs: ['operate'], path: () => `/v1/replays/${replay}/retire` },
  'GET /v1/explain': {
    needs: ['explain'],
    path: () => '/v1/explain?view=spending&feature=spent&entity.card=c1',
  },
  'GET /v1/services/:service/served': {
    needs: ['explain'],
    path: () => '/v1/services/scoring/served?request=r',
  },
  'GET /v1/services/:service/skew': { needs: ['read'], path: () => '/v1/services/scoring/skew' },
  'GET /v1/audit': { needs: ['audit'] },
  'GET /v1/audit/verify': { needs: ['audit'] },
  'GET /v1/audit/head': { needs: ['audit'] },
  'GET /v1/audit/public-key': { needs: ['audit'] },
  'POST /v1/keys': { needs: ['keys'], body: () => ({ name: 'x', grants: ['reader@payments'] }) },
  'GET /v1/keys': { needs: ['keys'] },
  'POST /v1/keys/:id/revoke': {
    needs: ['keys'],
    path: () => '/v1/keys/000000000000/revoke',
    body: () => ({}),
  },
  'GET /v1/approvals': { needs: ['approvals'] },
  'POST /v1/approvals/require': {
    needs: ['protect'],
    body: () => ({ namespace: 'payments', for: ['promotions'] }),
  },
  'GET /v1/approvals/:id': { needs: ['approvals'], path: () => '/v1/approvals/000000000000' },
  'POST /v1/approvals/:id/approve': {
    needs: ['approvals'],
    path: () => '/v1/approvals/000000000000/approve',
  },
  'POST /v1/approvals/:id/refuse': {
    needs: ['approvals'],
    path: () => '/v1/approvals/000000000000/refuse',
    body: () => ({ reason: 'no' }),
  },
  // No erasure begins: there is no such entity.
  'POST /v1/erasures': {
    needs: ['erase'],
    body: () => ({ entity: { nobody: 'x' }, reason: 'request 77' }),
  },
  'GET /v1/erasures': { needs: ['erase'] },
  'GET /v1/erasures/:id': { needs: ['erase'], path: () => '/v1/erasures/ab12-1' },
  'GET /v1/erasures/:id/certificate': {
    needs: ['erase'],
    path: () => '/v1/erasures/ab12-1/certificate',
  },
  'GET /v1/rejected/:source': { needs: ['operate'], path: () => '/v1/rejected/charges' },
  'POST /v1/rejected/:source/resend': {
    needs: ['operate'],
    path: () => '/v1/rejected/charges/resend',
    body: () => ({ positions: [rejected], events: [charge('corrected')] }),
  },
  'GET /v1/late/:view': { needs: ['operate'], path: () => '/v1/late/spending' },
  'GET /v1/status': { needs: ['operate'] },
  'GET /v1/freshness': { needs: ['catalog'] },
  'GET /metrics': { needs: ['operate'] },
  // Whoever may see a table finds it; for all others there is none (404). Tables are not written
  // here yet.
  'GET /iceberg/v1/config': { needs: ['catalog'] },
  'GET /iceberg/v1/namespaces': { needs: ['catalog'] },
  'GET /iceberg/v1/namespaces/:namespace': {
    needs: ['catalog'],
    path: () => '/iceberg/v1/namespaces/raw',
  },
  'GET /iceberg/v1/namespaces/:namespace/tables': {
    needs: ['catalog'],
    path: () => '/iceberg/v1/namespaces/raw/tables',
  },
  'GET /iceberg/v1/namespaces/:namespace/views': {
    needs: ['catalog'],
    path: () => '/iceberg/v1/namespaces/raw/views',
  },
  'GET /iceberg/v1/namespaces/:namespace/tables/:table': {
    needs: ['catalog'],
    path: () => '/iceberg/v1/namespaces/raw/tables/charges',
  },
  'POST /iceberg/v1/namespaces/:namespace/tables/:table/metrics': {
    needs: ['catalog'],
    path: () => '/iceberg/v1/namespaces/raw/tables/charges/metrics',
    body: () => ({ 'report-type': 'scan-report' }),
  },
  // The rights of each tool: tests/mcp/rights.
  'POST /mcp': { needs: ['catalog'], body: () => ({ jsonrpc: '2.0', id: 1, method: 'ping' }) },
  'POST /get-online-features': {
    needs: ['read'],
    body: () => ({ entities, features: ['spending:spent'] }),
  },
  'POST /push': {
    needs: ['publish'],
    body: () => ({ push_source_name: 'charges', df: frame('f1') }),
  },
  'POST /write-to-online-store': {
    needs: ['publish'],
    body: () => ({ feature_view_name: 'spending', df: frame('f2') }),
  },
  'POST /materialize': { needs: ['catalog'], body: () => ({ feature_views: ['spending'] }) },
  'POST /materialize-incremental': {
    needs: ['catalog'],
    body: () => ({ feature_views: ['spending'] }),
  },
};

const mayAll = (role: Role, needs: readonly Action[]): boolean =>
  role === 'admin' ||
  needs.every((action) => (ACTIONS[action].roles as readonly Role[]).includes(role));

test('every route is listed here or open, and the open ones are probes and pages about the server', () => {
  const closed = on.http.routes.filter(
    (route) => !isOpenRoute(route.slice(route.indexOf(' ') + 1)),
  );
  expect([...closed].sort()).toEqual(Object.keys(ROUTES).sort());
  const open = on.http.routes.filter((route) => isOpenRoute(route.slice(route.indexOf(' ') + 1)));
  expect(open.filter((route) => !route.includes(' /docs')).sort()).toEqual([
    'GET /health',
    'GET /healthz',
    'GET /readyz',
  ]);
});

describe.each(Object.entries(ROUTES))('%s', (route, { needs, path, body }) => {
  const [method, pattern] = route.split(' ') as [string, string];
  const ask = (key: string | null) => on.call(method, path?.() ?? pattern, key, body?.());

  test('refuses a caller without a key', async () => {
    const { status: code, body: refused, headers } = await ask(null);
    expect([code, route.includes(' /v1/') ? refused.code : 'MR_UNAUTHENTICATED']).toEqual([
      401,
      'MR_UNAUTHENTICATED',
    ]);
    expect(headers.get('www-authenticate')).toBe('Bearer');
    expect((await ask(`Bearer mr_${'0'.repeat(12)}_${'A'.repeat(43)}`)).status).toBe(401);
  });

  test('answers the roles of the table, and no other', async () => {
    for (const role of ROLES) {
      const { status: code } = await ask(keys.get(role) as string);
      expect({ role, let: code !== 403 && code !== 401 }).toEqual({
        role,
        let: mayAll(role, needs),
      });
      expect(code, `${role} gets no internal error`).toBeLessThan(500);
    }
  });

  test('refuses an admin of another namespace, and shows nothing', async () => {
    const { status: code, body: answer } = await ask(stranger);
    // Lists are answered, but are empty, or hold only what belongs to no namespace.
    const lists = [
      '/v1/registry',
      '/v1/registry/:kind',
      '/v1/search',
      '/v1/replays',
      '/v1/datasets',
      '/v1/sql/tables',
      '/v1/status',
      '/v1/freshness',
      '/v1/audit',
      '/v1/keys',
      '/v1/approvals',
      '/iceberg/v1/config',
      '/iceberg/v1/namespaces',
      '/iceberg/v1/namespaces/:namespace',
      '/iceberg/v1/namespaces/:namespace/tables',
      '/iceberg/v1/namespaces/:namespace/views',
    ];
    if (method === 'GET' && lists.includes(pattern)) {
      expect(code).toBe(200);
      expect(JSON.stringify(answer)).not.toMatch(/charges|spending|card|payments/);
    } else if (
      !pattern.startsWith('/v1/audit/') &&
      pattern !== '/v1/keys/:id/revoke' &&
      pattern !== '/mcp'
    ) {
      // What is looked up does not exist for a caller who may not see it. (Feast's routes answer
      // 422 for a source that does not exist.)
      const lookedUp =
        /^\/(v1\/(registry\/:kind\/|lineage$|datasets\/:id|replays\/:id|approvals\/:id|explain)|push|write|mat|iceberg)/;
      expect(code === 422 ? 404 : code).toBe(lookedUp.test(pattern) ? 404 : 403);
    }
  });
});

const CALLS: Readonly<Record<string, Sample | 'open'>> = {
  '/millrace.v1.Features/Read': {
    needs: ['read'],
    body: () => ({ features: ['spending:spent'], entities: [structOf({ card: 'c1' })] }),
  },
  '/millrace.v1.Features/ReadStream': {
    needs: ['read'],
    body: () => ({ features: ['spending:spent'], entities: [structOf({ card: 'c1' })] }),
  },
  '/millrace.v1.Events/Publish': {
    needs: ['publish'],
    body: () => ({ source: 'charges', events: [structOf(charge('g1'))] }),
  },
  '/millrace.v1.Events/PublishStream': {
    needs: ['publish'],
    body: () => ({ source: 'charges', events: [structOf(charge('g2'))] }),
  },
  '/millrace.v1.Events/ProducerSequence': {
    needs: ['publish'],
    body: () => ({ source: 'charges', producer: 'p' }),
  },
  '/feast.serving.ServingService/GetFeastServingInfo': 'open',
  '/feast.serving.ServingService/GetOnlineFeatures': {
    needs: ['read'],
    body: () => ({
      features: { val: ['spending:spent'] },
      entities: { card: { val: [{ stringVal: 'c1' }] } },
    }),
  },
  '/GrpcFeatureServer/GetOnlineFeatures': {
    needs: ['read'],
    body: () => ({
      features: { val: ['spending:spent'] },
      entities: { card: { val: [{ stringVal: 'c1' }] } },
    }),
  },
  '/GrpcFeatureServer/Push': {
    needs: ['publish'],
    body: () => ({
      streamFeatureView: 'charges',
      features: { id: 'g3', card: 'c1', at: new Date().toISOString(), amount: '1' },
    }),
  },
  '/GrpcFeatureServer/WriteToOnlineStore': {
    needs: ['publish'],
    body: () => ({
      featureViewName: 'spending',
      features: { id: 'g4', card: 'c1', at: new Date().toISOString(), amount: '1' },
    }),
  },
};

test('every gRPC call is listed here', () => {
  expect([...on.grpc.calls].sort()).toEqual(Object.keys(CALLS).sort());
});

describe.each(Object.entries(CALLS))('%s', (path, sample) => {
  const services = grpcModules().flatMap((module) =>
    module.services({ platform: null, limits: null } as unknown as GrpcContext),
  );
  const definition = services
    .map((service) => service.definition)
    .find((one) => Object.values(one).some((m) => m.path === path));
  const [name, method] = Object.entries(definition ?? {}).find(([, m]) => m.path === path) as [
    string,
    { readonly requestStream: boolean },
  ];

  /** The status of the refusal; OK if it was answered. */
  const ask = async (key: string | null): Promise<status> => {
    const client = new (makeGenericClientConstructor(definition ?? {}, 'x'))(
      on.grpc.address,
      credentials.createInsecure(),
    );
    const metadata = new Metadata();
    if (key !== null) metadata.set('authorization', key);
    const body = sample === 'open' ? {} : sample.body?.();
    try {
      if (method.requestStream) return await streamed(client, name, body, metadata);
      return await new Promise((resolve) => {
        const callable = client as unknown as Record<string, (...args: unknown[]) => void>;
        callable[name]?.(body, metadata, (error: ServiceError | null) =>
          resolve(error?.code ?? status.OK),
        );
      });
    } finally {
      client.close();
    }
  };

  test('refuses a caller without a key, and answers the roles of the table', async () => {
    if (sample === 'open') return expect(await ask(null)).toBe(status.OK);
    expect(await ask(null)).toBe(status.UNAUTHENTICATED);
    const lookedUp = /FeatureServer\/(Push|Write)/.test(path);
    expect(await ask(stranger)).toBe(lookedUp ? status.NOT_FOUND : status.PERMISSION_DENIED);
    for (const role of ROLES) {
      const expected = mayAll(role, sample.needs) ? status.OK : status.PERMISSION_DENIED;
      expect({ role, code: await ask(keys.get(role) as string) }).toEqual({ role, code: expected });
    }
  });
});

/** In a stream a refusal is a message. */
const streamed = (
  client: GrpcClient,
  name: string,
  body: unknown,
  metadata: Metadata,
): Promise<status> =>
  new Promise((resolve, reject) => {
    const callable = client as unknown as Record<
      string,
      (metadata: Metadata) => import('@grpc/grpc-js').ClientDuplexStream<unknown, unknown>
    >;
    const stream = callable[name]?.(metadata);
    if (stream === undefined) return reject(new Error(name));
    stream.on('data', (answer: { readonly error?: { readonly code: string } | null }) => {
      const code = answer.error?.code ?? '';
      resolve(
        code === 'MR_UNAUTHENTICATED'
          ? status.UNAUTHENTICATED
          : code === 'MR_FORBIDDEN'
            ? status.PERMISSION_DENIED
            : status.OK,
      );
    });
    stream.on('error', reject);
    stream.write(body);
    stream.end();
  });

test('the guide’s table of roles is the table of this test', () => {
  const guide = readFileSync(new URL('../../docs/guides/security.md', import.meta.url), 'utf8');
  const rows = [...guide.matchAll(/^\| `([a-z]+)` \| ([^|]+) \|((?: [✓·] \|){7})$/gm)].map(
    ([, action, says, marks]) => [
      action,
      says,
      (marks as string)
        .split('|')
        .slice(0, -1)
        .map((mark) => mark.trim() === '✓'),
    ],
  );
  const expected = Object.entries(ACTIONS).map(([action, { roles, says }]) => [
    action,
    says,
    ROLES.map((role) => role === 'admin' || (roles as readonly Role[]).includes(role)),
  ]);
  expect(rows).toEqual(expected);
});

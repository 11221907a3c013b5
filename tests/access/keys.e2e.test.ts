/**
 * API keys for those who create and use them: creation, the secret shown once, authentication,
 * revocation, expiry, and the isolation of namespaces.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, Metadata, makeGenericClientConstructor } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { hashOf } from '#application/authorization/secret-hash.ts';
import type { Caller } from '#domain/api/caller.ts';
import type { FeaturesClient } from '#gateways/grpc/generated/millrace/v1/Features.ts';
import type { ReadResponse__Output } from '#gateways/grpc/generated/millrace/v1/ReadResponse.ts';
import { nativeProtos } from '#gateways/grpc/native-protos.ts';
import { serviceOf } from '#gateways/grpc/protos.ts';
import { structOf } from '#gateways/grpc/struct.ts';
import { plain } from '#tests/support/platform.ts';
import {
  charge,
  charges,
  DEFINITIONS,
  founder,
  type Guarded,
  guarded,
  spending,
} from './support/fixture.ts';

let on: Guarded;
afterEach(() => on?.dispose());

const ROW = { features: ['spending:spent'], entities: [{ card: 'c1' }] };
const read = (key: string | null, body: object = ROW) => on.call('POST', '/v1/features', key, body);
const code = (answer: { readonly body: { readonly code?: string } }): string | undefined =>
  answer.body.code;

test('callers are not authenticated until the first key exists; the first key must be able to create others; from then on every caller is authenticated', async () => {
  on = await guarded({ authentication: 'auto' });
  expect(on.access.authenticationRequired()).toBe(false);
  expect((await read(null)).status).toBe(200);
  const make = (body: object, key: string | null = null) => on.call('POST', '/v1/keys', key, body);
  expect(code(await make({ name: 'ann', grants: ['reader@*'] }))).toBe('MR_REFUSED');
  expect(code(await make({ name: 'ann', grants: ['admin@payments'] }))).toBe('MR_REFUSED');
  expect(
    code(await make({ name: 'ann', grants: ['admin@*'], expiresAt: Date.now() + 60_000 })),
  ).toBe('MR_REFUSED');
  expect((await read(null)).status, 'after a refusal, callers are still not authenticated').toBe(
    200,
  );
  const made = await make({ name: 'ann', grants: ['admin@*'] });
  expect(made.status).toBe(201);
  expect(made.headers.get('cache-control')).toBe('no-store');
  const { id, key } = made.body as { id: string; key: string };
  expect(key).toMatch(/^mr_[0-9a-f]{12}_[\w-]{43}$/);

  expect(code(await read(null))).toBe('MR_UNAUTHENTICATED');
  expect((await read(`Bearer ${key}`)).status).toBe(200);
  expect((await read(`bearer ${key}`)).status, 'the scheme is case-insensitive').toBe(200);
  for (const wrong of [
    key,
    `Basic ${key}`,
    `Bearer ${key}x`,
    `Bearer ${key.slice(0, -1)}_`,
    `Bearer mr_${id}_${'A'.repeat(43)}`,
    'Bearer',
  ])
    expect(code(await read(wrong)), wrong).toBe('MR_UNAUTHENTICATED');

  expect(
    code(await on.call('POST', `/v1/keys/${id}/revoke`, `Bearer ${key}`, {})),
    'the last that makes keys',
  ).toBe('MR_REFUSED');
  const second = (await make({ name: 'ann', grants: ['admin@*'] }, `Bearer ${key}`)).body as {
    id: string;
    key: string;
  };
  expect((await on.call('POST', `/v1/keys/${id}/revoke`, `Bearer ${second.key}`, {})).status).toBe(
    200,
  );
  expect(code(await read(`Bearer ${key}`))).toBe('MR_UNAUTHENTICATED');
  expect((await read(`Bearer ${second.key}`)).status).toBe(200);
});

test('keys and required authentication survive a restart; --access open turns authentication off again', async () => {
  on = await guarded({ authentication: 'auto' });
  const { header, id } = await on.key(['admin@*']);
  const platform = await on.test.restart();
  const again = platform.access({ authentication: 'auto' });
  expect(again.authenticationRequired()).toBe(true);
  expect(await again.authenticate({ authorization: header, address: undefined })).toMatchObject({
    id: `access-key/${id}`,
  });
  const open = platform.access({ authentication: 'off' });
  expect(open.authenticationRequired()).toBe(false);
  const anyone: Caller = {
    actor: 'operator',
    principal: await open.authenticate({ authorization: undefined, address: undefined }),
  };
  await open.platform.keys.create({ name: 'ann', grants: ['admin@*'] }, anyone);
  await open.platform.keys.revoke(id, {}, anyone);
});

test('the secret appears only in the answer; the event has its hash, and the command has neither', async () => {
  on = await guarded();
  const { header } = await on.key(['admin@*']);
  const wish = {
    name: 'trainer',
    grants: ['reader@payments'],
    limits: { rowsPerDay: 9 },
    reason: 'for the nightly run',
  };
  const { id, key } = (await on.call('POST', '/v1/keys', header, wish)).body as {
    id: string;
    key: string;
  };
  const [, , secret] = key.split(/_(?=.{43}$)|^mr_/) as [string, string, string];
  const audit = await on.call('GET', `/v1/audit?subject=access-key/${id}`, header);
  const [record] = (audit.body as { records: Record<string, unknown>[] }).records;
  expect(record).toMatchObject({
    actor: 'somebody',
    command: 'CreateKey',
    outcome: 'accepted',
    reason: 'for the nightly run',
  });
  expect(record?.events).toMatchObject([
    {
      type: 'KeyCreated',
      data: {
        name: 'trainer',
        grants: ['reader@payments'],
        limits: { rowsPerDay: 9 },
        hash: hashOf(secret),
      },
    },
  ]);
  await on.call('GET', '/v1/keys', `Bearer ${key}`);
  await on.access.close();
  const listed = JSON.stringify((await on.call('GET', '/v1/keys', header)).body);
  expect(listed).toContain(id);
  expect(listed).not.toContain(hashOf(secret));
  const files = readdirSync(on.test.directory, { recursive: true, withFileTypes: true }).filter(
    (file) => file.isFile(),
  );
  const bytes = Buffer.concat(files.map((file) => readFileSync(join(file.parentPath, file.name))));
  expect(bytes.includes(secret)).toBe(false);
  const hash = Buffer.from(hashOf(secret));
  const at = bytes.indexOf(hash);
  expect(at).toBeGreaterThan(0);
  const command = bytes.subarray(0, at).lastIndexOf('"command":{');
  expect(
    bytes.subarray(command, at).toString('latin1'),
    'the hash is past the command, in its events',
  ).toContain('"events":[');
});

test('a key expires at its time, and an invalid request for a key is refused with the reason', async () => {
  on = await guarded();
  const { header: admin } = await on.key(['admin@*']);
  const soon = (await on.key(['reader@*'], { expiresAt: Date.now() + 400 })).header;
  expect((await read(soon)).status).toBe(200);
  await expect
    .poll(async () => code(await read(soon)), { timeout: 5_000 })
    .toBe('MR_UNAUTHENTICATED');
  const ask = async (body: object) =>
    (await on.call('POST', '/v1/keys', admin, { name: 'x', grants: ['reader@a'], ...body })).body;
  expect(await ask({ grants: [] })).toMatchObject({ code: 'MR_BODY_INVALID' });
  expect(await ask({ grants: ['root@*'] })).toMatchObject({
    code: 'MR_BODY_INVALID',
    message: expect.stringContaining('auditor'),
  });
  expect(await ask({ name: 'millrace' })).toMatchObject({ code: 'MR_BODY_INVALID' });
  expect(await ask({ name: 'Ann Lee' })).toMatchObject({ code: 'MR_BODY_INVALID' });
  expect(await ask({ limits: { rowsPerDay: 0 } })).toMatchObject({
    code: 'MR_BODY_INVALID',
    message: expect.stringContaining('rowsPerDay'),
  });
  expect(await ask({ limits: { burst: 3 } })).toMatchObject({ code: 'MR_BODY_INVALID' });
  expect(await ask({ expiresAt: '2020-01-01T00:00:00Z' })).toMatchObject({
    code: 'MR_BODY_INVALID',
  });
  expect((await on.call('POST', '/v1/keys/abc/revoke', admin, {})).status).toBe(404);
});

test('admins of a namespace create and revoke keys of that namespace, and of no other', async () => {
  on = await guarded();
  const { header } = await on.key(['admin@payments']);
  const foreign = await on.key(['reader@fraud']);
  const both = await on.key(['reader@fraud', 'reader@payments']);
  const make = async (grants: readonly string[]) =>
    (await on.call('POST', '/v1/keys', header, { name: 'x', grants })).status;
  expect(await make(['reader@payments'])).toBe(201);
  expect(await make(['reader@payments', 'reader@fraud'])).toBe(403);
  expect(await make(['admin@*'])).toBe(403);
  for (const { id } of [foreign, both])
    expect((await on.call('POST', `/v1/keys/${id}/revoke`, header, {})).status).toBe(403);
  const seen = (await on.call('GET', '/v1/keys', header)).body as unknown as {
    id: string;
    name: string;
  }[];
  expect(seen.map(({ name }) => name).sort()).toEqual(['somebody', 'x']);
});

test('the admin key of the process is an admin of every namespace, and is not in the registry', async () => {
  on = await guarded({ authentication: 'auto', adminKey: 'a'.repeat(40) });
  expect(on.access.authenticationRequired()).toBe(true);
  expect(code(await read(null))).toBe('MR_UNAUTHENTICATED');
  expect(code(await read(`Bearer ${'a'.repeat(39)}b`))).toBe('MR_UNAUTHENTICATED');
  const header = `Bearer ${'a'.repeat(40)}`;
  const { id } = (await on.call('POST', '/v1/keys', header, { name: 'x', grants: ['admin@*'] }))
    .body as { id: string };
  expect(
    (await on.call('POST', `/v1/keys/${id}/revoke`, header, {})).status,
    'it can make others',
  ).toBe(200);
  expect((await on.call('GET', '/v1/keys', header)).body).toMatchObject([
    { createdBy: 'admin-key', revokedBy: 'admin-key' },
  ]);
});

test('the name of a key is the actor, whatever the header says', async () => {
  on = await guarded();
  const { header } = await on.key(['author@payments'], { name: 'ann' });
  const { header: admin } = await on.key(['auditor@*']);
  const renamed = { ...DEFINITIONS[0], owner: 'ann' };
  await fetch(`${on.http.url}/v1/apply`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: header,
      'x-millrace-actor': 'the king',
    },
    body: JSON.stringify({ definitions: [renamed] }),
  });
  const { records } = (await on.call('GET', '/v1/audit?subject=entity/card', admin))
    .body as unknown as {
    records: { actor: string }[];
  };
  expect(records.map(({ actor }) => actor)).toEqual(['founder', 'ann']);
});

test('a read is answered only where the key may read every requested feature', async () => {
  on = await guarded();
  const fraud = (await on.key(['reader@fraud'])).header;
  const both = (await on.key(['reader@fraud', 'reader@payments'])).header;
  const ofService = { service: 'mixed', entities: [{ card: 'c1' }] };
  const suspicion = { features: ['suspicion:seen'], entities: [{ card: 'c1' }] };
  expect((await read(fraud, suspicion)).status).toBe(200);
  expect((await read(fraud, { ...suspicion, features: ['suspicion@v1:seen'] })).status).toBe(200);
  for (const body of [
    ofService,
    ROW,
    { ...ROW, features: ['spending@v1:spent'] },
    { ...ROW, features: ['suspicion:seen', 'spending:spent'] },
    { ...ROW, features: ['doubled'], request: [{ by: 1 }] },
    // The view is in namespace fraud, and shows features of payments.
    { ...ROW, features: ['hinted'] },
  ])
    expect(code(await read(fraud, body)), JSON.stringify(body)).toBe('MR_FORBIDDEN');
  expect((await read(fraud, ofService)).body).toMatchObject({
    message: expect.stringContaining(
      'feature-view/spending: it is not registered, or is in a namespace that this caller may not see',
    ),
  });
  expect((await read(both, ofService)).status).toBe(200);
  expect(
    code(await read(fraud, { ...ROW, features: ['nothing:x'] })),
    'a missing view gets the answer of a hidden one',
  ).toBe('MR_FORBIDDEN');
  expect(
    code(await read((await on.key(['reader@*'])).header, { ...ROW, features: ['nothing:x'] })),
    'a missing view is reported as missing to those who may see all of them',
  ).toBe('MR_NOT_FOUND');
  expect(
    code(
      await read((await on.key(['producer@fraud'])).header, { ...ROW, features: ['nothing:x'] }),
    ),
  ).toBe('MR_FORBIDDEN');
  const lists = (await on.call('GET', '/v1/registry/feature-view', fraud)).body as unknown as {
    name: string;
  }[];
  expect(lists.map(({ name }) => name)).toEqual(['suspicion']);
  const graph = (await on.call('GET', '/v1/lineage', fraud)).body as unknown as {
    nodes: { id: string }[];
    edges: unknown[];
  };
  expect(graph.nodes.map(({ id }) => id).sort()).toEqual([
    'feature-service/mixed',
    'feature-view/suspicion',
    'on-demand-feature/hinted',
  ]);
  expect(graph.edges).toEqual([{ from: 'feature-view/suspicion', to: 'feature-service/mixed' }]);
});

test('an on-demand feature is explained only where the key may explain all that it is computed from', async () => {
  on = await guarded();
  const path = '/v1/explain?feature=hinted&entity.card=c1';
  const explain = async (...grants: string[]) =>
    on.call('GET', path, (await on.key(grants)).header);
  expect(code(await explain('auditor@fraud'))).toBe('MR_NOT_FOUND');
  expect(code(await explain('auditor@fraud', 'reader@payments'))).toBe('MR_FORBIDDEN');
  expect(code(await explain('auditor@payments'))).toBe('MR_NOT_FOUND');
  expect((await explain('auditor@fraud', 'auditor@payments')).status).toBe(200);
});

test('an authorization decided for one list of features is not used for another', async () => {
  on = await guarded();
  const fraud = (await on.key(['reader@fraud'])).header;
  const wanted = ['suspicion:seen', 'spending:spent'];
  for (const separator of [',', '\0', '\n', '\0\0', '","']) {
    // One name that no resource has, spelled like the joined list.
    const [primed, second] = [[wanted.join(separator)], [`hinted${separator}spending:spent`]];
    for (const features of [primed, second, [...primed, ...second]])
      expect(
        (await read(fraud, { ...ROW, features })).status,
        JSON.stringify(features),
      ).toBeLessThan(500);
    expect(code(await read(fraud, { ...ROW, features: wanted })), JSON.stringify(separator)).toBe(
      'MR_FORBIDDEN',
    );
    expect(code(await read(fraud, { ...ROW, features: ['hinted', 'spending:spent'] }))).toBe(
      'MR_FORBIDDEN',
    );
  }
});

test('a namespace follows the definition: a move needs an author of both, and reads are authorized in the new namespace at once', async () => {
  on = await guarded();
  const payments = (await on.key(['author@payments', 'reader@payments'])).header;
  const both = (await on.key(['author@payments', 'author@fraud', 'reader@payments'])).header;
  const reader = (await on.key(['reader@payments'])).header;
  const moved = plain({ ...spending, namespace: 'fraud' });
  const apply = (key: string, definitions: unknown) =>
    on.call('POST', '/v1/apply', key, { definitions });
  expect((await read(reader)).status).toBe(200);
  expect(code(await apply(payments, moved))).toBe('MR_FORBIDDEN');
  expect(
    code(
      await on.call('POST', '/v1/commands', payments, {
        type: 'RegisterFeatureView',
        data: moved[0],
      }),
    ),
  ).toBe('MR_FORBIDDEN');
  const taker = (await on.key(['author@fraud', 'reader@payments'])).header;
  expect(code(await apply(taker, moved)), 'by an author of the new namespace only').toBe(
    'MR_FORBIDDEN',
  );
  expect(
    code(
      await on.call('POST', '/v1/commands', taker, { type: 'RegisterFeatureView', data: moved[0] }),
    ),
  ).toBe('MR_FORBIDDEN');
  expect((await apply(both, moved)).status).toBe(200);
  expect(code(await read(reader))).toBe('MR_FORBIDDEN');
});

test('a definition may refer only to resources that its author may use', async () => {
  on = await guarded();
  const author = (await on.key(['author@fraud'])).header;
  const user = (await on.key(['author@fraud', 'reader@payments'])).header;
  const stolen = plain({ ...spending, name: 'stolen', namespace: 'fraud' });
  const apply = (key: string, definitions: unknown) =>
    on.call('POST', '/v1/apply', key, { definitions });
  expect(code(await apply(author, stolen))).toBe('MR_FORBIDDEN');
  expect(code(await on.call('POST', '/v1/plan', author, { definitions: stolen }))).toBe(
    'MR_FORBIDDEN',
  );
  // Nor by defining the source anew in the same request.
  expect(code(await apply(author, [...stolen, { ...plain(charges)[0], namespace: 'fraud' }]))).toBe(
    'MR_FORBIDDEN',
  );
  expect((await apply(user, stolen)).status).toBe(200);
});

test('a data set belongs to the key that started it', async () => {
  on = await guarded();
  const [ann, bob] = [
    (await on.key(['reader@payments'])).header,
    (await on.key(['reader@payments'])).header,
  ];
  const spine = { rows: [{ card: 'c1', event_timestamp: Date.now() }] };
  const { id } = (await on.call('POST', '/v1/datasets', ann, { view: 'spending', spine })).body as {
    id: string;
  };
  expect((await on.call('GET', `/v1/datasets/${id}`, ann)).status).toBe(200);
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/data'],
    ['DELETE', ''],
  ] as const)
    expect((await on.call(method, `/v1/datasets/${id}${path}`, bob)).status).toBe(403);
  // Readers of features may not name files of the server, whatever address they seem to have.
  for (const body of [{ spine: { file: '/etc/passwd' } }, { spine, out: '/tmp/x.csv' }])
    expect(code(await on.call('POST', '/v1/datasets', ann, { view: 'spending', ...body }))).toBe(
      'MR_FORBIDDEN',
    );
});

test('a revoked key is refused, also in the middle of a stream or an export', async () => {
  on = await guarded();
  for (let i = 0; i < 3; i++)
    await on.platform.publishing.publish({ source: 'charges', events: [charge(`e${i}`)] }, founder);
  const { id, header } = await on.key(['reader@payments', 'operator@payments']);
  const client = new (makeGenericClientConstructor(
    serviceOf(nativeProtos, 'millrace.v1.Features'),
    'f',
  ))(on.grpc.address, credentials.createInsecure()) as unknown as FeaturesClient;
  const metadata = new Metadata();
  metadata.set('authorization', header);
  const stream = client.ReadStream(metadata);
  const answers: ReadResponse__Output[] = [];
  stream.on('data', (answer: ReadResponse__Output) => answers.push(answer));
  const ask = () =>
    stream.write({ features: ['spending:spent'], entities: [structOf({ card: 'c1' })] });
  ask();
  await expect.poll(() => answers.length).toBe(1);
  expect(answers[0]?.error).toBeNull();

  const principal = await on.access.authenticate({ authorization: header, address: undefined });
  const exported = await on.access.platform.publishing.exportEvents('charges', {
    actor: 'x',
    principal,
  });
  const batches = exported[Symbol.asyncIterator]();

  await on.platform.keys.revoke(id, {}, founder);
  ask();
  await expect.poll(() => answers.length).toBe(2);
  expect(answers[1]?.error?.code).toBe('MR_UNAUTHENTICATED');
  await expect(batches.next()).rejects.toMatchObject({ code: 'MR_UNAUTHENTICATED' });
  stream.end();
  client.close();
});

test('every refusal is in the audit log, with actor, subject and address, in an unbroken chain', async () => {
  on = await guarded();
  const reader = await on.key(['reader@payments'], {
    name: 'trainer',
    limits: { requestsPerSecond: 1, burst: 3 },
  });
  const auditor = (await on.key(['auditor@*'])).header;
  await read(null);
  await on.call('POST', '/v1/sources/charges/events', reader.header, { events: [] });
  for (let i = 0; i < 5; i++) await read(reader.header);
  await fetch(`${on.http.url}/v1/status`, {
    headers: { authorization: reader.header, origin: 'http://evil.example' },
  });
  const { records } = (await on.call('GET', '/v1/audit', auditor)).body as unknown as {
    records: {
      actor: string;
      command: string;
      subject: string;
      refusal: { code: string } | null;
    }[];
  };
  const refused = records.flatMap(({ actor, command, subject, refusal }) =>
    refusal === null ? [] : [[actor, command, subject, refusal.code]],
  );
  expect(refused).toEqual([
    [
      'unauthenticated',
      'Authenticate',
      expect.stringMatching(/^address\/.*127\.0\.0\.1$/),
      'MR_UNAUTHENTICATED',
    ],
    ['trainer', 'publish', 'source/charges', 'MR_FORBIDDEN'],
    ['trainer', 'Request', `access-key/${reader.id}`, 'MR_RATE_LIMITED'],
    ['page', 'Call', 'origin/http://evil.example', 'MR_ORIGIN_REFUSED'],
  ]);
  expect((await on.call('GET', '/v1/audit/verify', auditor)).body).toMatchObject({ ok: true });
});

test('without keys it answers only requests to the names of this machine', async () => {
  on = await guarded({ authentication: 'auto' });
  const { hostname, port } = new URL(on.http.url);
  const as = async (host: string): Promise<number> => {
    const { request } = await import('node:http');
    return new Promise((resolve, reject) => {
      request({ host: hostname, port, path: '/v1/status', headers: { host } }, (answer) =>
        resolve(answer.resume().statusCode ?? 0),
      )
        .on('error', reject)
        .end();
    });
  };
  for (const host of [`localhost:${port}`, '127.0.0.1', `[::1]:${port}`, 'feast.localhost'])
    expect(await as(host), host).toBe(200);
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    '127.0.0.1.evil.example',
  ])
    expect(await as(host), host).toBe(403);
});

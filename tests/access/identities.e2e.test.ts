/** Who did it: principals in the audit log, subjects of tokens, and owners of producer ids. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterEach, expect, test } from 'vitest';
import type { AuditPage } from '#domain/api/audit.ts';
import { createTokenVerifier } from '#infra/tokens/tokens.ts';
import { call } from '#tests/support/server.ts';
import { charge, founder, type Guarded, guarded } from './support/fixture.ts';

let on: Guarded;
afterEach(() => on?.dispose());

const PATH = '/v1/sources/charges/events';
const publish = async (
  key: string | null,
  producer: string,
  sequence: number,
  events: unknown[],
) => {
  const headers = {
    'millrace-producer': producer,
    'millrace-sequence': String(sequence),
    ...(key === null ? {} : { authorization: key }),
  };
  const { status, body } = await call(on.http.url, PATH, { headers, body: { events } });
  return { status, body: body as Record<string, unknown> };
};
const ten = (from: string) => Array.from({ length: 10 }, (_, i) => charge(`${from}${i}`));

test('a producer id belongs to the key that started it', async () => {
  on = await guarded();
  const { header: scanner } = await on.key(['producer@payments']);
  const { header: other } = await on.key(['producer@payments']);
  expect((await publish(scanner, 'scanner-7', 0, ten('a'))).body.accepted).toBe(10);
  const taken = await publish(other, 'scanner-7', 10, ten('b'));
  expect([taken.status, taken.body.code]).toEqual([403, 'MR_FORBIDDEN']);
  const asked = await on.call('GET', '/v1/sources/charges/producers/scanner-7', other);
  expect(asked.status).toBe(403);
  // The other key has moved nothing: these events are new.
  expect((await publish(scanner, 'scanner-7', 10, ten('c'))).body).toMatchObject({
    accepted: 10,
    duplicates: 0,
  });
  expect((await publish(other, 'scanner-8', 0, ten('d'))).body.accepted).toBe(10);
});

test('ownership survives a restart, and a key that replaces the owner takes it over', async () => {
  on = await guarded();
  const { header: first, id } = await on.key(['producer@payments']);
  await publish(first, 'p', 0, ten('a'));
  const { header: second } = await on.key(['producer@payments']);
  const { header: heir } = await on.key(['producer@payments'], { replaces: id });
  const platform = await on.test.restart();
  const access = platform.access({ authentication: 'required' });
  const send = async (key: string, sequence: number, events: unknown[]) => {
    const principal = await access.authenticate({ authorization: key, address: undefined });
    const request = { source: 'charges', events, producer: { id: 'p', sequence } };
    return access.platform.publishing.publish(request, { actor: 'x', principal }).then(
      ({ accepted }) => accepted,
      (error: { code: string }) => error.code,
    );
  };
  expect(await send(second, 10, ten('b'))).toBe('MR_FORBIDDEN');
  expect(await send(heir, 10, ten('c'))).toBe(10);
  expect(await send(first, 20, ten('d'))).toBe('MR_FORBIDDEN');
});

test('a key replaces only one that its maker could revoke', async () => {
  on = await guarded();
  const { id } = await on.key(['producer@payments']);
  const { header } = await on.key(['admin@fraud']);
  const make = async (replaces: string) => {
    const body = { name: 'x', grants: ['producer@fraud'], replaces };
    const answer = await on.call('POST', '/v1/keys', header, body);
    return [answer.status, JSON.stringify(answer.body).replaceAll(replaces, 'ID')];
  };
  expect((await make(id))[0]).toBe(403);
  expect(await make(id)).toEqual(await make('000000000000'));
});

test('without keys, all callers are one principal', async () => {
  on = await guarded({ authentication: 'off' });
  expect((await publish(null, 'p', 0, ten('a'))).body.accepted).toBe(10);
  expect((await publish(null, 'p', 10, ten('b'))).body.accepted).toBe(10);
});

test('two keys of one name are two principals in the audit log', async () => {
  on = await guarded();
  const [one, two] = [await on.key(['author@payments']), await on.key(['author@payments'])];
  for (const { header } of [one, two]) {
    const data = { kind: 'feature-service', name: 'scoring' };
    const type = header === one.header ? 'Deprecate' : 'Restore';
    expect((await on.call('POST', '/v1/commands', header, { type, data })).status).toBe(200);
    expect((await on.call('GET', '/metrics', header)).status).toBe(403);
  }
  const { header: auditor } = await on.key(['auditor@*']);
  const log = (query: string) => on.call('GET', `/v1/audit?${query}`, auditor);
  const { records } = (await log('limit=1000')).body as unknown as AuditPage;
  const by = (id: string) =>
    records.filter(({ principal }) => principal === `access-key/${id}`).map((r) => r.command);
  expect(by(one.id)).toEqual(['Deprecate', 'operate']);
  expect(by(two.id)).toEqual(['Restore', 'operate']);
  const mine = (await log(`actor=access-key/${two.id}`)).body as unknown as AuditPage;
  expect(mine.records.length).toBe(2);
  expect((await on.call('GET', '/v1/audit/verify', auditor)).body).toMatchObject({ ok: true });
});

test('a subject is printable text, and its actor begins with the issuer', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-subjects-'));
  try {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] };
    createLocalJWKSet(keys as never);
    const jwks = join(directory, 'jwks.json');
    writeFileSync(jwks, JSON.stringify(keys));
    const [issuer, audience] = ['https://login.example/', 'millrace'];
    const verifyToken = createTokenVerifier({ issuer, audience, jwks, claim: 'millrace' });
    on = await guarded({ verifyToken });
    const token = (sub: unknown): Promise<string> =>
      new SignJWT({ sub, millrace: 'auditor@* author@*' } as JWTPayload)
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime('1h')
        .sign(privateKey);
    const ask = async (sub: unknown) =>
      on.call('POST', '/v1/commands', `Bearer ${await token(sub)}`, {
        type: 'Deprecate',
        data: { kind: 'feature-service', name: 'scoring' },
      });
    for (const sub of [
      '',
      ' ',
      7,
      ['ann'],
      { name: 'ann' },
      null,
      'ann\u001b[2J',
      'ann\u0000',
      'ann\u009b31m',
      'ann\n',
      '\u202enna',
      'a'.repeat(201),
    ])
      expect((await ask(sub)).status, JSON.stringify(sub)).toBe(401);
    // The name of a key, and one that the platform uses: the issuer tells them apart.
    expect((await ask('admin-key')).status).toBe(200);
    const { records } = await on.platform.audit.log({ subject: 'scoring' });
    expect(records.at(-1)).toMatchObject({
      actor: 'https://login.example/admin-key',
      principal: 'token/https://login.example//admin-key',
    });
    expect(founder.actor).toBe('founder');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

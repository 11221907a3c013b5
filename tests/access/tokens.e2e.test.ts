/**
 * Tokens of an issuer. A real server on loopback serves the issuer's keys, which rotate while the
 * platform runs. And every kind of invalid token.
 */
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createTokenVerifier } from '#infra/tokens/tokens.ts';
import { type Guarded, guarded } from './support/fixture.ts';

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

const ISSUER = 'https://login.example/';
const AUDIENCE = 'millrace';
let on: Guarded;
let issuer: Server;
let jwks: string;
let published: { readonly kid: string; readonly pair: Pair; readonly alg: string }[];
let fetched = 0;
let answer: number;
let first: Pair;

beforeAll(async () => {
  first = await generateKeyPair('RS256', { extractable: true });
  issuer = createServer(async (_request, response) => {
    fetched++;
    const keys = await Promise.all(
      published.map(async ({ kid, pair, alg }) => ({
        ...(await exportJWK(pair.publicKey)),
        kid,
        alg,
        use: 'sig',
      })),
    );
    response
      .writeHead(answer, { 'content-type': 'application/json' })
      .end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  jwks = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`;
});
afterAll(() => new Promise((resolve) => issuer.close(resolve)));
beforeEach(() => {
  published = [{ kid: 'one', pair: first, alg: 'RS256' }];
  fetched = 0;
  answer = 200;
});
afterEach(() => on?.dispose());

const verifier = (more: Partial<Parameters<typeof createTokenVerifier>[0]> = {}) =>
  createTokenVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks,
    claim: 'millrace',
    cooldownMs: 0,
    ...more,
  });
const begin = async (more: Parameters<typeof verifier>[0] = {}) => {
  on = await guarded({
    authentication: 'auto',
    verifyToken: verifier(more),
    failuresAtOnce: 1_000,
  });
};

interface Wish {
  readonly pair?: Pair;
  readonly kid?: string;
  readonly alg?: string;
  readonly claims?: Record<string, unknown>;
  readonly issuer?: string;
  readonly audience?: string;
  readonly expires?: string | number;
  readonly subject?: string | null;
}
const token = ({
  pair = first,
  kid = 'one',
  alg = 'RS256',
  claims = { millrace: ['reader@payments'] },
  ...rest
}: Wish = {}) => {
  const jwt = new SignJWT(claims)
    .setProtectedHeader({ alg, kid })
    .setIssuer(rest.issuer ?? ISSUER)
    .setAudience(rest.audience ?? AUDIENCE);
  if (rest.subject !== null) jwt.setSubject(rest.subject ?? 'ann@example.org');
  return jwt
    .setIssuedAt()
    .setExpirationTime(rest.expires ?? '10m')
    .sign(pair.privateKey);
};
const read = (shown: string) =>
  on.call('POST', '/v1/features', `Bearer ${shown}`, {
    features: ['spending:spent'],
    entities: [{ card: 'c1' }],
  });
const status = async (shown: string): Promise<number> => (await read(shown)).status;

test("a valid token has the grants of its claim and the name of its subject; the issuer's keys are fetched once", async () => {
  await begin();
  expect(on.access.authenticationRequired()).toBe(true);
  const good = await token();
  expect(await status(good)).toBe(200);
  for (let i = 0; i < 5; i++)
    expect(
      await status(await token({ claims: { millrace: 'openid reader@payments profile' } })),
    ).toBe(200);
  expect(fetched).toBe(1);
  expect((await on.call('GET', '/v1/audit', `Bearer ${good}`)).body).toMatchObject({
    message: expect.stringContaining('"https://login.example/ann@example.org" may not audit'),
  });
  const author = await token({
    claims: { millrace: ['author@payments', 'auditor@*', 'offline_access', 7] },
    subject: 'bob',
  });
  await on.call('POST', '/v1/apply', `Bearer ${author}`, {
    definitions: [{ kind: 'entity', name: 'x', namespace: 'payments', keys: { x: 'string' } }],
  });
  const { records } = (await on.call('GET', '/v1/audit?subject=entity/x', `Bearer ${author}`))
    .body as unknown as {
    records: { actor: string }[];
  };
  expect(records).toMatchObject([{ actor: 'https://login.example/bob' }]);
});

test('a token without grants may do nothing; the claim may be nested, and may have dots in its name', async () => {
  await begin({ claim: 'realm_access.roles' });
  expect(await status(await token())).toBe(403);
  expect(
    await status(await token({ claims: { realm_access: { roles: ['reader@payments'] } } })),
  ).toBe(200);
  expect(await status(await token({ claims: { realm_access: 'reader@payments' } }))).toBe(403);
  const named = verifier({ claim: 'https://millrace.example/grants' });
  expect(
    await named(await token({ claims: { 'https://millrace.example/grants': ['admin@*'] } })),
  ).toMatchObject({
    grants: [{ role: 'admin', namespace: '*' }],
  });
});

test('tokens of another issuer, of another audience, expired, unsigned or signed with a public secret are refused', async () => {
  await begin();
  const stranger = await generateKeyPair('RS256');
  const claims = { millrace: ['reader@payments'] };
  const publicText = new TextEncoder().encode(await exportSPKI(first.publicKey));
  const withSecret = new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: 'one' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject('ann')
    .setExpirationTime('10m');
  const unsigned = new UnsecuredJWT(claims)
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject('ann')
    .setExpirationTime('10m')
    .encode();
  const [head, , signature] = (await token()).split('.') as [string, string, string];
  const forged = Buffer.from(
    JSON.stringify({ ...claims, iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: 9e9 }),
  ).toString('base64url');
  const bad: Record<string, string> = {
    'another issuer': await token({ issuer: 'https://evil.example/' }),
    'another audience': await token({ audience: 'billing' }),
    'a signature of a stranger': await token({ pair: stranger }),
    expired: await token({ expires: Math.floor(Date.now() / 1000) - 31 }),
    'no end': await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject('a')
      .sign(first.privateKey),
    'without a subject': await token({ subject: null }),
    'not yet': await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject('a')
      .setExpirationTime('10m')
      .setNotBefore('5m')
      .sign(first.privateKey),
    'the public key as a secret': await withSecret.sign(publicText),
    unsigned,
    'unsigned, with a signature': `${unsigned}x`,
    'another body': `${head}.${forged}.${signature}`,
    'no signature': `${head}.${forged}.`,
    rubbish: 'a.b.c',
  };
  for (const [why, shown] of Object.entries(bad))
    expect([why, (await read(shown)).body.code]).toEqual([why, 'MR_UNAUTHENTICATED']);
  expect(
    await status(await token({ expires: Math.floor(Date.now() / 1000) - 20 })),
    'clocks differ a little',
  ).toBe(200);
  const keys = (await on.key(['auditor@*'])).header;
  const { records } = (await on.call('GET', '/v1/audit?kind=Authenticate', keys))
    .body as unknown as { records: unknown[] };
  expect(records.length).toBeGreaterThan(0);
});

test('the issuer’s keys rotate without a restart: a new key works at once, an old one for as long as it is published', async () => {
  await begin();
  const [old, second] = [await token(), await generateKeyPair('ES256')];
  expect(await status(old)).toBe(200);
  const next = await token({ pair: second, kid: 'two', alg: 'ES256' });
  expect(await status(next), 'not published yet').toBe(401);
  published = [...published, { kid: 'two', pair: second, alg: 'ES256' }];
  expect(await status(next)).toBe(200);
  expect(await status(await token())).toBe(200);
  published = [{ kid: 'two', pair: second, alg: 'ES256' }];
  // A token of an unknown key makes jose fetch the keys again.
  await status(await token({ kid: 'three' }));
  expect(await status(await token({ subject: 'cid' })), 'signed with a withdrawn key').toBe(401);
  expect(await status(await token({ pair: second, kid: 'two', alg: 'ES256' }))).toBe(200);
});

test('a token whose key the issuer has withdrawn works for at most five minutes', async () => {
  let clock = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: clock });
  try {
    on = await guarded({ verifyToken: verifier({ cooldownMs: 30_000 }) });
    const [cached, fresh] = [await token(), await token({ subject: 'cid' })];
    expect(await status(cached)).toBe(200);
    published = [{ kid: 'two', pair: await generateKeyPair('ES256'), alg: 'ES256' }];
    for (const minutes of [1, 1, 1, 1, 1]) {
      clock += minutes * 60_000 + 1_000;
      vi.setSystemTime(clock);
      await status(cached);
    }
    expect(await status(cached)).toBe(401);
    expect(await status(fresh)).toBe(401);
  } finally {
    vi.useRealTimers();
  }
});

test('an unreachable issuer is reported as unreachable, not as an invalid token; API keys keep working', async () => {
  answer = 500;
  await begin();
  const { header } = await on.key(['reader@payments']);
  expect((await read(await token())).body).toMatchObject({ code: 'MR_UNAVAILABLE' });
  expect(
    (await on.call('POST', '/v1/features', header, { features: ['spending:spent'], entities: [] }))
      .status,
  ).toBe(200);
  answer = 200;
  expect(await status(await token())).toBe(200);
});

test('the key set may be a file', async () => {
  await begin();
  const file = join(on.test.directory, 'jwks.json');
  writeFileSync(
    file,
    JSON.stringify({ keys: [{ ...(await exportJWK(first.publicKey)), kid: 'one', alg: 'RS256' }] }),
  );
  const fromFile = verifier({ jwks: file });
  expect(await fromFile(await token())).toMatchObject({
    issuer: ISSUER,
    subject: 'ann@example.org',
  });
  expect(fetched).toBe(0);
  expect(() => verifier({ jwks: join(on.test.directory, 'none.json') })).toThrow(
    expect.objectContaining({ code: 'MR_FILE_INVALID' }),
  );
});

/**
 * `millrace serve` and `millrace keys` as an operator uses them: options that are refused, the
 * first line of output, and a session with keys.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { MAIN, type Ran, runInProcess, runProcess } from '#tests/support/cli.ts';
import { type Authority, authority } from './support/certificates.ts';
import { charge, DEFINITIONS } from './support/fixture.ts';

let directory: string;
let root: Authority;
let server: ChildProcess | null = null;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-serve-'));
  root = authority();
});
afterEach(async () => {
  const child = server;
  server = null;
  if (child === null || child.exitCode !== null) return;
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
  root.dispose();
});

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}, input = ''): Promise<Ran> =>
  args[0] === 'serve' || input !== '' ? runProcess(args, env, input) : runInProcess(args, env);

let data = 0;
/** Resolves to the first line that the server prints. */
const serve = (more: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [MAIN, 'serve', '--data', join(directory, `${++data}`), '--port', '0', ...more],
      {
        env: { ...process.env, ...env },
      },
    );
    server = child;
    let [out, err] = ['', ''];
    child.stderr.on('data', (chunk) => void (err += String(chunk)));
    child.stdout.on('data', (chunk) => {
      out += String(chunk);
      if (out.includes('\n')) resolve(out.split('\n')[0] as string);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}\n${err}`)));
  });

test('without keys the first line says so; with an admin key it says that keys are required', async () => {
  const line = await serve([]);
  expect(line).toMatch(
    /^millrace is ready at http:\/\/127\.0\.0\.1:\d+, WITHOUT KEYS, for development only/,
  );
  const url = /http:\S+(?=,)/.exec(line)?.[0] as string;
  expect((await fetch(`${url}/metrics`)).status).toBe(200);
  server?.kill('SIGTERM');
  expect(await serve([], { MILLRACE_ADMIN_KEY: 'k'.repeat(32) })).toContain(
    ', keys are required (',
  );
  server?.kill('SIGTERM');
  expect(JSON.parse(await serve(['--json']))).toMatchObject({ access: 'open' });
});

test.each([
  ['--host 0.0.0.0', 'MR_REFUSED', '--admin-key-file'],
  ['--host :: --access open', 'MR_REFUSED', 'remove --access open'],
  ['--admin-key-file /nowhere/key', 'MR_FILE_INVALID', '/nowhere/key'],
  [
    '--tls-cert /nowhere/cert.pem --tls-key /nowhere/key.pem',
    'MR_FILE_INVALID',
    '/nowhere/cert.pem',
  ],
])('serve %s is refused, with the remedy', async (options, code, says) => {
  const ran = await run([
    'serve',
    '--data',
    join(directory, `r${++data}`),
    '--port',
    '0',
    ...options.split(' '),
  ]);
  expect(ran).toMatchObject({ status: 1, out: '' });
  expect(ran.err).toContain(code);
  expect(ran.err).toContain(says);
});

test('serve --host 0.0.0.0 --access open is refused, also with an admin key', async () => {
  const ran = await run(
    [
      'serve',
      '--data',
      join(directory, `r${++data}`),
      '--port',
      '0',
      '--host',
      '0.0.0.0',
      '--access',
      'open',
    ],
    {
      MILLRACE_ADMIN_KEY: 'k'.repeat(32),
    },
  );
  expect(ran).toMatchObject({ status: 1, out: '' });
});

test('a short admin key is refused, and so is an issuer without its key set', async () => {
  expect(
    (await run(['serve', '--data', directory], { MILLRACE_ADMIN_KEY: 'secret' })).err,
  ).toContain('at least 32');
  const half = await run(['serve', '--data', directory, '--jwt-issuer', 'https://login.example/']);
  expect(half.status).toBe(2);
  expect(half.err).toContain('--jwks');
});

test('the server accepts tokens of the issuer that its options name; with --open-metrics only /metrics needs no token', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwks = join(directory, 'jwks.json');
  writeFileSync(
    jwks,
    JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] }),
  );
  const issuer = 'https://login.example/';
  const line = await serve([
    '--jwt-issuer',
    issuer,
    '--jwt-audience',
    'features',
    '--jwks',
    jwks,
    '--jwt-grants',
    'roles',
    '--open-metrics',
  ]);
  expect(line).toContain('keys are required');
  const url = /http:\S+(?=,)/.exec(line)?.[0] as string;
  const token = await new SignJWT({ roles: ['author@*'] })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setIssuer(issuer)
    .setAudience('features')
    .setSubject('ann')
    .setExpirationTime('5m')
    .sign(privateKey);
  expect((await run(['list', 'source'], { MILLRACE_URL: url })).err).toContain(
    'MR_UNAUTHENTICATED',
  );
  expect(
    await run(['list', 'source'], { MILLRACE_URL: url, MILLRACE_API_KEY: token }),
  ).toMatchObject({ status: 0 });
  expect((await fetch(`${url}/metrics`)).status).toBe(200);
  expect((await fetch(`${url}/v1/status`)).status).toBe(401);
});

test('the commands work with keys over TLS, from creating a key to revoking it', async () => {
  const adminKey = 'f'.repeat(64);
  const keyFile = join(directory, 'admin.key');
  writeFileSync(keyFile, `${adminKey}\n`);
  const { cert, key } = root.issue('server');
  const line = await serve([
    '--host',
    '0.0.0.0',
    '--admin-key-file',
    keyFile,
    '--tls-cert',
    cert,
    '--tls-key',
    key,
  ]);
  const port = /https:\/\/0\.0\.0\.0:(\d+)/.exec(line)?.[1] as string;
  const env = { MILLRACE_URL: `https://localhost:${port}`, MILLRACE_CA: root.ca };
  const as = (secret: string) => ({ ...env, MILLRACE_API_KEY: secret });

  expect((await run(['list', 'source'], { MILLRACE_URL: env.MILLRACE_URL })).err).toMatch(
    /MR_UNREACHABLE.*certificate/,
  );
  expect(await run(['list', 'source'], env)).toMatchObject({
    status: 1,
    err: expect.stringContaining('MR_UNAUTHENTICATED'),
  });
  const definitions = join(directory, 'definitions.json');
  writeFileSync(definitions, JSON.stringify(DEFINITIONS));
  expect(await run(['apply', definitions], as(adminKey))).toMatchObject({ status: 0 });

  const made = await run(
    [
      'keys',
      'create',
      'trainer',
      '--grant',
      'reader@payments',
      'producer@payments',
      '--rate',
      '500',
    ],
    as(adminKey),
  );
  expect(made.out, 'only the key is on stdout').toMatch(/^mr_[0-9a-f]{12}_[\w-]{43}\n$/);
  expect(made.err).toContain('trainer');
  const secret = made.out.trim();
  const published = await run(
    ['publish', 'charges', '-'],
    as(secret),
    JSON.stringify(charge('e1')),
  );
  expect(published).toMatchObject({ status: 0 });
  const got = await run(['--json', 'get', 'spending', '--entity', 'card=c1'], as(secret));
  expect(JSON.parse(got.out)).toMatchObject({ rows: [{ charges: 1, spent: 2 }] });
  const [spine, out] = [join(directory, 'spine.csv'), join(directory, 'training.csv')];
  writeFileSync(spine, `card,event_timestamp\nc1,${new Date(Date.now() + 1_000).toISOString()}\n`);
  expect(
    await run(['dataset', 'spending', '--spine', spine, '--out', out], as(secret)),
  ).toMatchObject({ status: 0 });
  expect(readFileSync(out, 'utf8')).toContain('spent');
  expect((await run(['audit', 'log'], as(secret))).err).toContain('auditor@*');

  const id = secret.slice(3, 15);
  const listed = await run(['--json', 'keys', 'list'], as(adminKey));
  expect(JSON.parse(listed.out)).toMatchObject({
    id,
    name: 'trainer',
    createdBy: 'admin-key',
    revokedAt: null,
  });
  expect(await run(['keys', 'revoke', id, '--reason', 'done'], as(adminKey))).toMatchObject({
    status: 0,
  });
  expect((await run(['get', 'spending', '--entity', 'card=c1'], as(secret))).err).toContain(
    'MR_UNAUTHENTICATED',
  );
  const audit = await run(
    ['--json', 'audit', 'log', '--subject', `access-key/${id}`],
    as(adminKey),
  );
  expect(
    audit.out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as object),
  ).toMatchObject([
    { command: 'CreateKey', actor: 'admin-key' },
    { command: 'RevokeKey', actor: 'admin-key', reason: 'done' },
  ]);
}, 60_000);

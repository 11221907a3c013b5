/** Small rules, each against one trick: headers, ciphers, permissions, addresses, terminals. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import type { AuditPage } from '#domain/api/audit.ts';
import { createHttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { call, startServer } from '#tests/support/server.ts';
import { founder, type Guarded, guarded } from './support/fixture.ts';

let on: Guarded | null = null;
const directories: string[] = [];
afterEach(async () => {
  await on?.dispose();
  on = null;
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true });
});
const directory = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'millrace-hardening-'));
  directories.push(path);
  return path;
};

test('every answer tells browsers not to frame it, guess its type or run anything in it', async () => {
  on = await guarded();
  const { header } = await on.key(['admin@*']);
  const { url } = on.http;
  const answers = await Promise.all([
    fetch(`${url}/healthz`),
    fetch(`${url}/docs`),
    fetch(`${url}/docs/json`),
    fetch(`${url}/metrics`, { headers: { authorization: header } }),
    fetch(`${url}/metrics`, { headers: { authorization: header, origin: 'http://evil.example' } }),
    fetch(`${url}/v1/status`),
    fetch(`${url}/nothing`),
    fetch(`${url}/v1/%zz`),
    fetch(`${url}/v1/features`, { method: 'POST', body: '{', headers: { authorization: header } }),
  ]);
  for (const { headers, url: at } of answers) {
    expect(headers.get('x-frame-options'), at).toBe('DENY');
    expect(headers.get('x-content-type-options'), at).toBe('nosniff');
    const policy = headers.get('content-security-policy');
    expect(policy, at).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
    expect(policy, at).not.toMatch(/script-src [^;]*unsafe/);
  }
  // An answer on the socket itself.
  const { hostname, port } = new URL(url);
  const text = await new Promise<string>((resolve) => {
    let got = '';
    const socket = connect(Number(port), hostname, () => socket.write('nonsense\r\n\r\n'));
    socket.on('data', (chunk) => void (got += String(chunk))).on('close', () => resolve(got));
  });
  expect(text).toMatch(/^x-frame-options: DENY\r$/m);
});

test('only its owner may reach the data directory and read its files', async () => {
  const data = join(directory(), 'data');
  mkdirSync(data, { mode: 0o755 });
  const server = await startServer(data);
  await call(server.url, '/v1/status');
  await server.stop();
  expect(statSync(data).mode & 0o777).toBe(0o700);
  for (const entry of readdirSync(data, { recursive: true, withFileTypes: true })) {
    const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o077;
    expect([entry.name, mode]).toEqual([entry.name, 0]);
  }
});

test('x-forwarded-for counts from a trusted proxy only', async () => {
  on = await guarded();
  const { access } = on;
  const asked = async (trustedProxies: readonly string[], forwarded: string): Promise<void> => {
    const gateway = await createHttpGateway({
      modules: httpModules(),
      platform: access.platform,
      access,
      port: 0,
      trustedProxies,
    });
    await fetch(`${gateway.url}/v1/status`, { headers: { 'x-forwarded-for': forwarded } });
    await gateway.close();
  };
  await asked([], '203.0.113.1');
  await asked(['127.0.0.0/8'], '203.0.113.2');
  await asked(['10.0.0.0/8'], '203.0.113.3');
  const { header } = await on.key(['auditor@*']);
  const log = await on.call('GET', '/v1/audit?kind=Authenticate', header);
  const { records } = log.body as unknown as AuditPage;
  expect(records.map(({ subject }) => subject)).toEqual([
    'address/127.0.0.1',
    'address/203.0.113.2',
  ]);
});

test('a caller behind a trusted proxy on this machine is not on this machine', async () => {
  on = await guarded({ authentication: 'off' });
  const gateway = await createHttpGateway({
    modules: httpModules(),
    platform: on.access.platform,
    access: on.access,
    port: 0,
    trustedProxies: ['127.0.0.1'],
  });
  const response = await fetch(`${gateway.url}/v1/batch`, {
    method: 'POST',
    headers: { 'x-forwarded-for': '203.0.113.2', 'content-type': 'application/json' },
    body: JSON.stringify({ view: 'spending', out: join(directory(), 'x.csv') }),
  });
  expect(await response.json()).toMatchObject({ code: 'MR_REFUSED' });
  await gateway.close();
});

const MAIN = fileURLToPath(new URL('../../gateways/cli/main.ts', import.meta.url));
const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  new Promise<{ readonly out: string; readonly err: string; readonly status: number | null }>(
    (resolve) => {
      const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } });
      let [out, err] = ['', ''];
      child.stdout.on('data', (chunk) => void (out += String(chunk)));
      child.stderr.on('data', (chunk) => void (err += String(chunk)));
      child.on('close', (status) => resolve({ out, err, status }));
    },
  );

test('a key comes from a file, and control characters never reach the terminal', async () => {
  on = await guarded();
  const bad = 'x\u001b]0;title\u0007\u009b31m\u0085y';
  await on.platform.registry.command(
    { type: 'Deprecate', data: { kind: 'feature-service', name: 'scoring' }, reason: bad },
    founder,
  );
  const file = join(directory(), 'key');
  const { header } = await on.key(['auditor@*']);
  writeFileSync(file, `${header.replace('Bearer ', '')}\n`);
  const env = { MILLRACE_URL: on.http.url, MILLRACE_API_KEY: undefined };
  const control = /(?![\t\n])\p{Cc}/u;
  for (const args of [
    ['audit', 'log', '--limit', '1000'],
    ['--json', 'audit', 'log', '--limit', '1000'],
    ['get', bad, '--entity', 'a=b'],
    ['--json', 'get', bad, '--entity', 'a=b'],
  ]) {
    const ran = await run([...args, '--api-key-file', file], env);
    expect(ran.out + ran.err, args.join(' ')).not.toMatch(control);
    expect(ran.out + ran.err, args.join(' ')).toContain('title');
  }
  const json = await run(['--json', 'audit', 'log'], { ...env, MILLRACE_API_KEY_FILE: file });
  const reasons = json.out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { reason: string | null }).reason);
  expect(reasons).toContain(bad);
  expect(await run(['audit', 'log', '--api-key-file', join(file, 'none')], env)).toMatchObject({
    status: 2,
  });
});

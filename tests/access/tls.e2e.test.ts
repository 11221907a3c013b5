/**
 * TLS for HTTP and gRPC clients: certificates, versions, and certificates that change while the
 * server runs.
 */
import { copyFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, createServer, connect as tlsConnect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { connect } from '#client/index.ts';
import type { Access } from '#domain/api/platform.ts';
import { createGrpcGateway, type GrpcGateway } from '#gateways/grpc/gateway.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { createHttpGateway, type HttpGateway } from '#gateways/http/gateway.ts';
import { httpModules } from '#gateways/http-modules.ts';
import { openTls, type Tls } from '#gateways/shared/tls.ts';
import { type TestPlatform, testPlatform } from '#tests/support/platform.ts';
import { type Authority, authority, type Certificate, pem } from './support/certificates.ts';
import { charge, charges, DEFINITIONS, founder, spending } from './support/fixture.ts';

let root: Authority;
let on: TestPlatform;
let access: Access;
let key: string;
let files: Certificate;
let tls: Tls;
let http: HttpGateway;
let grpc: GrpcGateway;
const warnings: string[] = [];

beforeAll(async () => {
  root = authority();
  on = await testPlatform();
  await on.platform.registry.apply(DEFINITIONS, {}, founder);
  key = (await on.platform.keys.create({ name: 'ann', grants: ['admin@*'] }, founder)).key;
  access = on.platform.access({ authentication: 'auto' });
});
afterAll(async () => {
  await on?.dispose();
  root?.dispose();
});

/** The files are copies, because tests replace them. */
const put = ({ cert, key: secret }: Certificate): Certificate => {
  const there = { cert: join(root.directory, 'live.pem'), key: join(root.directory, 'live.key') };
  copyFileSync(cert, there.cert);
  copyFileSync(secret, there.key);
  return there;
};
const serve = async (clientCa?: string): Promise<void> => {
  files = put(root.issue('first'));
  tls = openTls(
    { ...files, ...(clientCa === undefined ? {} : { clientCa }) },
    (message) => warnings.push(message),
    1e9,
  );
  const options = { platform: access.platform, access, tls, port: 0 };
  http = await createHttpGateway({ modules: httpModules(), ...options });
  grpc = await createGrpcGateway({ modules: grpcModules(), ...options });
};
beforeEach(() => void warnings.splice(0));
afterEach(async () => {
  await http?.close();
  await grpc?.close();
  tls?.close();
});

const get = (
  options: ConnectionOptions = {},
): Promise<{ readonly status: number; readonly server: string }> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}` };
    request(
      `${http.url}/v1/status`,
      { ca: pem(root.ca), agent: false, headers, ...options },
      (response) => {
        const { subject } = (response.socket as import('node:tls').TLSSocket).getPeerCertificate();
        response
          .resume()
          .on('end', () =>
            resolve({ status: response.statusCode ?? 0, server: String(subject?.CN) }),
          );
      },
    )
      .on('error', reject)
      .end();
  });
const client = (more: object = {}) =>
  connect({
    address: grpc.address,
    key,
    ca: pem(root.ca),
    deadlineMs: 2_000,
    retry: { tries: 1 },
    ...more,
  });
const rows = async (more: object = {}) => {
  const reader = client(more);
  try {
    return (await reader.view(spending, [{ card: 'c1' }])).rows.length;
  } finally {
    reader.close();
  }
};
const handshake = (
  options: ConnectionOptions,
  at = new URL(http.url).host,
): Promise<string | null> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(`https://${at}`);
    const socket = tlsConnect(
      { host: hostname, port: Number(port), ca: pem(root.ca), servername: 'localhost', ...options },
      () => {
        resolve(socket.getProtocol());
        socket.destroy();
      },
    ).on('error', () => resolve(null));
  });

test('clients that trust the authority are served over TLS, by HTTP and gRPC; requests in clear text are refused', async () => {
  await serve();
  expect(http.url).toMatch(/^https:/);
  expect(await get()).toEqual({ status: 200, server: 'first' });
  await expect(get({ ca: [] })).rejects.toMatchObject({
    code: expect.stringMatching(/CERT|ISSUER|VERIFY/),
  });
  await expect(fetch(http.url.replace('https', 'http'))).rejects.toThrow();
  const writer = client();
  expect(await writer.publish(charges, [charge('t1')])).toMatchObject({ accepted: 1 });
  writer.close();
  expect(await rows()).toBe(1);
  const clear = connect({ address: grpc.address, key, deadlineMs: 1_000, retry: { tries: 1 } });
  await expect(clear.view(spending, [])).rejects.toMatchObject({
    code: expect.stringMatching(/MR_UNREACHABLE|MR_DEADLINE/),
  });
  clear.close();
});

test('cipher suites without authenticated encryption or forward secrecy are not accepted', async () => {
  await serve();
  for (const ciphers of ['ECDHE-RSA-AES128-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'AES128-GCM-SHA256'])
    for (const at of [new URL(http.url).host, grpc.address])
      expect(await handshake({ maxVersion: 'TLSv1.2', ciphers }, at), `${at} ${ciphers}`).toBe(
        null,
      );
  for (const at of [new URL(http.url).host, grpc.address])
    expect(await handshake({ maxVersion: 'TLSv1.2' }, at), at).toBe('TLSv1.2');
});

test('TLS 1.2 and 1.3 are accepted, older versions are not', async () => {
  await serve();
  expect(await handshake({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
  expect(await handshake({})).toBe('TLSv1.3');
  const old = {
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  } as const;
  for (const at of [new URL(http.url).host, grpc.address])
    expect(await handshake(old, at), at).toBe(null);
  // This client can do it: a server that accepts TLS 1.1 answers it.
  const lax = createServer({
    cert: pem(files.cert),
    key: pem(files.key),
    minVersion: 'TLSv1',
    ciphers: old.ciphers,
  });
  await new Promise<void>((resolve) => lax.listen(0, '127.0.0.1', resolve));
  expect(await handshake(old, `127.0.0.1:${(lax.address() as AddressInfo).port}`)).toBe('TLSv1.1');
  lax.close();
});

test('with an authority for clients, a client without a certificate of it is refused', async () => {
  await serve(root.ca);
  const [mine, other] = [root.issue('ann'), authority()];
  const strangers = other.issue('eve');
  const shown = (one: Certificate) => ({ cert: pem(one.cert), key: pem(one.key) });
  expect((await get(shown(mine))).status).toBe(200);
  await expect(get()).rejects.toThrow();
  await expect(get(shown(strangers))).rejects.toThrow();
  await expect(rows()).rejects.toMatchObject({
    code: expect.stringMatching(/MR_UNREACHABLE|MR_DEADLINE/),
  });
  expect(await rows({ certificate: shown(mine) })).toBe(1);
  other.dispose();
});

test('new connections get a replaced certificate; a broken one is reported, and the old one stays', async () => {
  await serve();
  expect((await get()).server).toBe('first');
  put(root.issue('second'));
  tls.reload();
  expect((await get()).server).toBe('second');
  expect(await rows()).toBe(1);
  expect(warnings).toEqual([expect.stringContaining('was replaced')]);

  writeFileSync(files.key, pem(root.issue('third').key));
  tls.reload();
  tls.reload();
  expect((await get()).server).toBe('second');
  expect(warnings.slice(1), 'reported once').toEqual([expect.stringContaining('is not used')]);
  put(root.issue('fourth'));
  process.emit('SIGHUP');
  expect((await get()).server).toBe('fourth');
  await expect.poll(() => rows()).toBe(1);
});

test('invalid certificate files are refused at the start, by name', () => {
  const { cert, key: secret } = root.issue('x');
  const other = root.issue('y');
  const nothing = join(root.directory, 'nothing.pem');
  expect(() => openTls({ cert: nothing, key: secret }, () => {})).toThrow(
    expect.objectContaining({ code: 'MR_FILE_INVALID', message: expect.stringContaining(nothing) }),
  );
  expect(() => openTls({ cert, key: other.key }, () => {})).toThrow(
    expect.objectContaining({ code: 'MR_FILE_INVALID' }),
  );
  writeFileSync(nothing, 'no');
  expect(() => openTls({ cert: nothing, key: secret }, () => {})).toThrow(
    expect.objectContaining({ code: 'MR_FILE_INVALID' }),
  );
});

/**
 * The promise: an erasure that a server has begun is carried out, though the server is killed at
 * any moment of it, and the command that waits for it gets its certificate.
 */
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ErasureStatus } from '#domain/api/erasures.ts';
import type { SignedCertificate } from '#domain/erasure/certificate.ts';
import { verifyErasure } from '#infra/profiles/embedded-erase-verify.ts';
import { verifyEmbedded } from '#infra/profiles/embedded-verify.ts';
import { runProcess } from '#tests/support/cli.ts';
import { plain } from '#tests/support/platform.ts';
import { call, type Server, startServer } from '#tests/support/server.ts';
import { definitions, ERASED, transfers200 } from './transfers.ts';

const entity = { person: ERASED };
const wanted = { entity, reason: 'request 77' };

let directory: string;
let server: Server | null = null;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-erase-'));
});
afterEach(async () => {
  await server?.kill();
  server = null;
  rmSync(directory, { recursive: true, force: true });
});

const data = (): string => join(directory, 'data');
const start = async (more: readonly string[] = []): Promise<Server> => {
  server = await startServer(data(), {}, more);
  return server;
};
const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
  const answer = await call(server?.url ?? '', path, { method, body });
  return answer.body as T;
};
const publish = () =>
  ask<{ readonly accepted?: number }>('POST', '/v1/sources/transfers/events', {
    events: transfers200,
  });
const filled = async (): Promise<void> => {
  await ask('POST', '/v1/apply', { definitions: plain(...definitions) });
  await publish();
};
const sold = async (): Promise<unknown> => {
  const request = { features: ['sold:n'], entities: [{ shop: 'shop-0' }] };
  const { rows } = await ask<{ readonly rows: readonly Record<string, unknown>[] }>(
    'POST',
    '/v1/features',
    request,
  );
  return rows[0]?.n;
};
const ended = async (id: string): Promise<ErasureStatus> => {
  for (;;) {
    const status = await ask<ErasureStatus>('GET', `/v1/erasures/${id}`);
    if (status.state === 'done' || status.state === 'failed') return status;
    await sleep(20);
  }
};
const left = transfers200.filter(
  ({ payer, payee, shop }) => payer !== ERASED && payee !== ERASED && shop === 'shop-0',
).length;

test('a server that is killed at any moment carries it out when it is started again', async () => {
  await start();
  await filled();
  for (const [round, wait] of [0, 30, 100, 250, 500, 900].entries()) {
    if (round > 0) await publish();
    const { id } = await ask<ErasureStatus>('POST', '/v1/erasures', wanted);
    await sleep(wait);
    await server?.kill();
    await start();
    expect(await ended(id)).toMatchObject({ state: 'done', entity: null });
    expect(await sold()).toBe(left * (round + 1));
    const { traces } = await verifyErasure({ dataDirectory: data(), entity });
    expect(traces).toEqual([]);
  }
  expect(await server?.stop()).toBe(0);
  expect((await verifyEmbedded({ dataDirectory: data(), deep: true })).damage).toEqual([]);
});

test('`erase --url` waits through a kill, and writes the certificate, signed by the server', async () => {
  const keyFile = join(directory, 'audit-key');
  writeFileSync(keyFile, 'k'.repeat(32));
  const key = ['--audit-key-file', keyFile];
  const first = await start(key);
  await filled();
  const file = join(directory, '77.json');
  const args = ['--entity', `person=${ERASED}`, '--reason', 'request 77', '--certificate', file];
  const command = runProcess(['erase', ...args, '--url', first.url]);
  while (!first.output().err.includes('erasure ')) await sleep(5);
  await first.kill();
  await start([...key, '--port', new URL(first.url).port]);
  const { status, out, err } = await command;
  expect([status, err]).toEqual([0, expect.stringContaining('runs')]);
  expect(out).toContain('values of other entities of the view sold were computed anew');
  const { certificate, signature } = JSON.parse(readFileSync(file, 'utf8')) as SignedCertificate;
  expect(certificate.recomputed.map(({ view }) => view)).toEqual(['paid', 'received', 'sold']);
  const { publicKey: x } = await ask<{ readonly publicKey: string }>('GET', '/v1/audit/public-key');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const signed = Buffer.from(signature?.value ?? '', 'base64');
  const text = Buffer.from(JSON.stringify(certificate));
  expect(verify(null, text, publicKey, signed)).toBe(true);
  const shown = await runProcess(['erase', 'list', '--url', first.url, '--json']);
  expect(JSON.parse(shown.out)).toMatchObject({ state: 'done', reason: 'request 77' });
});

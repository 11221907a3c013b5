/** An erasure that computes views of others anew: its audit records are signed. */
import { createPublicKey, verify } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { ErasureStatus } from '#domain/api/erasures.ts';
import type { Platform } from '#domain/api/platform.ts';
import type { AuditAnchor } from '#domain/ports/audit-anchor.ts';
import type { AuditHead } from '#domain/ports/audit-store.ts';
import { eraseEmbedded } from '#infra/profiles/embedded-erase.ts';
import { definitions, ERASED, START, transfers200 } from '#tests/faults/erase/transfers.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

const auditKey = Buffer.from('k'.repeat(32));
const now = (): number => START + 200 * 600_000;

let on: TestPlatform | null = null;
afterEach(async () => {
  await on?.dispose();
  on = null;
});

/** The erasure once it has ended; while it runs, there is no answer. */
const ended = async ({ erasures }: Platform, id: string): Promise<ErasureStatus> => {
  for (;;) {
    try {
      const status = await erasures.get(id);
      if (status.state !== 'running') return status;
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'MR_MAINTENANCE') throw error;
    }
    await sleep(5);
  }
};

const started = async (options = {}): Promise<TestPlatform> => {
  on = await testPlatform({ now, auditKey, ...options });
  await on.platform.registry.apply(plain(...definitions), {}, caller);
  const events = transfers200.slice(0, 20);
  await on.platform.publishing.publish({ source: 'transfers', events }, caller);
  return on;
};

test('offline: with the key the chain can be verified, and without it nothing is erased', async () => {
  const { directory, platform, restart } = await started();
  const { records: before } = await platform.audit.verify();
  await platform.close();
  const erase = { dataDirectory: directory, entity: { person: ERASED }, reason: 'r', now };
  await expect(eraseEmbedded(erase)).rejects.toMatchObject({
    code: 'MR_REFUSED',
    message: expect.stringContaining('--audit-key-file'),
  });
  const { recomputed, removed } = await eraseEmbedded({ ...erase, auditKey });
  // The first run had removed nothing.
  expect(removed.records['raw.transfers']).toBeGreaterThan(0);
  expect(recomputed.map(({ view }) => view)).toEqual(['paid', 'received', 'sold']);
  const verified = await (await restart()).audit.verify();
  expect(verified).toMatchObject({ ok: true, signedFrom: 1 });
  expect(verified.records).toBeGreaterThan(before);
});

test('while the platform runs: signed, anchored, and with the quotas of the server', async () => {
  const heads: AuditHead[] = [];
  const auditAnchor: AuditAnchor = {
    place: 'the test',
    last: async () => heads.at(-1) ?? null,
    append: async (head) => void heads.push(head),
  };
  const { platform, restart } = await started({
    auditAnchor,
    entityQuotas: { views: { received: 1 } },
  });
  const { id } = await platform.erasures.request(
    { entity: { person: ERASED }, reason: 'r' },
    caller,
  );
  expect(await ended(platform, id)).toMatchObject({ state: 'done', error: null });
  const { certificate, signature } = await platform.erasures.certificate(id);
  const { recomputed, remains } = certificate;
  expect(recomputed.map(({ view }) => view)).toEqual(['paid', 'sold']);
  // The replay of `received` has more than twice as many entities as its quota.
  expect(remains).toContainEqual({
    what: 'values of other entities of the view received, all',
    why: expect.stringContaining('its quota is 1'),
  });
  const { records } = await platform.audit.verify();
  const { audit, erasures } = await restart();
  const verified = await audit.verify();
  expect(verified).toMatchObject({ ok: true, records, signedFrom: 1 });
  expect(heads.at(-1)).toEqual({ sequence: records, hash: (verified as { head: string }).head });
  // The certificate is signed with the key of the audit log, by the process that erased.
  expect(await erasures.certificate(id)).toEqual({ certificate, signature });
  expect(signature?.algorithm).toBe('Ed25519');
  const x = (await audit.publicKey()) ?? '';
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const isSigned = (text: string): boolean =>
    verify(null, Buffer.from(text), publicKey, Buffer.from(signature?.value ?? '', 'base64'));
  expect(isSigned(JSON.stringify(certificate))).toBe(true);
  expect(isSigned(JSON.stringify({ ...certificate, reason: 'another' }))).toBe(false);
});

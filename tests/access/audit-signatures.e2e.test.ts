/**
 * With a key, records that somebody who has the database rewrote are found without a saved head:
 * the chain is right again, and the signatures are not.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AuditRecord } from '#domain/api/audit.ts';
import type { Platform } from '#domain/api/platform.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { GENESIS } from '#domain/ports/audit-store.ts';
import { startEmbedded } from '#infra/profiles/embedded.ts';

const KEY = Buffer.from('k'.repeat(32));
const OTHER = Buffer.from('o'.repeat(32));

let directory: string;
let running: Platform | null = null;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-signatures-'));
});
afterEach(async () => {
  await running?.close();
  running = null;
  rmSync(directory, { recursive: true, force: true });
});

const start = async (auditKey?: Buffer): Promise<Platform> => {
  await running?.close();
  running = await startEmbedded({
    dataDirectory: directory,
    historyEveryMs: 0,
    warn: () => {},
    auditKey,
  });
  return running;
};
const makeKeys = async (platform: Platform, ...names: readonly string[]): Promise<void> => {
  for (const name of names)
    await platform.keys.create({ name, grants: ['admin@*'] }, { actor: 'ann' });
};

/** What somebody with the database, and without the key, can do to record `at` and all after it. */
const rewrite = async (
  at: number,
  signatureOf: (record: AuditRecord) => string | undefined,
): Promise<void> => {
  await running?.close();
  running = null;
  const db = new DatabaseSync(join(directory, 'millrace.db'));
  const rows = db.prepare('SELECT sequence, record FROM audit ORDER BY sequence').all();
  let previous = GENESIS;
  for (const row of rows) {
    const record = JSON.parse(row.record as string) as AuditRecord;
    if (record.sequence >= at) {
      const { hash: _hash, previous: _previous, signature: _signature, ...content } = record;
      const changed = record.sequence === at ? { ...content, actor: 'eve' } : content;
      const hash = createHash('sha256').update(previous).update(canonical(changed)).digest('hex');
      const signature = signatureOf(record);
      const stored = {
        ...changed,
        previous,
        hash,
        ...(signature === undefined ? {} : { signature }),
      };
      db.prepare('UPDATE audit SET record = ? WHERE sequence = ?').run(
        JSON.stringify(stored),
        record.sequence,
      );
      previous = hash;
    } else previous = record.hash;
  }
  db.prepare('UPDATE audit_head SET hash = ?').run(previous);
  // Rows without a checksum are from old versions.
  db.prepare(
    "UPDATE registry_commit SET body = json_set(body, '$.command.actor', 'eve'), checksum = NULL WHERE position = ?",
  ).run(at);
  db.close();
};

test('a rewritten record in the middle, all hashes computed anew', async () => {
  const platform = await start(KEY);
  await makeKeys(platform, 'a', 'b', 'c', 'd');
  const publicKey = (await platform.audit.publicKey()) as string;
  expect(await platform.audit.verify()).toMatchObject({ ok: true, records: 4, signedFrom: 1 });

  await rewrite(2, ({ signature }) => signature);
  expect(await (await start()).audit.verify(), 'without the key').toMatchObject({ ok: true });
  const bad = { ok: false, firstBad: 2, message: expect.stringContaining('not signed with') };
  expect(await running?.audit.verify({ publicKeys: [publicKey] })).toMatchObject(bad);
  expect(await (await start(KEY)).audit.verify()).toMatchObject(bad);

  await rewrite(2, () => undefined);
  const unsigned = { ok: false, firstBad: 2, message: expect.stringContaining('is not signed') };
  expect(await (await start(KEY)).audit.verify()).toMatchObject(unsigned);
  expect(await running?.audit.verify({ publicKeys: [publicKey] })).toMatchObject(unsigned);
});

test('records from before the key are not signed; their number tells that none lost its signature', async () => {
  await makeKeys(await start(), 'a', 'b');
  await makeKeys(await start(KEY), 'c', 'd');
  expect(await running?.audit.verify()).toMatchObject({ ok: true, records: 4, signedFrom: 3 });
  expect(await running?.audit.verify({ signedFrom: 2 })).toMatchObject({ ok: false, firstBad: 2 });
  await rewrite(3, () => undefined);
  await makeKeys(await start(KEY), 'e');
  expect(await running?.audit.verify({ signedFrom: 3 })).toMatchObject({ ok: false, firstBad: 3 });
});

test('after a change of the key, records are verified with both public keys', async () => {
  const first = await start(KEY);
  await makeKeys(first, 'a');
  const old = (await first.audit.publicKey()) as string;
  const second = await start(OTHER);
  await makeKeys(second, 'b');
  const fresh = (await second.audit.publicKey()) as string;
  expect(fresh).not.toBe(old);
  expect(await second.audit.verify()).toMatchObject({ ok: false, firstBad: 1 });
  expect(await second.audit.verify({ publicKeys: [old, fresh] })).toMatchObject({
    ok: true,
    signedFrom: 1,
  });
  await expect(second.audit.verify({ publicKeys: ['nonsense'] })).rejects.toMatchObject({
    code: 'MR_PARAMETER_INVALID',
  });
});

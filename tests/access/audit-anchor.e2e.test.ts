/** An audit log that is cut off, rolled back, rewritten or deleted is not continued silently. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { fileAnchor } from '#infra/audit-anchor/file-anchor.ts';
import { startEmbedded } from '#infra/profiles/embedded.ts';

const KEY = Buffer.from('k'.repeat(32));
let root: string;
let running: Platform | null = null;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-anchor-'));
});
afterEach(async () => {
  await running?.close();
  running = null;
  rmSync(root, { recursive: true, force: true });
});

const data = () => join(root, 'data');
const anchorFile = () => join(root, 'anchor.jsonl');
const start = async (key?: Buffer, file = anchorFile()): Promise<Platform> => {
  running = await startEmbedded({
    dataDirectory: data(),
    historyEveryMs: 0,
    warn: () => {},
    auditAnchor: fileAnchor(file, key),
  });
  return running;
};
const stop = async (): Promise<void> => {
  await running?.close();
  running = null;
};
const makeKey = async (platform: Platform): Promise<string> =>
  (await platform.keys.create({ name: 'k', grants: ['admin@*'] }, { actor: 'ann' })).id;
const sql = (...statements: readonly string[]): void => {
  const db = new DatabaseSync(join(data(), 'millrace.db'));
  for (const statement of statements) db.exec(statement);
  db.close();
};
const lines = () => readFileSync(anchorFile(), 'utf8').trimEnd().split('\n');
const failed = { code: 'MR_STORAGE_FAILED' };

test('the anchor has the head at the end, only its owner may read it, and the chain goes on', async () => {
  const platform = await start();
  await makeKey(platform);
  const head = await platform.audit.head();
  await stop();
  expect(JSON.parse(lines().at(-1) as string)).toMatchObject({ ...head });
  expect(statSync(anchorFile()).mode & 0o777).toBe(0o600);
  await makeKey(await start());
  await stop();
  expect(JSON.parse(lines().at(-1) as string)).toMatchObject({ sequence: 2 });
});

test('a database that was rolled back before a revocation is refused', async () => {
  const platform = await start();
  const id = await makeKey(platform);
  await makeKey(platform);
  await stop();
  const copy = join(root, 'older.db');
  copyFileSync(join(data(), 'millrace.db'), copy);
  await (await start()).keys.revoke(id, {}, { actor: 'ann' });
  await stop();
  copyFileSync(copy, join(data(), 'millrace.db'));
  for (const rest of ['-wal', '-shm']) rmSync(join(data(), `millrace.db${rest}`), { force: true });
  await expect(start()).rejects.toMatchObject({
    ...failed,
    message: expect.stringContaining('no record 3'),
  });
});

test('records and commits that were removed together, with the head moved, are missed', async () => {
  const platform = await start();
  const id = await makeKey(platform);
  await makeKey(platform);
  await platform.keys.revoke(id, {}, { actor: 'ann' });
  const saved = await platform.audit.head();
  const expected = saved === null ? {} : { head: saved };
  await stop();
  sql(
    'DELETE FROM registry_commit WHERE position = 3',
    'DELETE FROM audit WHERE sequence = 3',
    `UPDATE audit_head SET sequence = 2, hash = (SELECT json_extract(record, '$.hash') FROM audit WHERE sequence = 2)`,
  );
  await expect(start()).rejects.toMatchObject(failed);
  // Without the anchor only a saved head shows it.
  const again = await start(undefined, join(root, 'another.jsonl'));
  expect(await again.audit.verify()).toMatchObject({ ok: true });
  expect(await again.audit.verify(expected)).toMatchObject({ ok: false, firstBad: 3 });
  // And so does one of the rewritten chain that has grown past it.
  await makeKey(again);
  expect(await again.audit.verify(expected)).toMatchObject({
    ok: false,
    message: expect.stringContaining('rewritten'),
  });
  await stop();
  await expect(start()).rejects.toMatchObject({
    ...failed,
    message: expect.stringContaining('rewritten'),
  });
});

test.each([
  ['audit and head', ['DELETE FROM audit', 'DELETE FROM audit_head']],
  ['the tables', ['DROP TABLE audit', 'DROP TABLE audit_head']],
])('%s that are deleted beside commits are missed', async (_, statements) => {
  await makeKey(await start());
  await stop();
  sql(...statements);
  await expect(start(undefined, join(root, 'new.jsonl'))).rejects.toMatchObject({
    ...failed,
    message: expect.stringContaining('audit log is missing'),
  });
});

test('commits that are removed without their records are missed', async () => {
  const platform = await start();
  await makeKey(platform);
  await makeKey(platform);
  await stop();
  sql('DELETE FROM registry_commit WHERE position = 2');
  await expect(start(undefined, join(root, 'new.jsonl'))).rejects.toMatchObject(failed);
});

test('a crash before the first record leaves a platform that starts', async () => {
  await start();
  await stop();
  const platform = await start();
  await makeKey(platform);
  await stop();
  sql('DELETE FROM audit', `UPDATE audit_head SET sequence = 0, hash = '${'0'.repeat(64)}'`);
  const again = await start(undefined, join(root, 'new.jsonl'));
  expect(await again.audit.verify()).toMatchObject({ ok: true, records: 1 });
});

test('lines of a signed anchor that are forged, removed or in another order are missed; a torn end is not', async () => {
  for (let i = 0; i < 3; i++) {
    await makeKey(await start(KEY));
    await stop();
  }
  const whole = lines();
  expect(whole.length).toBe(3);
  const [one, two, three] = whole as [string, string, string];
  const forged = three.replace(/"sequence":3/, '"sequence":2');
  for (const damaged of [
    [one, two, forged],
    [one, three],
    [two, one, three],
    [one, '{}', three],
  ]) {
    writeFileSync(anchorFile(), `${damaged.join('\n')}\n`);
    await expect(start(KEY), damaged.join()).rejects.toMatchObject(failed);
  }
  writeFileSync(anchorFile(), `${whole.join('\n')}\n`);
  await expect(start(Buffer.from('x'.repeat(32)))).rejects.toMatchObject(failed);
  writeFileSync(anchorFile(), `${whole.join('\n')}\n{"sequence":4,"ha`);
  await makeKey(await start(KEY));
  await stop();
  expect(lines().map((line) => (JSON.parse(line) as { sequence: number }).sequence)).toEqual([
    1, 2, 3, 4,
  ]);
});

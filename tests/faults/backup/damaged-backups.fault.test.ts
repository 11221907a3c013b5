/**
 * A backup that is killed leaves the ones before it; the next one goes on. A damaged one is refused
 * by `restore` and named by `verify`. Damage of the platform does not get into a backup.
 */

import { spawn } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBackups } from '#infra/backup/backup-directory.ts';
import { verifyBackups } from '#infra/backup/verify-backups.ts';
import { backUpEmbedded } from '#infra/profiles/embedded-backup.ts';
import { restoreEmbedded } from '#infra/profiles/embedded-restore.ts';
import { type Bases, filesBelow, makeBases, open, publish } from '#tests/faults/damage/fixture.ts';
import { MAIN, runProcess } from '#tests/support/cli.ts';
import { randomOf } from '#tests/support/clicks.ts';

const SEED = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
const random = randomOf(SEED);
const root = mkdtempSync(join(tmpdir(), 'millrace-damaged-backup-'));
let bases: Bases;
let whole: string;
let copies = 0;

beforeAll(async () => {
  bases = await makeBases();
  whole = join(root, 'whole');
  await backUpEmbedded({ dataDirectory: bases.older, to: whole });
  await backUpEmbedded({ dataDirectory: bases.base.directory, to: whole });
});
afterAll(() => {
  bases.dispose();
  rmSync(root, { recursive: true, force: true });
});

const copyOf = (directory: string): string => {
  const to = join(root, `copy-${copies++}`);
  cpSync(directory, to, { recursive: true });
  return to;
};
const target = (): string => join(root, `restored-${copies++}`);
const damage = async (backups: string): Promise<readonly number[]> =>
  (await verifyBackups(await openBackups(backups))).backups.map((found) => found.damage.length);

const flip = (path: string, bit: number): void => {
  const bytes = readFileSync(path);
  const at = bit % (bytes.length * 8);
  bytes[at >> 3] = (bytes[at >> 3] as number) ^ (1 << (at & 7));
  writeFileSync(path, bytes);
};

test(`any damaged file of a backup is refused, and found (seed ${SEED})`, async () => {
  const files = filesBelow(whole, /^(content\/|catalog\.json)/);
  expect(files.length).toBeGreaterThan(10);
  const hurts = ['flipped', 'truncated', 'missing', 'longer'] as const;
  for (const [i, file] of files.entries()) {
    const backups = copyOf(whole);
    const path = join(backups, file);
    const how = hurts[i % hurts.length] as (typeof hurts)[number];
    const note = `seed ${SEED}, ${how} ${file}`;
    if (how === 'flipped') flip(path, Math.floor(random(i) * 1e9));
    if (how === 'truncated') truncateSync(path, Math.floor(random(i) * readFileSync(path).length));
    if (how === 'missing') rmSync(path);
    if (how === 'longer') appendFileSync(path, 'x');
    const to = target();
    const inNewest = file === 'catalog.json' || (await damage(backups))[1] !== 0;
    const restoring = restoreEmbedded({ from: backups, dataDirectory: to });
    if (inNewest) {
      await expect(restoring, note).rejects.toMatchObject({
        code: expect.stringMatching(/MR_DATA_DAMAGED|MR_NOT_FOUND/),
      });
      expect(existsSync(to), note).toBe(false);
      expect(existsSync(`${to}.restoring`), note).toBe(false);
    } else {
      await restoring;
      expect(await damage(backups), note).not.toEqual([0, 0]);
    }
    rmSync(backups, { recursive: true });
  }
});

test('a damaged log batch or file of the history does not get into a backup', async () => {
  const copy = bases.copy();
  const db = new DatabaseSync(join(copy, 'millrace.db'));
  db.exec("UPDATE log_batch SET data = data || x'00' WHERE rowid = 3");
  db.close();
  const to = target();
  const backedUp = backUpEmbedded({ dataDirectory: copy, to });
  await expect(backedUp).rejects.toMatchObject({ code: 'MR_DATA_DAMAGED' });
  await expect(openBackups(to)).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });

  const other = bases.copy();
  const [parquet] = filesBelow(other, /\.parquet$/);
  flip(join(other, parquet as string), 4_000);
  await expect(backUpEmbedded({ dataDirectory: other, to: target() })).rejects.toMatchObject({
    code: 'MR_DATA_DAMAGED',
  });
});

test(`a backup that is killed leaves the earlier ones, and the next goes on (seed ${SEED})`, async () => {
  const data = bases.copy();
  const backups = target();
  await backUpEmbedded({ dataDirectory: data, to: backups });
  const platform = await open(data);
  const events = Array.from({ length: 3_000 }, (_, i) => ({
    at: Date.parse('2026-01-31T00:00:00Z') + i,
    shop: 'a',
    amount: i,
  }));
  for (let kill = 0; kill < 12; kill++) {
    await publish(platform, events);
    const child = spawn(process.execPath, [MAIN, 'backup', backups, '--data', data], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const ended = new Promise((done) => child.once('exit', done));
    // It takes some hundred ms to start; then it works in work/ and content/.
    while (child.exitCode === null && !existsSync(join(backups, 'work'))) await sleep(1);
    await sleep(random(kill) * 120);
    child.kill('SIGKILL');
    await ended;
    const found = await damage(backups);
    expect(found, `seed ${SEED}, kill ${kill}`).toEqual(found.map(() => 0));
    rmSync(join(backups, 'work'), { recursive: true, force: true });
  }
  const { status, err } = await runProcess(['backup', backups, '--data', data]);
  expect(status, err).toBe(0);
  await platform.close();
  const before = filesBelow(backups, /\.tmp$/);
  expect(before).toEqual([]);
  const restored = target();
  await restoreEmbedded({ from: backups, dataDirectory: restored });
  const again = await open(restored);
  const { sources } = await again.operations.status();
  expect(sources.map(({ events }) => events)).toEqual([200 + 12 * 3_000, 200 + 12 * 3_000]);
  await again.close();
});

test('refusals: a directory in use, of another platform, not empty, or none of backups', async () => {
  const backups = copyOf(whole);
  const guard = new DatabaseSync(join(backups, 'lock.db'));
  guard.exec('BEGIN EXCLUSIVE');
  const inUse = backUpEmbedded({ dataDirectory: bases.base.directory, to: backups });
  await expect(inUse).rejects.toMatchObject({ code: 'MR_DATA_DIR_LOCKED' });
  guard.close();
  await expect(backUpEmbedded({ dataDirectory: bases.other, to: backups })).rejects.toMatchObject({
    code: 'MR_DATA_MIXED',
  });
  await expect(
    backUpEmbedded({ dataDirectory: bases.base.directory, to: join(bases.base.directory, 'b') }),
  ).rejects.toMatchObject({ code: 'MR_REFUSED' });
  await expect(
    backUpEmbedded({ dataDirectory: bases.base.directory, to: bases.other }),
  ).rejects.toMatchObject({ code: 'MR_REFUSED' });
  await expect(
    backUpEmbedded({ dataDirectory: join(root, 'none'), to: target() }),
  ).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });

  const full = target();
  mkdirSync(full);
  writeFileSync(join(full, 'mine'), '');
  await expect(restoreEmbedded({ from: backups, dataDirectory: full })).rejects.toMatchObject({
    code: 'MR_REFUSED',
  });
  await expect(restoreEmbedded({ from: full, dataDirectory: target() })).rejects.toMatchObject({
    code: 'MR_NOT_FOUND',
  });
  await expect(
    restoreEmbedded({ from: backups, dataDirectory: target(), backup: 'x' }),
  ).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
  const later = { time: Date.parse('9999-01-01T00:00:00Z') };
  await expect(
    restoreEmbedded({ from: backups, dataDirectory: target(), until: later }),
  ).rejects.toMatchObject({ code: 'MR_REFUSED' });
  const beyond = { topic: 'raw.sales', positions: [{ partition: 0, offset: 1_000_000 }] };
  await expect(
    restoreEmbedded({ from: backups, dataDirectory: target(), until: beyond }),
  ).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
  const empty = target();
  mkdirSync(empty);
  await restoreEmbedded({ from: backups, dataDirectory: empty });
  expect(existsSync(join(empty, 'millrace.db'))).toBe(true);
});

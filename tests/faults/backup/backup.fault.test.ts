/**
 * The promise: a backup that is made at any instant under load restores the platform as it was at
 * one moment: values, audit chain, registry and the positions of producers and readers. A restore
 * that ends at an earlier moment is the platform as it was then.
 *
 * The platform runs in this process; backups are made by processes of their own.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { parseTopicPosition } from '#domain/ports/position.ts';
import type { BackupEntry } from '#infra/backup/catalog.ts';
import type { Until } from '#infra/backup/choose-backup.ts';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import {
  type Restored,
  type RestoreOptions,
  restoreEmbedded,
} from '#infra/profiles/embedded-restore.ts';
import { runProcess } from '#tests/support/cli.ts';
import { randomOf } from '#tests/support/clicks.ts';
import { auditOf, caller, replayFilled } from '#tests/support/platform.ts';
import {
  define,
  type Load,
  leastOf,
  PRODUCER,
  publishNext,
  readAll,
  startLoad,
  totalsOf,
  USERS,
  wantedTotals,
} from './world.ts';

const INSTANTS = 30;
const UNTILS = 12;
const SEED = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
const random = randomOf(SEED);
const seed = `seed ${SEED}`;

const root = mkdtempSync(join(tmpdir(), 'millrace-backup-'));
const data = join(root, 'data');
const backups = join(root, 'backups');
let platform: Platform;
let load: Load;
const made: (BackupEntry & { readonly newFiles: number })[] = [];

const open = (dataDirectory: string, historyEveryMs: number): Promise<Platform> =>
  startEmbedded({ dataDirectory, historyEveryMs, warn: () => {} });

const backUp = async (): Promise<void> => {
  const { status, out, err } = await runProcess(['backup', backups, '--data', data, '--json']);
  expect(status, `${seed}: ${err}`).toBe(0);
  made.push(JSON.parse(out));
};

const acceptedBy = ({ topics }: Pick<BackupEntry, 'topics'>): number =>
  topics.find(({ topic }) => topic === 'raw.clicks')?.end.reduce((a, b) => a + b, 0) ?? 0;

/** Event times to read at: the end, and some before it. */
const timesOf = (n: number, round: number): readonly number[] => [
  load.clickAt(n + 200_000).at,
  load.clickAt(Math.floor(random(9_000 + round) * n)).at,
];

const withRestored = async (
  options: Pick<RestoreOptions, 'backup' | 'until'>,
  check: (restored: Platform, description: Restored) => Promise<void>,
): Promise<void> => {
  const directory = join(root, 'restored');
  const description = await restoreEmbedded({
    from: backups,
    dataDirectory: directory,
    ...options,
  });
  const restored = await open(directory, 0);
  try {
    await check(restored, description);
  } finally {
    await restored.close();
    rmSync(directory, { recursive: true, force: true });
  }
};

const expectPrefix = async (restored: Platform, audit: Restored['audit'], note: string) => {
  const [mine, its] = [await auditOf(platform), await auditOf(restored)];
  expect(its.slice(0, audit?.sequence ?? 0), note).toEqual(mine.slice(0, audit?.sequence ?? 0));
  expect(await restored.audit.verify(), note).toMatchObject({ ok: true });
};

/** The producer goes on where the restored platform is: nothing is lost or counted twice. */
const expectGoesOn = async (restored: Platform, n: number, note: string): Promise<void> => {
  expect(await restored.publishing.producerSequence('clicks', PRODUCER), note).toBe(n);
  await publishNext(restored, load.clickAt, n, 50);
  const at = load.clickAt(n + 100_000).at;
  expect(await totalsOf(restored, at), note).toEqual(wantedTotals(load.clickAt, n + 50, at));
};

beforeAll(async () => {
  platform = await open(data, 400);
  await define(platform);
  load = startLoad(platform, SEED);
  for (let instant = 0; instant < INSTANTS; instant++) {
    await sleep(random(instant) * 400);
    await backUp();
  }
  await load.stop();
  await backUp();
});

afterAll(async () => {
  await platform.close();
  rmSync(root, { recursive: true, force: true });
});

test(`backups at ${INSTANTS} random instants restore what was there (${seed})`, async () => {
  for (const [round, backup] of made.entries()) {
    const note = `${seed}, backup ${round}, ${backup.id}`;
    await withRestored({ backup: backup.id }, async (restored, { registry, logTime, audit }) => {
      expect([registry, logTime, audit], note).toEqual([
        backup.registry,
        backup.logTime,
        backup.audit,
      ]);
      const n = acceptedBy(backup);
      for (const at of timesOf(n, round)) {
        expect(await totalsOf(restored, at), note).toEqual(wantedTotals(load.clickAt, n, at));
      }
      const at = load.clickAt(n + 200_000).at;
      const earlier = load.commits.filter(({ known }) => known < logTime - 250);
      const picked = earlier[Math.floor(random(7_000 + round) * earlier.length)];
      if (picked !== undefined)
        expect(await readAll(restored, at, picked.known), note).toEqual(
          await readAll(platform, at, picked.known),
        );
      await expectPrefix(restored, audit, note);
      await expectGoesOn(restored, n, note);
    });
  }
  expect(acceptedBy(made.at(-1) as BackupEntry)).toBeGreaterThan(1_000);
});

test(`the last backup, made at rest, is equal in all (${seed})`, async () => {
  await withRestored({}, async (restored) => {
    const at = Date.now();
    expect(await readAll(restored, at)).toEqual(await readAll(platform, at));
    expect(await restored.registry.exported()).toEqual(await platform.registry.exported());
    expect(await auditOf(restored)).toEqual(await auditOf(platform));
  });
});

/** Fills that the cut interrupted end, and count what they would have counted. */
const expectFills = async (restored: Platform, n: number, note: string): Promise<void> => {
  for (const replay of await restored.replays.list()) {
    const { state, id, version } = await replayFilled(restored, replay.id);
    if (state !== 'ready') continue;
    await restored.replays.change(id, 'promote', { reason: 'restored' }, caller);
    const { values } = await restored.serving.read({
      features: ['activity:large'],
      entities: USERS.map((name) => ({ user: name })),
      at: load.clickAt(n + 100_000).at,
    });
    const events = Array.from({ length: n }, (_, i) => load.clickAt(i));
    const wanted = USERS.map((name) => [
      events.filter((e) => e.user === name && e.amount >= leastOf(version)).length,
    ]);
    expect(values, `${note}, ${id}`).toEqual(wanted);
  }
};

/** In turns: the time of a commit, its position, and a time at which a replay was being filled. */
const untilOf = (round: number): Until => {
  const { commits, fills } = load;
  const chance = random(5_000 + round);
  const { known, position } = commits[
    Math.floor(chance * (commits.length - 1))
  ] as (typeof commits)[0];
  if (round % 3 === 0) return { time: known };
  if (round % 3 === 1) return parseTopicPosition(position);
  return { time: fills[Math.floor(chance * fills.length)] as number };
};

test(`--until is the platform as it was known then (${seed})`, async () => {
  for (let round = 0; round < UNTILS; round++) {
    const until = untilOf(round);
    const note = `${seed}, until ${JSON.stringify(until)}`;
    await withRestored({ until }, async (restored, { logTime, audit, topics }) => {
      const known = 'time' in until ? until.time : logTime;
      const n = acceptedBy({ topics });
      for (const at of timesOf(n, round)) {
        expect(await totalsOf(restored, at), note).toEqual(wantedTotals(load.clickAt, n, at));
        const wanted = await readAll(platform, at, known);
        expect(await readAll(restored, at, known), note).toEqual(wanted);
        // A read of the present: it uses the tiles, which were built from the kept updates.
        if (at > Date.now()) expect(await readAll(restored, at), note).toEqual(wanted);
      }
      await expectPrefix(restored, audit, note);
      await expectFills(restored, n, note);
      await expectGoesOn(restored, n, note);
    });
  }
});

test('a further backup adds only what is new', async () => {
  await platform.close();
  await backUp();
  const before = made.at(-1) as BackupEntry;
  await backUp();
  const again = made.at(-1) as (typeof made)[0];
  expect(again.newFiles, 'nothing happened in between').toBe(0);
  platform = await open(data, 400);
  await publishNext(platform, load.clickAt, acceptedBy(again));
  await backUp();
  const more = made.at(-1) as (typeof made)[0];
  expect(more.newBytes, 'ten events were published').toBeGreaterThan(0);
  expect(more.newBytes).toBeLessThan(before.bytes / 2);
  const { status, out } = await runProcess(['backup', 'verify', backups, '--json']);
  expect(status).toBe(0);
  expect(JSON.parse(out).backups).toHaveLength(made.length);
  expect(existsSync(join(backups, 'work'))).toBe(false);
});

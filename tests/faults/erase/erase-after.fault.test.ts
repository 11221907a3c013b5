/** What comes after an erasure: lost states, backups, commands that named the entity, repair. */
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import { backUpEmbedded } from '#infra/profiles/embedded-backup.ts';
import { eraseEmbedded } from '#infra/profiles/embedded-erase.ts';
import { verifyErasure } from '#infra/profiles/embedded-erase-verify.ts';
import { repairEmbedded } from '#infra/profiles/embedded-repair.ts';
import { restoreEmbedded } from '#infra/profiles/embedded-restore.ts';
import { verifyEmbedded } from '#infra/profiles/embedded-verify.ts';
import { caller, replayFilled } from '#tests/support/platform.ts';
import { answers, disposeRunning, entity, filled, now, stop } from './erased-platform.ts';
import { FEATURES, visit } from './visits.ts';

afterEach(disposeRunning);

const loseStates = (directory: string): void => {
  const states = join(directory, 'state');
  for (const name of readdirSync(states)) rmSync(join(states, name));
};

test('states that are lost are built again as without an erasure', async () => {
  for (const trim of [false, true]) {
    const on = await filled(trim);
    const times = [visit(650).at, visit(880).at];
    await stop(on);
    const copy = join(on.files, 'copy');
    cpSync(on.directory, copy, { recursive: true });
    loseStates(on.directory);
    await on.restart();
    const wanted = await answers(on, times);
    await stop(on);
    rmSync(on.directory, { recursive: true });
    cpSync(copy, on.directory, { recursive: true });
    await eraseEmbedded({ dataDirectory: on.directory, entity, reason: 'r', now });
    loseStates(on.directory);
    await on.restart();
    expect(await answers(on, times)).toEqual(wanted);
    const read = await on.platform.serving.read({ features: FEATURES, entities: [entity] });
    expect(read.status).toEqual([['not-found', 'not-found', 'not-found']]);
    await disposeRunning();
  }
});

test('backups that are named remain in the certificate, or are removed', async () => {
  const on = await filled(false);
  await stop(on);
  const to = join(on.files, 'backups');
  const { id } = await backUpEmbedded({ dataDirectory: on.directory, to });
  const options = { dataDirectory: on.directory, entity, reason: 'r', backups: [to] };
  const { remains } = await eraseEmbedded(options);
  expect(remains.filter(({ what }) => what.includes(id))).toHaveLength(1);
  const inBackup = { dataDirectory: on.directory, entity, backups: [to] };
  const { traces } = await verifyErasure(inBackup);
  expect(traces.length).toBeGreaterThan(0);
  expect(traces.every(({ where }) => where.startsWith(to))).toBe(true);
  const { removed } = await eraseEmbedded({ ...options, removeBackups: true });
  expect(removed.backups).toEqual([to]);
  expect((await verifyErasure(inBackup)).traces).toEqual([]);
  // A backup that is made now has nothing of the entity, and can be restored.
  await backUpEmbedded({ dataDirectory: on.directory, to });
  const restored = join(on.files, 'restored');
  await restoreEmbedded({ from: to, dataDirectory: restored });
  expect((await verifyErasure({ dataDirectory: restored, entity })).traces).toEqual([]);
  expect((await verifyEmbedded({ dataDirectory: restored, deep: true })).damage).toEqual([]);
});

test('a command that named the entity remains in the chains, and the certificate says where', async () => {
  const on = await filled(false);
  const { id } = await on.platform.replays.start(
    { view: 'spending', entities: [entity], reason: 'wrong costs' },
    caller,
  );
  expect(await replayFilled(on.platform, id)).toMatchObject({ state: 'ready' });
  await stop(on);
  const options = { dataDirectory: on.directory, entity, reason: 'r', now };
  const { remains } = await eraseEmbedded(options);
  expect(remains.map(({ what }) => what)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^registry commits \d+/),
      expect.stringMatching(/^audit records \d+/),
      expect.stringMatching(/^registry@0, offsets \d+/),
    ]),
  );
  const { traces } = await verifyErasure({ dataDirectory: on.directory, entity });
  expect(traces.map(({ where }) => where).sort()).toEqual([
    join(on.directory, 'millrace.db'),
    "the database's table audit",
    "the database's table log_batch",
    "the database's table registry_commit",
  ]);
  await on.restart();
  expect((await on.platform.audit.verify()).ok).toBe(true);
});

test('a damaged batch of the log is taken from the history, with its gaps', async () => {
  const on = await filled(false);
  const times = [visit(300).at, visit(650).at];
  const before = await answers(on, times);
  await stop(on);
  await eraseEmbedded({ dataDirectory: on.directory, entity, reason: 'r', now });
  const db = new DatabaseSync(join(on.directory, 'millrace.db'));
  const sql =
    "UPDATE log_batch SET checksum = checksum + 1 WHERE base = 0 AND partition_id IN (SELECT id FROM log_partition WHERE topic = 'raw.visits')";
  expect(db.prepare(sql).run().changes).toBe(2);
  db.close();
  const repairs = await repairEmbedded({ dataDirectory: on.directory, acceptLoss: false });
  expect(repairs.map(({ lost }) => lost)).toEqual([false, false]);
  expect((await verifyEmbedded({ dataDirectory: on.directory, deep: true })).damage).toEqual([]);
  expect((await verifyErasure({ dataDirectory: on.directory, entity })).traces).toEqual([]);
  await on.restart();
  expect(await answers(on, times)).toEqual(before);
});

/**
 * The promise: after an erasure nothing has a byte of the entity, and all that is known about the
 * others is answered as before: now, in the past, by data sets, replays and exports.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { featureLogTopic, featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { backUpEmbedded } from '#infra/profiles/embedded-backup.ts';
import { eraseEmbedded } from '#infra/profiles/embedded-erase.ts';
import { verifyErasure } from '#infra/profiles/embedded-erase-verify.ts';
import { repairEmbedded } from '#infra/profiles/embedded-repair.ts';
import { restoreEmbedded } from '#infra/profiles/embedded-restore.ts';
import { verifyEmbedded } from '#infra/profiles/embedded-verify.ts';
import { finished } from '#tests/e2e/scenario.ts';
import {
  caller,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import {
  definitions,
  ERASED,
  FEATURES,
  HOUR,
  OTHERS,
  PEOPLE,
  START,
  visit,
  visitsBetween,
} from './visits.ts';

const entity = { person: ERASED };
const TOPICS = [
  rawTopic('visits'),
  rawTopic('letters'),
  featuresTopic('spending'),
  featureLogTopic('offers'),
];

let clock = START;
let parts: EmbeddedParts;
let running: TestPlatform | null = null;
afterEach(async () => {
  await running?.dispose();
  running = null;
});

const caughtUp = async (platform: Platform): Promise<void> => {
  for (;;) {
    const { views } = await platform.operations.status();
    expect(views.flatMap(({ error }) => error ?? [])).toEqual([]);
    if (views.every(({ lag, state }) => lag === 0 && state === 'live')) return;
    await sleep(2);
  }
};

const publish = async (platform: Platform, from: number, to: number): Promise<void> => {
  for (let at = from; at < to; at += 100) {
    clock = Math.max(clock, visit(Math.min(to, at + 100)).at + HOUR);
    const events = visitsBetween(at, Math.min(to, at + 100));
    const { rejected } = await platform.publishing.publish({ source: 'visits', events }, caller);
    expect(rejected).toEqual([]);
  }
};

/** Everything that the platform answers about the others. */
const answers = async (on: TestPlatform, times: readonly number[]) => {
  const { platform, files } = on;
  await caughtUp(platform);
  const entities = OTHERS.map((person) => ({ person }));
  const read = async (moment: { at?: number; known?: number }): Promise<unknown> => {
    const { values, status } = await platform.serving.read({
      features: FEATURES,
      entities,
      ...moment,
    });
    return [moment, values, status];
  };
  const reads = [await read({})];
  for (const time of times) {
    reads.push(await read({ at: time }), await read({ at: time, known: time }));
  }
  const sets: unknown[] = [];
  const rows = times.flatMap((time) => OTHERS.map((person) => ({ person, event_timestamp: time })));
  for (const mode of ['event-time', 'as-served'] as const) {
    const out = join(files, `${mode}.csv`);
    const known = times.at(-1) as number;
    const request = { target: { view: 'spending' }, spine: { rows }, out, mode, known };
    const { error } = await finished(platform, await platform.datasets.start(request, caller));
    expect(error).toBeNull();
    sets.push(readFileSync(out, 'utf8'));
    rmSync(out, { force: true });
  }
  const exported: unknown[] = [];
  for await (const batch of await platform.publishing.exportEvents('visits'))
    exported.push(...batch.filter(({ who }) => who !== ERASED));
  const { records } = await platform.operations.late('spending', { limit: 1_000 });
  const late = records
    .filter(({ entity: { person } }) => person !== ERASED)
    .map(({ logTime: _, ...record }) => record);
  expect(late.length).toBeGreaterThan(10);
  return { reads, sets, exported, late };
};

const stop = async (on: TestPlatform): Promise<void> => on.platform.close();

const filled = async (trim: boolean): Promise<TestPlatform> => {
  clock = START;
  running = await testPlatform({
    now: () => clock,
    keepLogMs: trim ? 0 : null,
    onParts: (opened) => {
      parts = opened;
    },
  });
  const { platform } = running;
  await platform.registry.apply(plain(...definitions), {}, caller);
  await publish(platform, 0, 700);
  const letter = { person: ERASED, at: clock, text: 'hello' };
  await platform.publishing.publish({ source: 'letters', events: [letter] }, caller);
  await platform.publishing.publish(
    { source: 'visits', events: [{ ...visit(0), cost: `of ${ERASED}` }, { who: 'person-1aa' }] },
    caller,
  );
  for (const person of PEOPLE)
    await platform.serving.read({ service: 'offers', entities: [{ person }] }, caller);
  const spine = { rows: [{ person: ERASED, event_timestamp: clock }] };
  const set = { target: { view: 'spending' }, spine, mode: 'event-time' } as const;
  const { error } = await finished(platform, await platform.datasets.start(set, caller));
  expect(error).toBeNull();
  clock += 5_000;
  for (const topic of TOPICS) await parts.history.sync(topic);
  for (const topic of TOPICS) await parts.history.maintain(topic);
  if (trim) {
    await running.restart();
    clock += 120_000;
    for (const topic of TOPICS) await parts.history.sync(topic);
    await parts.retention.trim();
    clock += 120_000;
    expect(await parts.retention.trim()).toBeGreaterThan(300);
  }
  // The newest event of a partition is one that will be erased.
  await publish(running.platform, 700, 901);
  return running;
};

for (const trim of [false, true])
  test(`nothing of the entity remains, and the others are as before${trim ? ', with a trimmed log' : ''}`, {
    timeout: 120_000,
  }, async () => {
    const on = await filled(trim);
    const times = [visit(300).at, visit(650).at, visit(880).at];
    const before = await answers(on, times);
    expect((await verifyErasure({ dataDirectory: on.directory, entity })).traces).not.toEqual([]);
    await stop(on);

    const options = { dataDirectory: on.directory, entity, reason: 'request 77', now: () => clock };
    const certificate = await eraseEmbedded(options);
    expect(JSON.stringify(certificate)).not.toContain(ERASED);
    expect(certificate.contained.answers).toHaveLength(1);
    expect(certificate.contained.dataSets).toHaveLength(1);
    expect(certificate.removed.records).toMatchObject({
      'raw.visits': visitsBetween(0, 901).filter(({ who }) => who === ERASED).length,
      'raw.letters': 1,
      'rejected.visits': 1,
      'served.offers': 1,
    });
    expect(await verifyErasure({ dataDirectory: on.directory, entity })).toMatchObject({
      bytesSearched: true,
      traces: [],
    });
    const { damage } = await verifyEmbedded({ dataDirectory: on.directory, deep: true });
    expect(damage).toEqual([]);
    const again = await eraseEmbedded(options);
    expect(again.removed).toEqual({ ...certificate.removed, history: {}, states: {} });
    expect(again.contained).toEqual(certificate.contained);

    await on.restart();
    expect(await answers(on, times)).toEqual(before);
    const gone = { features: FEATURES, entities: [entity] };
    for (const moment of [{}, { at: times[0] }, { at: times[2], known: times[2] }])
      expect((await on.platform.serving.read({ ...gone, ...moment } as never)).status).toEqual([
        ['not-found', 'not-found', 'not-found'],
      ]);

    if (trim) {
      clock += 120_000;
      for (const topic of TOPICS) await parts.history.sync(topic);
      await parts.retention.trim();
      clock += 120_000;
      expect(await parts.retention.trim()).toBeGreaterThan(0);
      expect((await answers(on, times)).reads.slice(1)).toEqual(before.reads.slice(1));
    }
    const { id } = await on.platform.replays.start({ view: 'spending' }, caller);
    expect(await replayFilled(on.platform, id)).toMatchObject({ state: 'ready' });
    await on.platform.replays.change(id, 'promote', {}, caller);
    expect((await on.platform.serving.read(gone)).status).toEqual([
      ['not-found', 'not-found', 'not-found'],
    ]);
    await publish(on.platform, 901, 906);
    for (const topic of TOPICS) await parts.history.sync(topic);
    await stop(on);
    expect((await verifyEmbedded({ dataDirectory: on.directory, deep: true })).damage).toEqual([]);
  });

test('an erasure that is killed after any step is finished by the next one', {
  timeout: 180_000,
}, async () => {
  const on = await filled(true);
  const times = [visit(650).at, visit(880).at];
  const before = await answers(on, times);
  await stop(on);
  const child = join(import.meta.dirname, 'erase-until-killed.ts');
  for (const step of ['found', 'log', 'history', 'states', 'end']) {
    const killed = spawn(process.execPath, [child, on.directory, step], { stdio: 'inherit' });
    const [, signal] = await once(killed, 'close');
    expect(signal).toBe('SIGKILL');
  }
  const certificate = await eraseEmbedded({
    dataDirectory: on.directory,
    entity,
    reason: 'request 77',
    now: () => clock,
  });
  expect(certificate.contained).toMatchObject({ answers: [{ service: 'offers' }] });
  expect(certificate.contained.dataSets).toHaveLength(1);
  expect(certificate.removed.records['raw.visits']).toBe(
    visitsBetween(0, 901).filter(({ who }) => who === ERASED).length,
  );
  expect((await verifyErasure({ dataDirectory: on.directory, entity })).traces).toEqual([]);
  expect((await verifyEmbedded({ dataDirectory: on.directory, deep: true })).damage).toEqual([]);
  await on.restart();
  expect(await answers(on, times)).toEqual(before);
});

const loseStates = (directory: string): void => {
  const states = join(directory, 'state');
  for (const name of readdirSync(states)) rmSync(join(states, name));
};

test('states that are lost are built again as without an erasure', {
  timeout: 120_000,
}, async () => {
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
    await eraseEmbedded({ dataDirectory: on.directory, entity, reason: 'r', now: () => clock });
    loseStates(on.directory);
    await on.restart();
    expect(await answers(on, times)).toEqual(wanted);
    const read = await on.platform.serving.read({ features: FEATURES, entities: [entity] });
    expect(read.status).toEqual([['not-found', 'not-found', 'not-found']]);
    await on.dispose();
    running = null;
  }
});

test('backups that are named remain in the certificate, or are removed', {
  timeout: 120_000,
}, async () => {
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

test('a command that named the entity remains in the chains, and the certificate says where', {
  timeout: 60_000,
}, async () => {
  const on = await filled(false);
  const { id } = await on.platform.replays.start(
    { view: 'spending', entities: [entity], reason: 'wrong costs' },
    caller,
  );
  expect(await replayFilled(on.platform, id)).toMatchObject({ state: 'ready' });
  await stop(on);
  const options = { dataDirectory: on.directory, entity, reason: 'r', now: () => clock };
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

test('a damaged batch of the log is taken from the history, with its gaps', {
  timeout: 60_000,
}, async () => {
  const on = await filled(false);
  const times = [visit(300).at, visit(650).at];
  const before = await answers(on, times);
  await stop(on);
  await eraseEmbedded({ dataDirectory: on.directory, entity, reason: 'r', now: () => clock });
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

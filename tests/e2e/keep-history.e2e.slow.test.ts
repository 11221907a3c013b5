/** What a source that does not keep its history deletes and refuses, one by one. */
import { join } from 'node:path';
import { count, entity, featureView, source } from 'millrace';
import { afterEach, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { DurationText } from '#domain/values/duration.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { expireSnapshots } from '#infra/iceberg/maintenance.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { verifyEmbedded } from '#infra/profiles/embedded-verify.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { filesBelow } from '#tests/faults/damage/fixture.ts';
import {
  caller,
  caughtUp,
  finished,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);
/** An event per hour, for 20 days. */
const EVENTS = 480;
const END = START + EVENTS * HOUR;
/**
 * With `keepHistory: '5d'`, at the end: the events of a day are accepted when it ends, which is on
 * the next day, and so are kept for a day more.
 */
const LEFT = 6 * 24;
const HORIZON = END - 6 * DAY - HOUR + 1;

const user = entity({ name: 'user', keys: { user: 'string' } });
const clicks = (keepHistory?: DurationText) =>
  source({
    name: 'clicks',
    fields: { id: 'string', user: 'string', at: 'timestamp' },
    eventTime: 'at',
    ...(keepHistory === undefined ? {} : { keepHistory }),
  });
const recent = featureView({
  name: 'recent',
  entity: user,
  source: 'clicks',
  features: { n: count({ window: '2d', hop: '1h' }) },
});
const ever = featureView({
  name: 'ever',
  entity: user,
  source: 'clicks',
  features: { n: count() },
});

const click = (i: number) => ({ id: `e${i}`, user: `u${i % 2}`, at: START + i * HOUR });

let parts: EmbeddedParts;
let clock: number;
let warnings: string[];
let running: TestPlatform;
afterEach(() => running.dispose());

/** The events are published as time goes by. */
const start = async (
  definitions: readonly Definition[],
  keepLogMs: number | null = 0,
): Promise<Platform> => {
  clock = START;
  warnings = [];
  running = await testPlatform({
    keepLogMs,
    now: () => clock,
    warn: (message) => void warnings.push(message),
    onParts: (opened) => {
      parts = opened;
    },
  });
  const { platform } = running;
  await platform.registry.apply(plain(user, ...definitions), {}, caller);
  for (let day = 0; day < EVENTS / 24; day++) {
    clock = START + (day + 1) * DAY;
    const events = Array.from({ length: 24 }, (_, i) => click(day * 24 + i));
    await platform.publishing.publish({ source: 'clicks', events }, caller);
  }
  return platform;
};

/** Saves the states, by a restart, and trims all that can be trimmed. */
const trim = async (...views: readonly string[]): Promise<Platform> => {
  const platform = await running.restart();
  await caughtUp(platform);
  for (const topic of [rawTopic('clicks'), ...views.map(featuresTopic)])
    await parts.history.sync(topic);
  clock += 5;
  await parts.retention.trim();
  await parts.retention.trim();
  return platform;
};
const horizonOf = async (platform: Platform): Promise<number | null> =>
  (await platform.operations.status()).sources[0]?.historyHorizon ?? null;

const read = (platform: Platform, view: string, at?: number) =>
  platform.serving
    .read({
      features: [`${view}:n`],
      entities: [{ user: 'u0' }, { user: 'u1' }],
      ...(at === undefined ? {} : { at }),
    })
    .then(({ values }) => values);
const trimmed = { code: 'MR_HISTORY_TRIMMED', details: { source: 'clicks' } };

test('a definition: at least a day, and not with what needs all events', async () => {
  running = await testPlatform();
  const { platform } = running;
  const refused = (definition: Definition) =>
    expect(platform.registry.apply(plain(definition), {}, caller)).rejects;
  await refused(clicks('23h')).toMatchObject({ code: 'MR_DURATION_INVALID' });
  await refused({ ...clicks('1d'), dedupeWindow: '2d' }).toThrow('ids are remembered for longer');
  const rows = { ...clicks('1d'), dimension: { key: ['user'] } };
  await refused(rows).toThrow('does not go with dimension');
  const imported = {
    ...clicks('1d'),
    fields: { ...clicks().fields, known: 'timestamp?' },
    knownTime: 'known',
  };
  await refused(imported).toThrow('does not go with knownTime');
});

test('a shorter time is a breaking change, a longer one is not', async () => {
  running = await testPlatform();
  const { platform } = running;
  const costs = async (keepHistory?: DurationText) => {
    const { changes } = await platform.registry.plan(plain(clicks(keepHistory)), {});
    return changes[0]?.cost;
  };
  const apply = (keepHistory: DurationText | undefined, force = false) =>
    platform.registry.apply(
      plain(clicks(keepHistory)),
      force ? { force, reason: 'disk space' } : {},
      caller,
    );
  await apply(undefined);
  expect(await costs('10d')).toBe('breaking');
  await expect(apply('10d')).rejects.toMatchObject({ code: 'MR_INCOMPATIBLE_REVISION' });
  await apply('10d', true);
  expect(await costs('9d')).toBe('breaking');
  expect(await costs('11d')).toBe('compatible');
  expect(await costs()).toBe('compatible');
});

test('old events are deleted, and the answers that need them are refused', async () => {
  await start([clicks('5d'), recent, ever]);
  const platform = await trim('recent', 'ever');
  const horizon = (await horizonOf(platform)) as number;
  expect(horizon).toBe(HORIZON);
  const { sources } = await platform.operations.status();
  expect(sources[0]).toMatchObject({ events: EVENTS, historyRows: LEFT });

  expect(await read(platform, 'ever')).toEqual([[EVENTS / 2], [EVENTS / 2]]);
  await expect(read(platform, 'ever', END)).rejects.toMatchObject(trimmed);
  expect(await read(platform, 'recent')).toEqual([[24], [24]]);
  expect(await read(platform, 'recent', horizon + 2 * DAY + HOUR)).toEqual([[25], [24]]);
  await expect(read(platform, 'recent', horizon + 2 * DAY - HOUR)).rejects.toMatchObject(trimmed);
  const why = (view: string) =>
    platform.serving.explain({ view, feature: 'n', entity: { user: 'u0' } });
  expect(await why('recent')).toMatchObject({ value: 24, matches: true });
  await expect(why('ever')).rejects.toMatchObject(trimmed);

  // Of an entity whose events were all deleted nothing is known any more.
  const known = await platform.serving.read({
    features: ['recent:n'],
    entities: [{ user: 'nobody' }],
    at: END,
  });
  expect(known.status).toEqual([['not-found']]);
});

test('a replay, and a new view, need events that are there', async () => {
  await start([clicks('5d'), recent, ever]);
  const platform = await trim('recent', 'ever');
  await expect(platform.replays.start({ view: 'ever' }, caller)).rejects.toMatchObject(trimmed);
  const partial = { view: 'recent', from: START, to: END };
  await expect(platform.replays.start(partial, caller)).rejects.toMatchObject(trimmed);
  const other = { ...ever, name: 'other' };
  await expect(platform.registry.apply(plain(other), {}, caller)).rejects.toMatchObject(trimmed);
  const late = { ...partial, from: END - 4 * DAY };
  for (const request of [{ view: 'recent' }, late]) {
    const { id } = await platform.replays.start(request, caller);
    expect(await replayFilled(platform, id)).toMatchObject({ state: 'ready' });
    await platform.replays.change(id, 'promote', {}, caller);
    expect(await read(platform, 'recent')).toEqual([[24], [24]]);
  }
  await platform.registry.apply(plain({ ...recent, name: 'again' }), {}, caller);
  await caughtUp(platform);
  expect(await read(platform, 'again')).toEqual([[24], [24]]);
  await expect(read(platform, 'again', END - 5 * DAY)).rejects.toMatchObject(trimmed);
});

test('data sets and exports', async () => {
  await start([clicks('5d'), recent, ever]);
  const platform = await trim('recent', 'ever');
  const build = async (view: string, at: number) => {
    const spine = { rows: [{ user: 'u0', event_timestamp: at }] };
    const request = { target: { view }, spine, mode: 'event-time' } as const;
    return (await finished(platform, await platform.datasets.start(request, caller))).error;
  };
  expect(await build('recent', END)).toBeNull();
  expect(await build('recent', END - 5 * DAY)).toMatchObject({
    ...trimmed,
    message: expect.stringContaining('source "clicks" begins at 2026-01-14T23'),
  });
  expect(await build('recent', END - 4 * DAY)).toBeNull();
  expect(await build('ever', END)).toMatchObject(trimmed);
  const left: unknown[] = [];
  for await (const rows of await platform.publishing.exportEvents('clicks')) left.push(...rows);
  expect(left.map((row) => (row as { id: string }).id)).toEqual(
    Array.from({ length: LEFT }, (_, i) => `e${EVENTS - LEFT + i}`),
  );
});

test('the files of deleted events are deleted, once no snapshot needs them', async () => {
  await start([clicks('5d'), recent]);
  await trim('recent');
  const { directory, platform } = running;
  await platform.close();
  const root = { files: localFiles(), uri: fileUri(join(directory, 'history')) };
  await expireSnapshots(tableDirectory(root, 'raw.clicks'), {
    keep: 1,
    minAge: Number.NEGATIVE_INFINITY,
    now: Date.now(),
  });
  const files = filesBelow(directory, /history\/raw\/clicks\/.*\.parquet$/);
  const duckDb = await openDuckDb({ memoryLimit: '256MB' });
  const connection = await duckDb.connect();
  const list = files.map((file) => `'${join(directory, file)}'`).join(', ');
  const rows = await connection.runAndReadAll(
    `SELECT count(*), min(_offset) FROM read_parquet([${list}], hive_partitioning = false)`,
  );
  connection.closeSync();
  duckDb.close();
  expect(rows.getRows()[0]?.map(Number)).toEqual([LEFT, EVENTS - LEFT]);
  const { damage } = await verifyEmbedded({ dataDirectory: directory, deep: true });
  expect(damage).toEqual([]);
  await running.restart();
});

test('a log that keeps all deletes with the history', async () => {
  await start([clicks('5d'), recent], null);
  const platform = await trim('recent');
  expect(await horizonOf(platform)).toBe(HORIZON);
  expect((await platform.operations.status()).sources[0]?.kept?.events).toBe(120);
});

test('a late event, and those after it, stay for as long after they arrived', async () => {
  await start([clicks('5d'), recent]);
  const { platform } = running;
  clock = END + 2 * DAY;
  await platform.publishing.publish(
    { source: 'clicks', events: [{ ...click(0), id: 'late' }, click(EVENTS)] },
    caller,
  );
  clock = END + 6 * DAY;
  expect(await horizonOf(await trim('recent'))).toBe(END - HOUR + 1);
  const rows = async () => (await running.platform.operations.status()).sources[0]?.historyRows;
  expect(await rows()).toBe(2);
  clock = END + 8 * DAY;
  await trim('recent');
  expect(await rows()).toBe(0);
});

test('nothing is deleted that a view could not do without', async () => {
  // Its updates are trimmed while the source keeps all: then only events can make its state again.
  await start([clicks(), ever]);
  await trim('ever');
  const { platform } = running;
  await platform.registry.apply(plain(clicks('5d')), { force: true, reason: 'disk space' }, caller);
  await parts.retention.trim();
  expect(await horizonOf(platform)).toBeNull();
  expect(warnings.join()).toContain('Replay the view');
  const { id } = await platform.replays.start({ view: 'ever' }, caller);
  await replayFilled(platform, id);
  await platform.replays.change(id, 'promote', {}, caller);
  await platform.replays.change(id, 'retire', {}, caller);
  await trim('ever');
  expect(await horizonOf(running.platform)).not.toBeNull();
  expect(await read(running.platform, 'ever')).toEqual([[EVENTS / 2], [EVENTS / 2]]);
});

test('a retired view holds nothing back, and is restored where its windows do not need it', async () => {
  await start([clicks('5d'), recent, ever]);
  const send = (type: string, name: string) =>
    running.platform.registry.command({ type, data: { kind: 'feature-view', name } }, caller);
  for (const { name } of [recent, ever]) await send('Retire', name);
  for (let day = 0; day < 12; day++) {
    clock += DAY;
    const events = Array.from({ length: 24 }, (_, i) => click(EVENTS + day * 24 + i));
    await running.platform.publishing.publish({ source: 'clicks', events }, caller);
  }
  const platform = await trim();
  expect(await horizonOf(platform)).toBeGreaterThan(END);
  await send('Restore', 'recent');
  await caughtUp(platform);
  expect(await read(platform, 'recent')).toEqual([[24], [24]]);
  await expect(send('Restore', 'ever')).rejects.toMatchObject(trimmed);
  await expect(platform.registry.apply(plain(ever), {}, caller)).rejects.toMatchObject(trimmed);
});

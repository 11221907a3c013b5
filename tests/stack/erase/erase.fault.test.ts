/**
 * The promise: after an erasure of the stack no server and no file has a byte of the entity, and
 * all that is known about the others is answered as before, also after a replay, and where Kafka
 * does not have the events any more. An erasure that is killed is finished by the next one, and no
 * gateway starts before.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { backUpStack } from '#infra/profiles/stack-backup.ts';
import { eraseStack } from '#infra/profiles/stack-erase.ts';
import { verifyStackErasure } from '#infra/profiles/stack-erase-verify.ts';
import type { StackOptions, StackParts } from '#infra/profiles/stack-profile-options.ts';
import { verifyStack } from '#infra/profiles/stack-verify.ts';
import { openStack } from '#infra/stack/stack.ts';
import { runProcess } from '#tests/support/cli.ts';
import { replayFilled } from '#tests/support/platform.ts';
import { HOUR } from '#tests/support/visits.ts';
import { freeBlock } from '../support/free-block.ts';
import { caller, type StackPlatform, stackPlatform, until } from '../support/platform.ts';
import {
  DAYS,
  definitions,
  ERASED,
  PEOPLE,
  recentOfOthers,
  SECOND,
  THIRD,
  valuesOf,
  visit,
  visitsBetween,
  wantedValues,
} from './people.ts';

const EVENTS = 300;
const STORES = [
  ...['/kafka/', '/iceberg/raw/', '/iceberg/rollup/', '/warehouse/paimon/', '/flink/checkpoints/'],
  ...['/datasets/', 'Redis'],
];
const root = mkdtempSync(join(tmpdir(), 'millrace-erase-'));
/** A stack of its own: what other tests leave on theirs is neither erased nor verified. */
const directory = mkdtempSync(join(tmpdir(), 'millrace-stack-'));
const basePort = await freeBlock();
const stack = openStack({ directory, basePort });
const dataDirectory = join(root, 'gateway');
const backups = join(root, 'backups');
/** So many of one person at the end of the log that a reader does not look past them by itself. */
const TAIL = Array.from({ length: 200 }, (_, i) => ({ ...visit(EVENTS + i), who: SECOND }));
const events = [...visitsBetween(0, EVENTS), ...TAIL];
const entity = { person: ERASED };
const servers = () => stack.addresses;
const options = {
  directory,
  basePort,
  reason: 'request 77',
  dataDirectories: [dataDirectory],
  settings: { archiveEveryMs: 1_000 },
};
const open: StackPlatform[] = [];

const gateway = async (more: Partial<StackOptions> = {}): Promise<Platform> => {
  const one = await stackPlatform({ addresses: servers(), dataDirectory, ...more });
  open.push(one);
  return one.platform;
};
const close = async (): Promise<void> => {
  for (const one of open.splice(0)) await one.dispose();
};

const traces = async () =>
  (
    await verifyStackErasure({
      addresses: servers(),
      entity,
      dataDirectories: [dataDirectory],
      backups: [backups],
    })
  ).traces;

/** On a busy machine, jobs start late. */
const DEADLINE_MS = 240_000;

const settled = (platform: Platform): Promise<void> =>
  until(
    'the views are computed',
    async () =>
      (await platform.operations.status()).views.every(
        ({ job, lag, position }) => job?.state === 'RUNNING' && lag === 0 && position.includes(':'),
      ),
    DEADLINE_MS,
  );

/** It waits until the history has all that the log has. */
const dataSetOf = async ({ datasets }: Platform, person: string): Promise<void> => {
  const spine = { rows: [{ person, event_timestamp: Date.now() }] };
  const set = { target: { view: 'spending' }, spine, mode: 'event-time' } as const;
  let status = await datasets.start(set, caller);
  const isDone = async (): Promise<boolean> => {
    status = await datasets.get(status.id);
    // The job that writes the history starts last, and a data set waits a minute for it.
    if (status.state === 'failed') status = await datasets.start(set, caller);
    return status.state === 'done';
  };
  await until('the data set is made', isDone, DEADLINE_MS);
};

beforeAll(async () => {
  await stack.up();
  const first = await gateway();
  const second = await gateway({ projections: false });
  await first.registry.apply(definitions, {}, caller);
  await until('the second gateway knows the source', async () =>
    second.publishing.producerSequence('visits', 'x').then(
      () => true,
      () => false,
    ),
  );
  for (let i = 0; i < events.length; i += 50) {
    const batch = events.slice(i, i + 50).map((event) => ({ ...event }));
    const { rejected } = await ((i / 50) % 2 === 0 ? first : second).publishing.publish(
      { source: 'visits', events: batch },
      caller,
    );
    expect(rejected).toEqual([]);
  }
  const letter = { person: ERASED, at: visit(0).at, text: 'hello' };
  await first.publishing.publish({ source: 'letters', events: [letter] }, caller);
  const wrong = [{ ...visit(0), cost: `of ${ERASED}` }, { who: 'person-1aa' }];
  await first.publishing.publish({ source: 'visits', events: wrong }, caller);
  for (const person of PEOPLE)
    await first.serving.read({ service: 'offers', entities: [{ person }] }, caller);
  await dataSetOf(first, ERASED);
  await settled(first);
  await first.datasets.rollup({ view: 'recently', every: 'day', ...DAYS }, caller);
  await backUpStack({ addresses: servers(), to: backups });
}, 600_000);

afterAll(async () => {
  await close();
  await stack.down();
  for (const path of [root, directory])
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
});

test('nothing of the entity remains, and the others are as before', {
  timeout: 600_000,
}, async () => {
  const [{ platform } = { platform: null }] = open;
  const running = platform as Platform;
  const at = visit(EVENTS - 50).at + HOUR;
  const known = Date.now();
  expect(await valuesOf(running)).toEqual(wantedValues(events, []));
  const before = { recent: await recentOfOthers(running, at) };
  const isEverywhere = async (): Promise<boolean> => {
    const found = await traces();
    const has = (place: string): boolean => found.some(({ where }) => where.includes(place));
    return (
      [...STORES, backups].every(has) && found.some(({ what }) => what === 'its bytes, compressed')
    );
  };
  await until('every store has the person', isEverywhere, DEADLINE_MS);
  await close();

  const certificate = await eraseStack({
    ...options,
    entity,
    backups: [backups],
    removeBackups: true,
  });
  expect(JSON.stringify(certificate)).not.toContain(ERASED);
  expect(await traces()).toEqual([]);
  expect(certificate.removed.records).toMatchObject({
    'raw.visits': events.filter(({ who }) => who === ERASED).length,
    'raw.letters': 1,
    'rejected.visits': 1,
    'served.offers': 1,
  });
  expect(certificate.removed.history['rollup.recently_v1_day']?.rows).toBeGreaterThan(0);
  expect(certificate.removed.backups).toEqual([backups]);
  expect(certificate.contained.answers).toHaveLength(1);
  expect(certificate.contained.dataSets).toHaveLength(1);
  expect(certificate.recomputed).toEqual([{ view: 'popular', generation: 2 }]);

  const again = await gateway();
  expect(await valuesOf(again)).toEqual(wantedValues(events, [ERASED]));
  expect(await valuesOf(again, { at })).toEqual(wantedValues(events, [ERASED], at));
  expect(await valuesOf(again, { at, known })).toEqual(wantedValues(events, [ERASED], at));
  expect(await recentOfOthers(again, at)).toEqual(before.recent);
  await settled(again);
  expect(await valuesOf(again), 'from tiles').toEqual(wantedValues(events, [ERASED]));
  expect((await verifyStack({ addresses: servers(), deep: true })).damage).toEqual([]);
});

test('an erasure that is killed at any point is finished by the next one, and nothing comes back', {
  timeout: 900_000,
}, async () => {
  const platform = open[0]?.platform ?? (await gateway());
  const at = visit(EVENTS - 50).at + HOUR;
  const before = await recentOfOthers(platform, at);
  await close();
  const child = join(import.meta.dirname, 'erase-until-killed.ts');
  const steps = [
    'request',
    'log: raw.visits, partition 1',
    'log',
    'history: raw.visits',
    'derived',
  ];
  for (const step of [...steps, 'started']) {
    const killed = spawn(process.execPath, [child, directory, String(basePort), SECOND, step], {
      stdio: 'inherit',
    });
    const [, signal] = await once(killed, 'close');
    expect(signal, step).toBe('SIGKILL');
  }
  await expect(gateway()).rejects.toMatchObject({ code: 'MR_REFUSED' });
  const other = { ...options, entity };
  await expect(eraseStack(other)).rejects.toMatchObject({ code: 'MR_REFUSED' });

  const file = join(root, 'certificate.json');
  const onStack = ['--profile', 'stack', '--stack', directory, '--gateways', dataDirectory];
  // Who is erased is known from the request.
  const finished = await runProcess(['erase', ...onStack, '--certificate', file, '--json']);
  expect(finished.status, finished.err).toBe(0);
  const { certificate } = JSON.parse(readFileSync(file, 'utf8'));
  expect(certificate).toMatchObject({
    reason: 'request 78',
    contained: { answers: [{ service: 'offers' }], views: ['spending', 'recently', 'fleeting'] },
    recomputed: [{ view: 'popular', generation: 3 }],
  });
  expect(Object.keys(certificate.removed.states)).toContain(
    "state of Flink's job millrace-compute-spending-g1",
  );
  const mine = events.filter(({ who }) => who === SECOND);
  expect(certificate.removed.records['raw.visits']).toBe(mine.length);
  const verified = ['erase', 'verify', ...onStack, '--entity', `person=${SECOND}`];
  expect(await runProcess(verified)).toMatchObject({ status: 0 });

  const again = await gateway();
  const wanted = wantedValues(events, [ERASED, SECOND]);
  expect(await valuesOf(again)).toEqual(wanted);
  expect(await recentOfOthers(again, at)).toEqual(before);
  await settled(again);
  expect(await valuesOf(again), 'from tiles').toEqual(wanted);
  const { id } = await again.replays.start({ view: 'spending' }, caller);
  expect(await replayFilled(again, id)).toMatchObject({ state: 'ready' });
  await again.replays.change(id, 'promote', {}, caller);
  await again.publishing.publish({ source: 'visits', events: [{ ...visit(2) }] }, caller);
  const replayed = wantedValues([...events, visit(2)], [ERASED, SECOND]);
  const isRead = async (): Promise<boolean> =>
    JSON.stringify(await valuesOf(again)) === JSON.stringify(replayed);
  await until('the replayed values have the new event', isRead, DEADLINE_MS);
  // The history goes on after the erased events.
  await dataSetOf(again, 'person-1aa');
  expect(await traces()).toEqual([]);
  expect((await runProcess(verified)).status).toBe(0);
  expect((await verifyStack({ addresses: servers(), deep: true })).damage).toEqual([]);
});

test('the last events of a source are erased after Kafka has deleted all of its records', {
  timeout: 900_000,
}, async () => {
  await close();
  let parts: StackParts | undefined;
  const trimming = await gateway({ keepLogMs: 0, onParts: (opened) => void (parts = opened) });
  const last = Array.from({ length: 4 }, (_, i) => ({ ...visit(i), who: THIRD }));
  await trimming.publishing.publish({ source: 'visits', events: last }, caller);
  await settled(trimming);
  const log = await kafkaLog({ brokers: [servers().kafka], clientId: 'erases' });
  const topic = rawTopic('visits');
  const isTrimmed = async (): Promise<boolean> => {
    await parts?.retention.trim();
    const partitions = (await log.begin(topic)).keys().toArray();
    const left = await Promise.all(partitions.map((one) => log.read(topic, one, 0, 1)));
    return left.flat().length === 0;
  };
  await until('Kafka has no visit', isTrimmed, DEADLINE_MS);
  await log.close();
  await close();

  const certificate = await eraseStack({
    ...{ ...options, entity: { person: THIRD }, backups: [backups], stuckAfterMs: 90_000 },
  });
  const found = await verifyStackErasure({
    ...{ addresses: servers(), entity: { person: THIRD }, dataDirectories: [dataDirectory] },
  });
  expect(found.traces).toEqual([]);
  expect(certificate.recomputed).toEqual([{ view: 'popular', generation: 4 }]);
  // Which events were late is known from the log's order only.
  const [remains, ...others] = certificate.remains.filter(({ what }) =>
    what.includes('not computed again yet'),
  );
  expect(others).toEqual([]);
  expect(remains?.what).toContain('recently');
  expect(remains?.why).toContain('their order');

  const again = await gateway();
  const all = [...events, visit(2), ...last];
  const gone = [ERASED, SECOND, THIRD];
  const isRead = async (wanted: unknown): Promise<boolean> =>
    JSON.stringify(await valuesOf(again)) === JSON.stringify(wanted);
  await until('others are as before', () => isRead(wantedValues(all, gone)), DEADLINE_MS);
  await dataSetOf(again, 'person-1aa');
  const [of] = (await again.operations.status()).sources.filter(
    ({ source }) => source === 'visits',
  );
  expect(of?.historyError ?? null).toBe(null);
  await again.publishing.publish({ source: 'visits', events: [visit(3)] }, caller);
  const wanted = wantedValues([...all, visit(3)], gone);
  await until('the new event is counted', () => isRead(wanted), DEADLINE_MS);
  const { id } = await again.replays.start({ view: 'recently' }, caller);
  expect(await replayFilled(again, id)).toMatchObject({ state: 'ready' });
});

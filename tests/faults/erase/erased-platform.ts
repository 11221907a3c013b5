/** A platform with data of all kinds about several people, and all that it answers of others. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { featureLogTopic, featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import {
  caller,
  caughtUp,
  finished,
  plain,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import { HOUR } from '#tests/support/visits.ts';
import {
  definitions,
  ERASED,
  FEATURES,
  OTHERS,
  PEOPLE,
  START,
  visit,
  visitsBetween,
} from './visits.ts';

export const entity = { person: ERASED };
export const TOPICS = [
  rawTopic('visits'),
  rawTopic('letters'),
  featuresTopic('spending'),
  featureLogTopic('offers'),
];

let clock = START;
export const now = (): number => clock;
export const advance = (ms: number): void => {
  clock += ms;
};
let opened: EmbeddedParts;
export const parts = (): EmbeddedParts => opened;
let running: TestPlatform | null = null;
export const disposeRunning = async (): Promise<void> => {
  await running?.dispose();
  running = null;
};

export const publish = async (platform: Platform, from: number, to: number): Promise<void> => {
  for (let at = from; at < to; at += 100) {
    clock = Math.max(clock, visit(Math.min(to, at + 100)).at + HOUR);
    const events = visitsBetween(at, Math.min(to, at + 100));
    const { rejected } = await platform.publishing.publish({ source: 'visits', events }, caller);
    expect(rejected).toEqual([]);
  }
};

/** Everything that the platform answers about the others. */
export const answers = async (on: TestPlatform, times: readonly number[]) => {
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

export const stop = async (on: TestPlatform): Promise<void> => on.platform.close();

export const filled = async (trim: boolean): Promise<TestPlatform> => {
  clock = START;
  running = await testPlatform({
    now: () => clock,
    keepLogMs: trim ? 0 : null,
    onParts: (found) => {
      opened = found;
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
  for (const topic of TOPICS) await opened.history.sync(topic);
  for (const topic of TOPICS) await opened.history.maintain(topic);
  if (trim) {
    await running.restart();
    clock += 120_000;
    for (const topic of TOPICS) await opened.history.sync(topic);
    await opened.retention.trim();
    clock += 120_000;
    expect(await opened.retention.trim()).toBeGreaterThan(300);
  }
  // The newest event of a partition is one that will be erased.
  await publish(running.platform, 700, 901);
  return running;
};

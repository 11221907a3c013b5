/**
 * A compatible revision of a source holds: after it, every aggregation over old events and new ones
 * has the value that a brute-force computation gives, wherever it is read: online, in the past, as
 * known before the revision, in an explanation, after a restart, in data sets of both modes, and
 * after a replay.
 */

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { ViewExplanation } from '#domain/api/serving.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import type { Row } from '#domain/values/value.ts';
import {
  caller,
  plain,
  replayFilled,
  type TestPlatform,
  testPlatform,
} from '#tests/support/platform.ts';
import { CHANGES, type Change } from './changes.ts';
import { ENTITIES, type Revised, revised, viewOf } from './revised.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2030, 0, 1);
const REVISIONS = Math.max(...CHANGES.map(({ revisions }) => revisions.length));

let clock = START;
let running: TestPlatform;
let sources: Revised;
const platform = (): Platform => running.platform;

beforeEach(async () => {
  clock = START;
  running = await testPlatform({ now: () => clock });
  sources = revised(CHANGES, platform, () => clock);
  await sources.register();
  await publish();
});
afterEach(() => running.dispose());

const publish = async (): Promise<void> => {
  await sources.publish();
  clock += 1000;
};

const noViewIsStalled = async (): Promise<void> => {
  const { views } = await platform().operations.status();
  expect(views.filter(({ error }) => error !== null)).toEqual([]);
};

test('the computation goes on, and every way to read has the right values', {
  timeout: 120_000,
}, async () => {
  const before = clock - 500;
  for (let i = 0; i < REVISIONS; i++) {
    await sources.revise();
    await publish();
  }
  const after = clock;
  clock += HOUR;
  await sources.expectReads('online');
  await noViewIsStalled();
  await sources.expectReads('in the past', { at: START - 7 * HOUR });
  await sources.expectReads('as known before', { at: before, known: before });
  for (const change of CHANGES)
    for (const feature of ['newest', 'top', 'sum_all']) {
      const why = await platform().serving.explain({
        view: viewOf(change),
        feature: `${change.name}_${feature}`,
        entity: ENTITIES[0] as EntityKey,
      });
      expect([change.name, feature, why.matches]).toEqual([change.name, feature, true]);
      expect((why as ViewExplanation).updates.length).toBeGreaterThan(0);
    }
  await sources.expectDataSet('event-time', [START - 7 * HOUR, before, after], running.files);
  await sources.expectDataSet('as-served', [before, after], running.files);
  await sources.expectReads('in the past, from the history', { at: START - 7 * HOUR });

  const replays = await Promise.all(
    CHANGES.map((change) => platform().replays.start({ view: viewOf(change) }, caller)),
  );
  for (const [i, { id }] of replays.entries()) {
    const { name } = CHANGES[i] as Change;
    expect([name, (await replayFilled(platform(), id)).state]).toEqual([name, 'ready']);
    const { features, onlyLive, onlyCandidate } = await platform().replays.compare(id);
    const differing = features.filter((feature) => feature.differing > 0);
    expect([name, differing, onlyLive, onlyCandidate]).toEqual([name, [], [], []]);
    await platform().replays.change(id, 'promote', {}, caller);
  }
  await sources.expectReads('after a replay');
  await running.restart();
  await sources.expectReads('after a replay and a restart');

  const exported = await Promise.all(
    CHANGES.map(async ({ definitions: { source } }) => {
      const events: Row[] = [];
      for await (const rows of await platform().publishing.exportEvents(source.name))
        events.push(...rows);
      return { source, events };
    }),
  );
  await running.dispose();
  running = await testPlatform({ now: () => clock });
  const { entity } = (CHANGES[0] as Change).definitions;
  await platform().registry.apply(
    plain(entity, ...CHANGES.flatMap(({ definitions: { source, view } }) => [source, view])),
    {},
    caller,
  );
  for (const { source, events } of exported)
    await platform().publishing.publish({ source: source.name, events }, caller);
  await sources.expectReads('exported, and published again');
});

test('a restart before a revision, between two, and after', { timeout: 120_000 }, async () => {
  for (let i = 0; i < REVISIONS; i++) {
    if (i < 2) await running.restart();
    await sources.revise();
    if (i === 1) await running.restart();
    await publish();
    await sources.expectReads(`after revision ${i + 1}`);
  }
  await running.restart();
  await noViewIsStalled();
  await sources.expectReads('after a restart');
});

/**
 * A platform whose source does not keep its history (`keepHistory`) gets random events over many
 * days, and its history is trimmed again and again. Whatever it is asked, it gives the value
 * computed from all events, also of those that were deleted, or refuses. It refuses exactly what
 * counts deleted events at a past time.
 *
 * One answer may lack deleted events: an entity all of whose events were deleted counts as unknown
 * in past reads, in data sets and in generations that are filled later.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import { MillraceError } from '#domain/errors.ts';
import { coveredFrom } from '#domain/plan/covered-from.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { EARLIEST } from '#domain/sources/refusal.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import { type EmbeddedParts, startEmbedded } from '#infra/profiles/embedded.ts';
import { definitions, moments, rawEvents, sentRow } from '#tests/oracle/arbitraries.ts';
import { keyValues } from '#tests/oracle/oracle.ts';
import { caller, caughtUp, finished, replayFilled } from '#tests/support/platform.ts';
import { entitiesOf, expectOracle, NOW, type Scenario, spineRows } from './scenario.ts';

const RUNS = Number(process.env.MILLRACE_RUNS ?? 3);
const DAY = 86_400_000;

const ACTS = ['none', 'restart', 'lose states', 'replay', 'apply', 'maintain'] as const;

interface Round {
  /** days after the round before */
  readonly gap: number;
  /** events keep the times of the first round, so they come late */
  readonly late: boolean;
  readonly act: (typeof ACTS)[number];
}

interface Drawn extends Scenario {
  readonly keepDays: number;
  readonly rounds: readonly Round[];
}

const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    all: definitions(),
    events: rawEvents(40),
    batch: fc.integer({ min: 1, max: 15 }),
    keepDays: fc.constantFrom(1, 2, 8),
    rounds: fc.array(
      fc.record({
        gap: fc.constantFrom(0, 1, 3, 9),
        late: fc.constantFrom(false, false, true),
        act: fc.constantFrom(...ACTS),
      }),
      { minLength: 3, maxLength: 6 },
    ),
  })
  .chain(({ all, events, keepDays, rounds, ...rest }) => {
    const by = NOW - Math.max(...events.map(({ eventTime }) => eventTime));
    const first = events.map((event) => {
      const eventTime = event.eventTime + by;
      return { ...event, eventTime, row: { ...event.row, t: eventTime } };
    });
    // The times of all rounds.
    const days = rounds.reduce((sum, { gap }) => sum + gap, 0);
    const later = first.map((event) => ({ ...event, eventTime: event.eventTime + days * DAY }));
    const source = { ...all.source, keepHistory: `${keepDays}d` };
    return fc
      .array(moments(all, [...first, ...later]), { minLength: 3, maxLength: 6 })
      .map((ats) => ({
        ...rest,
        all: { ...all, source },
        events: first.filter(({ eventTime }) => eventTime >= EARLIEST),
        ats: ats.filter((at) => at >= EARLIEST),
        keepDays,
        rounds,
      }));
  });

const counts = { deleted: 0, refused: 0, answered: 0 };

/** The value, or null where it was refused because events were deleted. */
const orTrimmed = async <T>(body: () => Promise<T>): Promise<T | null> => {
  try {
    const value = await body();
    counts.answered++;
    return value;
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'MR_HISTORY_TRIMMED') throw error;
    expect(error.details).toMatchObject({ source: expect.any(String) });
    counts.refused++;
    return null;
  }
};

const check = async (scenario: Drawn, directory: string): Promise<void> => {
  const { all, batch, rounds } = scenario;
  const name = all.source.name;
  const plan = planView(all.view, all.source, all.entity);
  const features = Object.keys(all.view.features);
  let clock = NOW;
  let parts = null as unknown as EmbeddedParts;
  const warnings: string[] = [];
  const open = (): Promise<Platform> =>
    startEmbedded({
      dataDirectory: join(directory, 'data'),
      now: () => clock,
      historyEveryMs: 0,
      keepLogMs: 0,
      warn: (message) => void warnings.push(message),
      onParts: (opened) => {
        parts = opened;
      },
    });
  let platform = await open();
  await platform.registry.apply([all.entity, all.source, all.view], {}, caller);
  const views = [all.view.name];
  /** what was published, in order */
  const published: RawEvent[] = [];
  /** views, or generations, that were filled when events were missing */
  const filledLater = new Set<string>();

  const horizonNow = async (): Promise<number> =>
    (await platform.operations.status()).sources[0]?.historyHorizon ?? Number.NEGATIVE_INFINITY;

  const expectValue = (
    entity: EntityKey,
    at: number,
    horizon: number,
    [values, status]: readonly [readonly Value[], readonly FeatureStatus[] | undefined],
    mayBeUnknown: boolean,
  ): void => {
    const key = JSON.stringify(Object.values(entity));
    const isKnown = published.some(
      (event) =>
        event.eventTime >= horizon &&
        event.eventTime <= at &&
        JSON.stringify(keyValues(all, event.row)) === key,
    );
    const left = published.filter(({ eventTime }) => eventTime >= horizon);
    try {
      expectOracle(scenario, published, entity, at, values, status);
    } catch (error) {
      // Its rows may be there, and not pass the view's filter.
      if (!mayBeUnknown || (isKnown && all.view.where === undefined)) throw error;
      expectOracle(scenario, left, entity, at, values, status);
    }
  };

  const publish = async ({ late }: Round): Promise<void> => {
    const by = late ? 0 : clock - NOW;
    const sent = scenario.events
      .slice(published.length % Math.max(1, scenario.events.length))
      .slice(0, batch)
      .map((event) => {
        const eventTime = event.eventTime + by;
        return { ...event, eventTime, row: { ...event.row, t: eventTime } };
      });
    if (sent.length === 0) return;
    const events = sent.map(({ row }) => sentRow(row));
    const result = await platform.publishing.publish({ source: name, events }, caller);
    expect(result.rejected).toEqual([]);
    for (const event of sent)
      published.push({ ...event, partition: 0, offset: published.length, logTime: clock });
  };

  const trim = async (): Promise<void> => {
    await caughtUp(platform);
    for (const topic of [rawTopic(name), ...views.map(featuresTopic)])
      await parts.history.sync(topic);
    clock += 3;
    await parts.retention.trim();
    await parts.retention.trim();
  };

  const replay = async (): Promise<void> => {
    const view = views[0] as string;
    const horizon = await horizonNow();
    const started = await orTrimmed(() => platform.replays.start({ view }, caller));
    expect(started === null).toBe(coveredFrom(plan, clock) < horizon);
    if (started === null) return;
    expect(await replayFilled(platform, started.id)).toMatchObject({ state: 'ready' });
    await platform.replays.change(started.id, 'promote', {}, caller);
    if (Number.isFinite(horizon)) filledLater.add(view);
  };

  const apply = async (): Promise<void> => {
    const view = { ...all.view, name: `seen_${views.length}` };
    const horizon = await horizonNow();
    const applied = await orTrimmed(() => platform.registry.apply([view], {}, caller));
    expect(applied === null).toBe(coveredFrom(plan, clock) < horizon);
    if (applied === null) return;
    views.push(view.name);
    if (Number.isFinite(horizon)) filledLater.add(view.name);
  };

  const restart = async (losesStates: boolean): Promise<void> => {
    await platform.close();
    const states = join(directory, 'data', 'state');
    if (losesStates) {
      for (const file of readdirSync(states)) rmSync(join(states, file));
      // What windows cover is computed again from the events that are left.
      for (const view of views) filledLater.add(view);
    }
    platform = await open();
  };

  const compare = async (): Promise<void> => {
    await caughtUp(platform);
    const horizon = await horizonNow();
    const entities = entitiesOf({ ...scenario, events: published }).slice(0, 4);
    for (const view of views) {
      const named = features.map((feature) => `${view}:${feature}`);
      const present = await platform.serving.read({ features: named, entities });
      expect(present.degraded).toBeUndefined();
      entities.forEach((entity, i) =>
        expectValue(
          entity,
          present.at,
          horizon,
          [present.values[i] as Value[], present.status[i]],
          filledLater.has(view),
        ),
      );
      for (const at of scenario.ats.filter((time) => time < clock)) {
        const past = await orTrimmed(() =>
          platform.serving.read({ features: named, entities, at }),
        );
        expect(past === null, `at ${at}, horizon ${horizon}`).toBe(coveredFrom(plan, at) < horizon);
        if (past === null) continue;
        entities.forEach((entity, i) =>
          expectValue(entity, at, horizon, [past.values[i] as Value[], past.status[i]], true),
        );
        const why = await orTrimmed(() =>
          platform.serving.explain({
            view,
            feature: features[0] as string,
            entity: entities[0] as EntityKey,
            at,
          }),
        );
        expect(why?.matches ?? true).toBe(true);
      }
    }
    await compareDataSet(horizon, entities);
  };

  const compareDataSet = async (horizon: number, entities: readonly EntityKey[]): Promise<void> => {
    const ats = scenario.ats.filter((at) => at < clock);
    if (ats.length === 0) return;
    const rows: readonly Row[] = spineRows(ats, entities);
    const out = join(directory, 'rows.csv');
    const target = { view: all.view.name };
    for (const mode of ['event-time', 'as-served'] as const) {
      const request = { target, spine: { rows }, out, mode, overwrite: true };
      const { error } = await finished(platform, await platform.datasets.start(request, caller));
      const refused = coveredFrom(plan, Math.min(...ats)) < horizon;
      expect(error !== null, `${error?.message}`).toBe(refused);
      if (refused) {
        expect(error?.code).toBe('MR_HISTORY_TRIMMED');
        continue;
      }
      if (mode === 'as-served') continue;
      const simple = plan.features.every((f) => f.type.base === 'long' && !f.type.array);
      if (!simple) continue;
      const lines = readFileSync(out, 'utf8').trimEnd().split('\n').slice(1);
      rows.forEach((_, i) => {
        const cells = (lines[i] as string).split(',').slice(-features.length);
        expectValue(
          entities[i % entities.length] as EntityKey,
          ats[Math.floor(i / entities.length)] as number,
          horizon,
          [cells.map((cell) => (cell === '' ? null : Number(cell))), undefined],
          true,
        );
      });
    }
  };

  for (const [i, round] of rounds.entries()) {
    clock += round.gap * DAY;
    await publish(round);
    if (round.act === 'restart') await restart(false);
    if (round.act === 'lose states') await restart(true);
    await trim();
    if (round.act === 'maintain') await parts.history.maintain(rawTopic(name));
    if (round.act === 'replay') await replay();
    if (round.act === 'apply') await apply();
    if (i % 2 === 1) await compare();
  }
  await compare();
  await restart(false);
  await compare();
  const { sources } = await platform.operations.status();
  counts.deleted += published.length - (sources[0]?.historyRows ?? published.length);
  expect(warnings).toEqual([]);
  await platform.close();
};

test('answers over a trimmed history are those over all events, or refused', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(drawn, async (scenario) => {
      const directory = mkdtempSync(join(tmpdir(), 'millrace-keep-'));
      try {
        await check(scenario, directory);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  for (const [what, count] of Object.entries(counts)) expect(count, what).toBeGreaterThan(0);
});

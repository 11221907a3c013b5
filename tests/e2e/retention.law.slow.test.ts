/**
 * Two platforms get the same definitions and events, in the same order and at the same times. The
 * log of one is trimmed at random moments, and loses its saved states at some of them. Whatever
 * they are asked, they answer the same. (Untrimmed platforms are compared with the oracle in
 * platform.law.test.ts.)
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DatasetRequest } from '#domain/api/datasets.ts';
import type { Platform } from '#domain/api/platform.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { EARLIEST } from '#domain/sources/refusal.ts';
import type { Row } from '#domain/values/value.ts';
import { type EmbeddedParts, startEmbedded } from '#infra/profiles/embedded.ts';
import { definitions, moments, rawEvents, sentRow } from '#tests/oracle/arbitraries.ts';
import { caller, caughtUp, finished, replayFilled } from '#tests/support/platform.ts';
import { entitiesOf, NOW, type Scenario, spineRows } from './scenario.ts';

const RUNS = Number(process.env.MILLRACE_RUNS ?? 3);
const KEEP_MS = [0, 4, 12] as const;

const STEPS = [
  ...(['publish', 'publish', 'publish', 'trim', 'trim', 'trim', 'restart'] as const),
  ...(['lose states', 'replay', 'partial replay', 'apply', 'revise', 'maintain'] as const),
] as const;
type Step = (typeof STEPS)[number];

interface Drawn extends Scenario {
  readonly steps: readonly Step[];
  readonly keepMs: number;
}

const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    all: definitions({ lateness: true }),
    events: rawEvents(40),
    batch: fc.integer({ min: 5, max: 40 }),
    partitions: fc.constantFrom(1, 2, 3),
    steps: fc.array(fc.constantFrom(...STEPS), { minLength: 5, maxLength: 12 }),
    keepMs: fc.constantFrom(...KEEP_MS),
  })
  .chain(({ all, events, partitions, ...rest }) => {
    // Half of the events come late, for the decisions about late events.
    const by = NOW - Math.max(...events.map(({ eventTime }) => eventTime));
    const moved = events
      .map((event) => {
        const eventTime = event.eventTime + by;
        return { ...event, eventTime, row: { ...event.row, t: eventTime } };
      })
      .filter(({ eventTime }) => eventTime >= EARLIEST && eventTime <= NOW);
    return fc.array(moments(all, moved), { minLength: 2, maxLength: 3 }).map((ats) => ({
      ...rest,
      all: { ...all, source: { ...all.source, partitions } },
      events: moved,
      ats: ats.filter((at) => at <= NOW),
    }));
  });

/** One of the two platforms. */
const openSubject = async (keepMs: number | null, now: () => number) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-retention-'));
  let parts: EmbeddedParts | null = null;
  const warnings: string[] = [];
  const open = (): Promise<Platform> =>
    startEmbedded({
      dataDirectory: directory,
      now,
      historyEveryMs: 0,
      warn: (message) => void warnings.push(message),
      keepLogMs: keepMs,
      onParts: (opened) => {
        parts = opened;
      },
    });
  let platform = await open();
  return {
    directory,
    warnings,
    get platform() {
      return platform;
    },
    async restart(losesStates: boolean) {
      await platform.close();
      const states = join(directory, 'state');
      if (losesStates) for (const name of readdirSync(states)) rmSync(join(states, name));
      platform = await open();
    },
    async sync(topics: readonly string[]): Promise<void> {
      const { history } = parts as unknown as EmbeddedParts;
      for (const topic of topics) await history.sync(topic);
    },
    trim: (): Promise<number> => (parts as unknown as EmbeddedParts).retention.trim(),
    maintain: async (topic: string) => parts?.history.maintain(topic),
    async dispose() {
      await platform.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
type Subject = Awaited<ReturnType<typeof openSubject>>;

/** Everything that a platform answers about its data. */
const answers = async (
  { platform, directory }: Subject,
  { all, ats }: Drawn,
  views: readonly string[],
  entities: readonly EntityKey[],
  knowns: readonly number[],
  modes: readonly DatasetRequest['mode'][],
): Promise<unknown> => {
  await caughtUp(platform);
  const names = Object.keys(all.view.features);
  const features = views.flatMap((view) => names.map((name) => `${view}:${name}`));
  const values = async (times: { at?: number; known?: number }): Promise<unknown> => {
    const answer = await platform.serving.read({ features, entities, ...times });
    return [times, answer.values, answer.status, answer.views.map((view) => view.generation)];
  };
  const reads: unknown[] = [await values({})];
  for (const at of ats) reads.push(await values({ at }));
  for (const known of knowns) reads.push(await values({ at: known, known }));
  for (const known of knowns.slice(0, 1))
    for (const at of ats.slice(0, 1)) reads.push(await values({ at, known }));
  const explained: unknown[] = [];
  for (const times of [{}, { at: ats[0] ?? NOW }, { known: knowns[0] ?? NOW }]) {
    const { updates: _, ...why } = (await platform.serving.explain({
      view: views[0] as string,
      feature: names[0] as string,
      entity: entities[0] as EntityKey,
      ...times,
    })) as unknown as Record<string, unknown>;
    explained.push(why);
  }
  const sets: unknown[] = [];
  const rows = spineRows([...ats, ...knowns], entities);
  for (const mode of modes) {
    const out = `${directory}-${mode}-${sets.length}.csv`;
    const target = { view: views[0] as string };
    const started = await platform.datasets.start({ target, spine: { rows }, out, mode }, caller);
    const { error } = await finished(platform, started);
    sets.push(error ?? readFileSync(out, 'utf8'));
    rmSync(out, { force: true });
  }
  const exported: unknown[] = [];
  for await (const batch of await platform.publishing.exportEvents(all.source.name))
    exported.push(...batch);
  const late = await platform.operations.late(all.view.name, {});
  const sequence = await platform.publishing.producerSequence(all.source.name, 'p');
  return { reads, explained, sets, exported, late, sequence };
};

/** @returns how many records were trimmed */
const check = async (scenario: Drawn): Promise<number> => {
  const { all, events, batch, steps, keepMs } = scenario;
  let clock = NOW;
  const subjects = [
    await openSubject(keepMs, () => clock),
    await openSubject(null, () => clock),
  ] as const;
  const both = async (act: (subject: Subject) => Promise<unknown>): Promise<void> => {
    for (const subject of subjects) await act(subject);
    clock += 3;
  };
  const views = [all.view.name];
  const source = all.source.name;
  const knowns: number[] = [];
  const entities = entitiesOf(scenario).slice(0, 3);
  let next = 0;
  let trimmed = 0;
  let extra = 0;
  const publish = (): Promise<void> => {
    const sent = Array.from({ length: events.length === 0 ? 0 : batch }, (_, i) =>
      sentRow(events[(next + i) % events.length]?.row as Row),
    );
    const request = { source, events: sent, producer: { id: 'p', sequence: next } };
    next += sent.length;
    knowns.push(clock);
    return both(async ({ platform }) => {
      const { rejected } = await platform.publishing.publish(request, caller);
      expect(rejected).toEqual([]);
    });
  };
  const replay = (range: { from?: number; to?: number }): Promise<void> =>
    both(async ({ platform }) => {
      await caughtUp(platform);
      const { id } = await platform.replays.start({ view: all.view.name, ...range }, caller);
      expect(await replayFilled(platform, id)).toMatchObject({ state: 'ready' });
      await platform.replays.change(id, 'promote', {}, caller);
    });
  const compare = async (
    what: string,
    modes: readonly DatasetRequest['mode'][] = [],
  ): Promise<void> => {
    const compared = [...new Set([views[0] as string, views.at(-1) as string])];
    const chosen = [...new Set([knowns[0], knowns.at(-1)])].flatMap((time) => time ?? []);
    const [cut, whole] = [
      await answers(subjects[0], scenario, compared, entities, chosen, modes),
      await answers(subjects[1], scenario, compared, entities, chosen, modes),
    ];
    expect(cut, `after ${what}`).toEqual(whole);
    clock += 3;
  };
  const act: Readonly<Record<Step, () => Promise<void>>> = {
    publish,
    async trim() {
      // What the log answers from the history does not depend on trimming, so both have the same.
      await both((subject) => subject.sync([rawTopic(source), ...views.map(featuresTopic)]));
      trimmed += (await subjects[0].trim()) + (await subjects[0].trim());
    },
    restart: () => both((subject) => subject.restart(false)),
    'lose states': () => both((subject) => subject.restart(true)),
    replay: () => replay({}),
    'partial replay': () => replay({ from: NOW - 86_400_000, to: NOW }),
    apply() {
      const view = { ...all.view, name: `seen_${views.length}` };
      views.push(view.name);
      return both(({ platform }) => platform.registry.apply([view], {}, caller));
    },
    revise() {
      extra++;
      const added = Object.fromEntries(
        Array.from({ length: extra }, (_, i) => [`extra${i}`, 'string?'] as const),
      );
      const revised = { ...all.source, fields: { ...all.source.fields, ...added } };
      return both(({ platform }) => platform.registry.apply([revised], {}, caller));
    },
    maintain: () => both((subject) => subject.maintain(rawTopic(source)) ?? Promise.resolve()),
  };
  try {
    await both(({ platform }) =>
      platform.registry.apply([all.entity, all.source, all.view], {}, caller),
    );
    await publish();
    await act.trim();
    for (const [i, step] of steps.entries()) {
      await act[step]();
      if (i === 5) await compare(steps.slice(0, i + 1).join(', '));
    }
    await act.trim();
    await compare(`${steps.join(', ')}, trim`, ['event-time', 'as-served']);
    expect(subjects[0].warnings.filter((text) => text.includes('trimmed'))).toEqual([]);
    return trimmed;
  } finally {
    for (const subject of subjects) await subject.dispose();
  }
};

test('a platform with a trimmed log answers as one with all of its log', {
  timeout: 300_000,
}, async () => {
  let trimmed = 0;
  await fc.assert(
    fc.asyncProperty(drawn, async (scenario) => {
      trimmed += await check(scenario);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect(trimmed).toBeGreaterThan(0);
});

/**
 * The skew report of a whole platform equals the one computed directly. Definitions are random;
 * events come in random batches, some late, some ahead of the clock, with reads in between. The
 * report has the same differences, sizes and causes, and nothing is unexplained.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { SKEW_CAUSES, type SkewCause } from '#domain/feature-log/skew.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { parsePosition } from '#domain/ports/position.ts';
import type { RawEvent, Scalar, Value } from '#domain/values/value.ts';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { definitions, rowAt } from '#tests/oracle/arbitraries.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';

const RUNS = Number(process.env.MILLRACE_RUNS ?? 12);
const NOW = Date.UTC(2030, 0, 1);
const caller = { actor: 'test' };

interface Round {
  readonly events: readonly RawEvent[];
  /** how far the clock advances before the reads, and again after them, ms */
  readonly pause: number;
}
interface Scenario {
  readonly all: Definitions;
  readonly rounds: readonly Round[];
}

const STEPS = [1, 1_000, 60_000, 3_600_000, 86_400_000];
/** Mostly in the past, sometimes ahead of the clock by less than a day. */
const event = fc
  .record({
    step: fc.constantFrom(...STEPS),
    times: fc.integer({ min: -20, max: 0 }),
    ahead: fc.constantFrom(0, 0, 0, 0, 0, 0, 3_600_000),
  })
  .chain(({ step, times, ahead }) => rowAt(NOW + step * times + ahead));

const scenario: fc.Arbitrary<Scenario> = fc.record({
  // The direct computation has no sketches.
  all: fc
    .oneof(definitions(), definitions({ lateness: true }))
    .filter(({ view }) =>
      Object.values(view.features).every(({ aggregation }) => !aggregation.startsWith('approx')),
    ),
  rounds: fc
    .array(
      fc.record({
        events: fc.array(event, { minLength: 1, maxLength: 12 }),
        pause: fc.constantFrom(1, 1_000, 60_000, 7_200_000),
      }),
      { minLength: 2, maxLength: 5 },
    )
    .map((rounds) => {
      let offset = 0;
      return rounds.map(({ events, pause }) => ({
        pause,
        events: events.map(
          (row): RawEvent => ({
            row,
            eventTime: row.t as number,
            partition: 0,
            offset: offset++,
            logTime: 0,
          }),
        ),
      }));
    }),
});

interface Read {
  readonly at: number;
  /** how many events there were */
  readonly count: number;
  readonly values: readonly (readonly Value[])[];
  /** events left out as late by then */
  readonly leftOut: ReadonlySet<number>;
}

const leftOutNow = async (platform: Platform, all: Definitions): Promise<ReadonlySet<number>> => {
  const { records } = await platform.operations.late(all.view.name, { limit: 10_000 });
  return new Set(
    records.map(
      ({ position }) => parsePosition(position, `raw.${all.source.name}`)[0]?.offset as number,
    ),
  );
};

const check = async (
  { all, rounds }: Scenario,
  directory: string,
  seen: Map<SkewCause, number>,
): Promise<void> => {
  let clock = NOW;
  const platform = await startEmbedded({
    dataDirectory: directory,
    now: () => clock,
    historyEveryMs: 0,
    warn: () => {},
  });
  const names = Object.keys(all.view.features);
  const service: Definition = {
    kind: 'feature-service',
    name: 'model',
    features: [{ from: 'view', view: all.view.name, features: names }],
    logging: { sample: 1 },
  };
  await platform.registry.apply([all.entity, all.source, all.view, service], {}, caller);
  const events = rounds.flatMap((round) => round.events);
  const keyNames = Object.keys(all.entity.keys);
  const entities = [
    ...new Map(
      events.flatMap(({ row }) => {
        const values = keyValues(all, row);
        return values === null ? [] : [[JSON.stringify(values), values] as const];
      }),
    ).values(),
  ];
  const asked = entities.map(
    (values): EntityKey =>
      Object.fromEntries(keyNames.map((name, i) => [name, values[i] as Scalar])),
  );
  const reads: Read[] = [];
  let count = 0;
  for (const { events: batch, pause } of rounds) {
    const published = await platform.publishing.publish(
      { source: all.source.name, events: batch.map(({ row }) => row) },
      caller,
    );
    expect(published.rejected).toEqual([]);
    count += batch.length;
    clock += pause;
    if (asked.length === 0) continue;
    const { at, values } = await platform.serving.read(
      { service: 'model', entities: asked },
      { actor: 'test', requestId: `r-${count}` },
    );
    reads.push({ at, count, values, leftOut: await leftOutNow(platform, all) });
    clock += pause;
  }
  const report = await platform.serving.skew({ service: 'model' });
  await platform.close();

  expect(report.logged).toEqual({ requests: reads.length, rows: reads.length * entities.length });
  expect(report.compared).toEqual(report.logged);
  expect(
    report.unexplained,
    JSON.stringify(report.features.flatMap(({ examples }) => examples)),
  ).toBe(0);
  const plan = planView(all.view, all.source, all.entity);
  names.forEach((feature, f) => {
    const { aggregation } = all.view.features[feature] as { aggregation: string };
    const isLong = plan.features[f]?.type.base === 'long';
    const want: Record<SkewCause, number> = {
      lag: 0,
      'left-out': 0,
      late: 0,
      definition: 0,
      unexplained: 0,
    };
    let differing = 0;
    for (const read of reads)
      entities.forEach((entity, e) => {
        const answer = (of: readonly RawEvent[]) => oracle(all, of, entity, read.at);
        const [before, last] = [answer(events.slice(0, read.count)), answer(events)];
        const same = (a: Value | undefined, b: Value | undefined): boolean =>
          sameValue(aggregation, isLong, a, b, last.scale[f] as number);
        const served = read.values[e]?.[f];
        // The law itself: a served value is the value over the known events, without those left out
        // (tiles) or with them (folded).
        const lawful = [
          answer(events.slice(0, read.count).filter(({ offset }) => !read.leftOut.has(offset))),
          before,
        ];
        expect(lawful.some(({ values }) => same(served, values[f]))).toBe(true);
        if (same(served, last.values[f])) return;
        differing++;
        if (!same(served, before.values[f])) want['left-out']++;
        if (!same(before.values[f], last.values[f])) want.late++;
      });
    const found = report.features[f];
    expect({ feature: found?.feature, differing: found?.differing, causes: found?.causes }).toEqual(
      {
        feature,
        differing,
        causes: want,
      },
    );
    for (const cause of SKEW_CAUSES) seen.set(cause, (seen.get(cause) ?? 0) + want[cause]);
  });
};

test('the report names the differences and causes that the direct computation finds', {
  timeout: 180_000,
}, async () => {
  const seen = new Map<SkewCause, number>();
  await fc.assert(
    fc.asyncProperty(scenario, async (drawn) => {
      const directory = mkdtempSync(join(tmpdir(), 'millrace-skew-'));
      try {
        await check(drawn, directory, seen);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect(seen.get('late')).toBeGreaterThan(0);
});

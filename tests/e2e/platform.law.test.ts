/**
 * The online read, the read of the past, the explanation and the training set of a whole platform
 * equal the values computed directly from all events. Definitions and events are random, events
 * come in random batches, and everything is compared again after a restart.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { Value } from '#domain/values/value.ts';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { sentRow } from '#tests/oracle/arbitraries.ts';
import { oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { finished } from '#tests/support/platform.ts';
import { entitiesOf, expectOracle, NOW, type Scenario, scenario, spineRows } from './scenario.ts';

const RUNS = Number(process.env.MILLRACE_RUNS ?? 8);
const caller = { actor: 'test' };
const NUMERIC = new Set(['int', 'long', 'float', 'double']);

const check = async (scenario: Scenario, directory: string): Promise<void> => {
  const { all, events, ats, batch } = scenario;
  let clock = NOW;
  const open = (): Promise<Platform> =>
    startEmbedded({
      dataDirectory: join(directory, 'data'),
      now: () => clock,
      historyEveryMs: 0,
      warn: () => {},
    });
  let platform = await open();
  await platform.registry.apply([all.entity, all.source, all.view], {}, caller);
  const features = Object.keys(all.view.features).map((name) => `${all.view.name}:${name}`);
  const entities = entitiesOf(scenario);

  const known: { readonly time: number; readonly count: number }[] = [];
  for (let i = 0; i < events.length; i += batch) {
    const result = await platform.publishing.publish(
      { source: all.source.name, events: events.slice(i, i + batch).map((e) => sentRow(e.row)) },
      caller,
    );
    expect(result.rejected).toEqual([]);
    known.push({
      time: (await platform.serving.read({ features, entities: entities.slice(0, 1) })).known,
      count: Math.min(events.length, i + batch),
    });
    clock += 1 + (i % 3);
  }

  const readAll = async (): Promise<void> => {
    const now = await platform.serving.read({ features, entities });
    entities.forEach((entity, i) =>
      expectOracle(scenario, events, entity, now.at, now.values[i] as Value[], now.status[i]),
    );
    for (const at of ats) {
      const past = await platform.serving.read({ features, entities, at });
      entities.forEach((entity, i) =>
        expectOracle(scenario, events, entity, at, past.values[i] as Value[], past.status[i]),
      );
    }
  };
  await readAll();

  for (const { time, count } of known.slice(0, 3)) {
    for (const at of [time, ...ats.slice(0, 1)]) {
      const then = await platform.serving.read({ features, entities, at, known: time });
      entities.forEach((entity, i) =>
        expectOracle(
          scenario,
          events.slice(0, count),
          entity,
          at,
          then.values[i] as Value[],
          then.status[i],
        ),
      );
    }
  }

  for (const at of ats.slice(0, 2)) {
    const [feature] = Object.keys(all.view.features) as [string];
    const why = await platform.serving.explain({
      view: all.view.name,
      feature,
      entity: entities[0] as EntityKey,
      at,
    });
    expect(
      why.matches,
      `explain says ${JSON.stringify(why.value)} and computes ${JSON.stringify(why.recomputed)}`,
    ).toBe(true);
  }

  await platform.close();
  platform = await open();
  await readAll();

  if (ats.length > 0) {
    const rows = spineRows(ats, entities);
    const out = join(directory, 'rows.csv');
    const built = await finished(
      platform,
      await platform.datasets.start(
        {
          target: { view: all.view.name },
          spine: { rows },
          out,
          overwrite: true,
          mode: 'event-time',
        },
        caller,
      ),
    );
    expect(built.error).toBeNull();
    expect(built.rows).toBe(rows.length);
    const table = readFileSync(out, 'utf8');
    expect(table.split('\n').length).toBeGreaterThanOrEqual(rows.length + 1);
    const plan = planView(all.view, all.source, all.entity);
    // Keys here have no comma and no line end, so that the first feature's column is found by
    // splitting the line.
    const columns = (table.split('\n')[0] as string).split(',');
    const numeric = plan.features.findIndex((f) => NUMERIC.has(f.type.base) && !f.type.array);
    const simple = plan.features
      .slice(0, numeric)
      .every((f) => NUMERIC.has(f.type.base) && !f.type.array);
    if (numeric >= 0 && simple) {
      const column = columns.indexOf(plan.features[numeric]?.name as string);
      const { aggregation } = Object.values(all.view.features)[numeric] as { aggregation: string };
      const lines = table.trimEnd().split('\n').slice(1);
      rows.forEach((_, i) => {
        const at = ats[Math.floor(i / entities.length)] as number;
        const entity = entities[i % entities.length] as EntityKey;
        const text = (lines[i] as string).split(',')[column] as string;
        const want = oracle(all, events, Object.values(entity), at);
        const got = text === '' ? null : Number(text);
        expect(
          sameValue(
            aggregation,
            plan.features[numeric]?.type.base === 'long',
            got,
            want.values[numeric],
            want.scale[numeric] as number,
          ),
          `row ${i} of the data set: ${text}, wanted ${JSON.stringify(want.values[numeric])}`,
        ).toBe(true);
      });
    }
  }
  await platform.close();
};

test('online, past, explained and exported values equal those computed directly, before and after a restart', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc.constant(false)), async (drawn) => {
      const directory = mkdtempSync(join(tmpdir(), 'millrace-law-'));
      try {
        await check(drawn, directory);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
});

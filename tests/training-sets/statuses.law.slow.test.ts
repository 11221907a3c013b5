/**
 * The statuses in a data set equal those that the definition gives, and those of an online read: at
 * the row's time in event-time mode, of the row's time and knowledge as served. Definitions and
 * events are random, and events become known batch by batch.
 */

import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type {
  FeatureServiceDefinition,
  OnDemandFeatureDefinition,
} from '#domain/definitions/model.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import { readValues } from '#infra/training-sets/read-values.ts';
import {
  entitiesOf,
  expectOracle,
  NOW,
  type Scenario,
  scenario,
  spineRows,
} from '#tests/e2e/scenario.ts';
import { sentRow } from '#tests/oracle/arbitraries.ts';
import { caller, finished, testPlatform } from '#tests/support/platform.ts';

const RUNS = Number(process.env.MILLRACE_RUNS ?? 8);

/** Of a view's feature: 1 if it has a value, else null. */
const onDemand: OnDemandFeatureDefinition = {
  kind: 'on-demand-feature',
  name: 'has',
  type: 'int',
  inputs: { value: { from: 'feature', view: 'seen', feature: 'f0' } },
  value: {
    op: 'when',
    branches: [
      [
        { op: 'call', fn: 'isNull', args: [{ op: 'input', name: 'value' }] },
        { op: 'lit', value: null },
      ],
    ],
    otherwise: { op: 'lit', value: 1 },
  },
};

interface Moment {
  readonly at: number;
  readonly known?: number;
  /** those that were known */
  readonly events: readonly RawEvent[];
}

const check = async (drawn: Scenario): Promise<void> => {
  const { all, events, ats, batch } = drawn;
  let clock = NOW;
  const running = await testPlatform({ now: () => clock });
  const { platform, files } = running;
  const features = Object.keys(all.view.features);
  const service: FeatureServiceDefinition = {
    kind: 'feature-service',
    name: 'everything',
    features: [
      { from: 'view', view: all.view.name, features },
      { from: 'on-demand', name: onDemand.name },
    ],
  };
  const entities = entitiesOf(drawn);

  const expectSet = async (
    mode: 'event-time' | 'as-served',
    moments: readonly Moment[],
  ): Promise<void> => {
    const rows = spineRows(
      moments.map(({ at }) => at),
      entities,
    );
    if (rows.length === 0) return;
    const out = join(files, `${mode}.parquet`);
    const request = { target: { service: service.name }, spine: { rows }, out, mode };
    const built = await finished(
      platform,
      await platform.datasets.start({ ...request, withStatus: true }, caller),
    );
    expect(built).toMatchObject({ error: null, features: [...features, onDemand.name] });
    const written = await readValues(out);
    const names = [...features, onDemand.name];
    expect([...(written[0] as ReadonlyMap<string, Value>).keys()]).toEqual([
      ...Object.keys(rows[0] as Row),
      ...names.flatMap((name) => [name, `${name}__status`]),
    ]);
    for (const [m, { at, known, events: counted }] of moments.entries()) {
      const read = await platform.serving.read({
        service: service.name,
        entities,
        at,
        ...(known === undefined ? {} : { known }),
      });
      entities.forEach((entity: EntityKey, e) => {
        const row = written[m * entities.length + e] as ReadonlyMap<string, Value>;
        const statuses = names.map((name) => row.get(`${name}__status`) as FeatureStatus);
        expect({ mode, at, entity, statuses }).toEqual({
          mode,
          at,
          entity,
          statuses: read.status[e],
        });
        const ofView = statuses.slice(0, -1);
        const values = features.map((name) => row.get(name) as Value);
        expectOracle(drawn, counted, entity, at, values, ofView);
      });
    }
  };

  try {
    await platform.registry.apply(
      [all.entity, all.source, all.view, onDemand, service],
      {},
      caller,
    );
    const served: Moment[] = [];
    for (let i = 0; i < events.length; i += batch) {
      const sent = events.slice(i, i + batch).map(({ row }) => sentRow(row));
      await platform.publishing.publish({ source: all.source.name, events: sent }, caller);
      const { known } = await platform.serving.read({ service: service.name, entities });
      served.push({ at: known, known, events: events.slice(0, i + batch) });
      clock += [1, 60_000, 3_600_000][i % 3] as number;
    }
    await expectSet(
      'event-time',
      ats.map((at) => ({ at, events })),
    );
    await expectSet('as-served', served.slice(0, 5));
  } finally {
    await running.dispose();
  }
};

test('statuses equal those of the definition and of online reads, in both modes', {
  timeout: 120_000,
}, async () => {
  await fc.assert(fc.asyncProperty(scenario(fc.boolean()), check), {
    numRuns: RUNS,
    endOnFailure: true,
  });
});

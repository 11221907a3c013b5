/**
 * Sliding windows in cases that are rare among random definitions: many tiles of one entity, read
 * at every step, with events that are late for a suffix, between suffixes, before them, and for
 * tiles that the queue has turned into suffixes.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FeatureDefinition, FeatureViewDefinition } from '#domain/definitions/model.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { resultValues, valueAt } from '#domain/training-sets/columns.ts';
import { slidingView } from '#domain/training-sets/sliding-view.ts';
import { statusAt, statusCodes } from '#domain/training-sets/statuses.ts';
import type { RawEvent } from '#domain/values/value.ts';
import { featureDefinition, SOURCE } from '#tests/oracle/arbitraries.ts';
import { oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';

const SPANS: readonly Pick<FeatureDefinition, 'window' | 'hop'>[] = [
  { window: '7ms', hop: '1ms' },
  { window: '20ms', hop: '5ms' },
  { window: '6ms', hop: '3ms' },
  { window: '40ms', hop: '1ms' },
];

const entity = { kind: 'entity', name: 'one', keys: { k: 'string' } } as const;

const views = fc
  .array(fc.record({ feature: featureDefinition(), span: fc.constantFrom(...SPANS) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map(
    (drawn): FeatureViewDefinition => ({
      kind: 'feature-view',
      name: 'slid',
      entity: 'one',
      source: SOURCE.name,
      features: Object.fromEntries(
        drawn.map(({ feature: { where: _, window: __, hop: ___, ...feature }, span }, i) => [
          `f${i}`,
          { ...feature, ...span },
        ]),
      ),
    }),
  );

const events = fc
  .array(
    fc.record({
      t: fc.integer({ min: -40, max: 40 }),
      lag: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 45 })),
      x: fc.integer({ min: -9, max: 9 }),
      s: fc.constantFrom('a', 'b', null),
    }),
    {
      minLength: 5,
      maxLength: 60,
    },
  )
  .map((drawn) =>
    drawn
      .map(({ t, lag, x, s }, offset): RawEvent & { readonly visible: number } => ({
        row: { t, k: 'e', j: 0, x, n: x, s, b: x > 0, d: x, y: 'AA==', tags: ['p'] },
        eventTime: t,
        partition: 0,
        offset,
        logTime: t + lag,
        visible: t + lag,
      }))
      .sort((a, b) => a.visible - b.visible || a.offset - b.offset),
  );

test('a window that slides has the values of the window computed directly', () => {
  fc.assert(
    fc.property(
      views,
      events,
      fc.array(fc.integer({ min: -45, max: 100 }), { minLength: 1, maxLength: 30 }),
      (view, seen, drawn) => {
        const definitions = { view, source: SOURCE, entity };
        const plan = planView(view, SOURCE, entity);
        const times = drawn.toSorted((a, b) => a - b);
        const outputs = plan.features.map(({ type }, feature) => ({
          feature,
          values: resultValues(type, times.length),
          statuses: statusCodes(times.length),
        }));
        const sliding = slidingView(plan, 1, outputs);
        let fed = 0;
        times.forEach((at, row) => {
          for (; fed < seen.length && (seen[fed] as { visible: number }).visible <= at; fed++) {
            const {
              row: fields,
              visible,
              eventTime,
              partition,
              offset,
            } = seen[fed] as (typeof seen)[number];
            sliding.add(0, fields, visible, eventTime, partition, offset);
          }
          sliding.read(0, at, row);
          const { values, scale, status } = oracle(definitions, seen.slice(0, fed), ['e'], at);
          expect(outputs.map(({ statuses }) => statusAt(statuses, row))).toEqual(status);
          plan.features.forEach(({ name, type }, f) => {
            const found = valueAt({ type, values: outputs[f]?.values ?? [] }, row);
            const same = sameValue(
              view.features[name]?.aggregation ?? '',
              type.base === 'long',
              found,
              values[f],
              scale[f] as number,
            );
            if (!same) expect({ at, name, value: found }).toEqual({ at, name, value: values[f] });
          });
        });
        const tiles = plan.features.reduce(
          (sum, { windowMs, hop }) => sum + (windowMs ?? 0) / (plan.hops[hop]?.hopMs ?? 1) + 4,
          0,
        );
        expect(sliding.size).toBeLessThanOrEqual(2 * tiles);
      },
    ),
    { numRuns: 300 },
  );
});

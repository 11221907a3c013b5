/** A feature is null only where its type says so; each nullable type has a case that is null. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '#domain/aggregations/table.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { foldFeatures } from '#domain/tiles/fold.ts';
import type { Scalar, Value } from '#domain/values/value.ts';
import { MISSING_CASES, missingValues } from '#scripts/generate/definitions/missing-values.ts';
import { definitions, moments, rawEvents } from '#tests/oracle/arbitraries.ts';
import { keyValues } from '#tests/oracle/oracle.ts';

test('no read of a random view is null where the type of the feature is not nullable', () => {
  let checked = 0;
  fc.assert(
    fc.property(
      fc
        .tuple(definitions(), rawEvents())
        .chain(([all, events]) =>
          fc.tuple(
            fc.constant(all),
            fc.constant(events),
            fc.array(moments(all, events), { minLength: 3, maxLength: 6 }),
          ),
        ),
      ([all, events, ats]) => {
        const plan = planView(all.view, all.source, all.entity);
        const sure = plan.features.flatMap(({ type }, i) => (type.nullable ? [] : [i]));
        const keys = events.flatMap(({ row }) => {
          const values: readonly Value[] | null = keyValues(all, row);
          return values === null ? [] : [encodeKey(values as readonly Scalar[])];
        });
        for (const key of new Set([...keys, 'of no event']))
          for (const at of ats) {
            const { values, status } = foldFeatures(plan, events, key, at);
            for (const i of sure) {
              checked++;
              expect(values[i], `${plan.features[i]?.name}, which is ${status[i]}`).not.toBeNull();
            }
          }
      },
    ),
    { numRuns: 150 },
  );
  expect(checked).toBeGreaterThan(100);
});

test.each([...AGGREGATIONS.keys()])(
  '%s: its type is nullable if it is null in some case',
  (name) => {
    const { type, cases } = missingValues(name);
    const without = cases.filter(({ id }) => id !== 'expired');
    expect(without.some(({ value }) => value === null)).toBe(type.nullable);
    const expired = cases.find(({ id }) => id === 'expired');
    expect([expired?.value, expired?.type.nullable]).toEqual([null, true]);
    expect(cases.map(({ id }) => id)).toEqual(MISSING_CASES.map(({ id }) => id));
  },
);

/**
 * The value at the end of a period is that of the definition at the end, of the events before it:
 * for random views and events, many of them at exactly an end. A row is there if the entity exists
 * then, has not expired, and one of its windows has an event. The scan is cut into batches at
 * random.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planView } from '#domain/plan/plan-view.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { resultValues, valueAt } from '#domain/training-sets/columns.ts';
import { spineKeys } from '#domain/training-sets/spine-keys.ts';
import type { RawEvent, Scalar, Value } from '#domain/values/value.ts';
import { definitions, rawEvents, SOURCE } from '#tests/oracle/arbitraries.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { joinRows } from '#tests/training-sets/columns.ts';
import { atEnd } from './expected.ts';

interface Case {
  readonly view: Definitions;
  readonly events: readonly RawEvent[];
  readonly late: readonly boolean[];
  readonly ends: readonly number[];
  readonly spanEvents: number;
}

const HOUR = 3_600_000;

/** Half of the events are moved to a whole hour, which is an end. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    view: definitions({ lateness: true, dimension: true }),
    events: rawEvents(40),
    scale: fc.constantFrom(1, 10_000, 1_000_000),
  })
  .chain(({ view, events, scale }) =>
    fc
      .record({
        moved: fc.array(fc.boolean(), { minLength: events.length, maxLength: events.length }),
        late: fc.array(fc.constantFrom(false, false, false, true), {
          minLength: events.length,
          maxLength: events.length,
        }),
        ends: fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
        spanEvents: fc.constantFrom(1, 2, 5, 1000),
      })
      .map(({ moved, late, ends, spanEvents }): Case => {
        const times = events.map(({ eventTime }, i) => {
          const time = Math.floor(eventTime / scale);
          return moved[i] === true ? Math.floor(time / HOUR) * HOUR : time;
        });
        const near = (end: number): number => {
          const time = times[end % Math.max(1, times.length)] ?? 0;
          return (Math.floor(time / HOUR) + (end % 3)) * HOUR;
        };
        return {
          view,
          late,
          spanEvents,
          ends: [...new Set(ends.map(near))],
          events: events.map((event, i) => {
            const t = times[i] as number;
            return { ...event, eventTime: t, row: { ...event.row, t } };
          }),
        };
      }),
  );

const coded = (entities: readonly (readonly Value[])[], part: number) => {
  const values = [...new Set(entities.map((entity) => entity[part] as Scalar))];
  return {
    codes: Int32Array.from(entities, (entity) => values.indexOf(entity[part] as Scalar)),
    values,
  };
};

test('a value at the end of a period counts the events before it', () => {
  let atEnds = 0;
  fc.assert(
    fc.property(cases, ({ view, events, late, ends, spanEvents }) => {
      const plan = planView(view.view, view.source, view.entity);
      const keys = events.flatMap((event) => {
        const key = keyValues(view, event.row);
        return key === null ? [] : [key];
      });
      const entities = [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()];
      const spine = ends.flatMap((at) => entities.map((entity) => ({ at, entity })));
      if (spine.length === 0) return;
      const times = Float64Array.from(spine, ({ at }) => at);
      const marks = new Float64Array(spine.length);
      const outputs = plan.features.map(({ type }, feature) => ({
        feature,
        values: resultValues(type, spine.length),
      }));
      const all = spine.map(({ entity }) => entity);
      joinRows(
        {
          plan,
          fields: sourceFields(SOURCE),
          outputs,
          excluded: events.filter((_, i) => late[i] === true),
          marks,
        },
        SOURCE,
        events.map((event) => ({ event, visible: event.eventTime })),
        spanEvents,
        spineKeys(plan.keys.map((_, part) => coded(all, part))),
        { times, halfOpen: true },
      );
      const counting = events.filter((_, i) => late[i] !== true);
      spine.forEach(({ at, entity }, row) => {
        const before = counting.filter(({ eventTime }) => eventTime < at);
        atEnds += counting.length - before.length;
        const { values, scale } = oracle(view, before, entity, at);
        const isThere = atEnd(view, counting, entity, at) !== null;
        expect({ row, at, entity, mark: marks[row] }).toEqual({
          row,
          at,
          entity,
          mark: isThere ? 1 : 0,
        });
        plan.features.forEach((feature, f) => {
          const output = outputs[f] as (typeof outputs)[number];
          const found = valueAt({ type: feature.type, values: output.values }, row);
          const { aggregation } = Object.values(view.view.features)[f] as { aggregation: string };
          const isLong = feature.type.base === 'long';
          if (!sameValue(aggregation, isLong, found, values[f], scale[f] as number))
            expect({ at, entity, feature: feature.name, value: found }).toEqual({
              at,
              entity,
              feature: feature.name,
              value: values[f],
            });
        });
      });
    }),
    { numRuns: 300 },
  );
  expect(atEnds).toBeGreaterThan(100);
});

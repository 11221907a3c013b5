/**
 * The join equals its definition, row by row: values, and statuses where they are wanted. Views,
 * events and spines are random: events late, out of order, in the same millisecond, before 1970,
 * null; spines in any order, with duplicates, unknown entities, and times before all events. The
 * events come in spans of any size, in both modes.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planView } from '#domain/plan/plan-view.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { resultValues, valueAt } from '#domain/training-sets/columns.ts';
import type { SlidingOutput } from '#domain/training-sets/sliding-view.ts';
import { spineKeys } from '#domain/training-sets/spine-keys.ts';
import { statusAt, statusCodes } from '#domain/training-sets/statuses.ts';
import { orderByTime } from '#domain/training-sets/time-order.ts';
import type { RawEvent, Scalar, Value } from '#domain/values/value.ts';
import { definitions, moments, SOURCE } from '#tests/oracle/arbitraries.ts';
import { denseEvents } from '#tests/oracle/dense-events.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { joinRows, type SeenEvent } from './columns.ts';

interface SpineRow {
  readonly entity: readonly Value[];
  readonly at: number;
}

interface Case {
  readonly views: readonly Definitions[];
  readonly events: readonly RawEvent[];
  /**
   * for as-served, by event: how long after its log time it became visible (null: never), and
   * whether it was dropped as late
   */
  readonly lags: readonly { readonly lag: number | null; readonly dropped: boolean }[] | null;
  readonly spines: readonly (readonly SpineRow[])[];
  readonly spanEvents: number;
  readonly withStatus: boolean;
}

const visibleAt = (events: readonly RawEvent[], lags: Case['lags'], i: number): number | null => {
  const event = events[i] as RawEvent;
  if (lags === null) return event.eventTime;
  const { lag } = lags[i] as { readonly lag: number | null };
  return lag === null ? null : Math.max(event.eventTime, event.logTime + lag);
};

/**
 * A spine has a row for each view at each time. Half of the times are those at which an event
 * becomes visible, or one millisecond before.
 */
const cases: fc.Arbitrary<Case> = fc
  .record({
    views: fc.array(definitions({ lateness: true, dimension: true }), {
      minLength: 1,
      maxLength: 2,
    }),
    events: denseEvents,
  })
  .chain(({ views, events }) => {
    const lag = fc.record({
      lag: fc.constantFrom(0, 0, 1, 60_000, 1e9, null),
      dropped: fc.constantFrom(false, false, false, true),
    });
    const row = fc.record({
      at: fc.oneof(...views.map((view) => moments(view, events))),
      event: fc.nat(),
      off: fc.constantFrom(null, 0, 0, -1, 1),
      missing: fc.constantFrom(false, false, false, false, false, true),
    });
    return fc
      .record({
        lags: fc.option(fc.array(lag, { minLength: events.length, maxLength: events.length }), {
          nil: null,
        }),
        rows: fc.array(row, { minLength: 1, maxLength: 40 }),
        spanEvents: fc.constantFrom(1, 2, 3, 7, 1000),
        withStatus: fc.boolean(),
      })
      .map(({ lags, rows, spanEvents, withStatus }): Case => {
        const spines = views.map((view) => {
          const unknown: readonly Value[] = Object.values(view.entity.keys).map((type) =>
            type === 'string' ? 'absent' : 99,
          );
          return [...rows, ...rows.slice(0, 2)].map(({ at, event, off, missing }): SpineRow => {
            const i = event % Math.max(1, events.length);
            const key =
              events.length === 0 || missing ? null : keyValues(view, (events[i] as RawEvent).row);
            const visible = events.length === 0 || off === null ? null : visibleAt(events, lags, i);
            return {
              at: visible === null ? at : visible + (off as number),
              entity: key ?? unknown,
            };
          });
        });
        return { views, events, lags, spines, spanEvents, withStatus };
      });
  });

const codedKeys = (
  rows: readonly SpineRow[],
  part: number,
): { codes: Int32Array; values: Scalar[] } => {
  const values = [...new Set(rows.map(({ entity }) => entity[part] as Scalar))];
  return {
    codes: Int32Array.from(rows, ({ entity }) => values.indexOf(entity[part] as Scalar)),
    values,
  };
};

const join = ({ views, events, lags, spines, spanEvents, withStatus }: Case): SlidingOutput[][] => {
  const seen = events.flatMap((event, i): SeenEvent[] => {
    const visible = visibleAt(events, lags, i);
    return visible === null ? [] : [{ event, visible }];
  });
  const times = Float64Array.from(spines[0] as readonly SpineRow[], ({ at }) => at);
  const excluded = events.filter((_, i) => lags?.[i]?.dropped === true);
  return views.map((view, v) => {
    const plan = planView(view.view, view.source, view.entity);
    const rows = spines[v] as readonly SpineRow[];
    const keys = spineKeys(plan.keys.map((_, part) => codedKeys(rows, part)));
    const outputs = plan.features.map(({ type }, feature) => ({
      feature,
      values: resultValues(type, rows.length),
      ...(withStatus ? { statuses: statusCodes(rows.length) } : {}),
    }));
    const joined = { plan, fields: sourceFields(SOURCE), outputs, excluded };
    joinRows(joined, SOURCE, seen, spanEvents, keys, { times });
    return outputs;
  });
};

const expectedEvents = ({ events, lags }: Case, at: number): readonly RawEvent[] =>
  lags === null
    ? events
    : events.filter(
        (event, i) =>
          lags[i]?.dropped === false &&
          lags[i]?.lag !== null &&
          event.logTime + (lags[i]?.lag as number) <= at,
      );

test('every row has the values and the statuses of its time, as the definition computes them', () => {
  fc.assert(
    fc.property(cases, (drawn) => {
      const outputs = join(drawn);
      drawn.views.forEach((view, v) => {
        const plan = planView(view.view, view.source, view.entity);
        (drawn.spines[v] as readonly SpineRow[]).forEach(({ entity, at }, row) => {
          const { values, scale, status } = oracle(view, expectedEvents(drawn, at), entity, at);
          const filled = outputs[v] as SlidingOutput[];
          const statuses = filled.flatMap((output) => output.statuses ?? []);
          expect(statuses.map((codes) => statusAt(codes, row))).toEqual(
            drawn.withStatus ? status : [],
          );
          plan.features.forEach((feature, f) => {
            const found = valueAt(
              { type: feature.type, values: (filled[f] as SlidingOutput).values },
              row,
            );
            const { aggregation } = Object.values(view.view.features)[f] as { aggregation: string };
            const same = sameValue(
              aggregation,
              feature.type.base === 'long',
              found,
              values[f],
              scale[f] as number,
            );
            if (!same)
              expect({ row, entity, at, feature: feature.name, value: found }).toEqual({
                row,
                entity,
                at,
                feature: feature.name,
                value: values[f],
              });
          });
        });
      });
    }),
    { numRuns: 300 },
  );
});

test('rows are ordered by time, and rows of one time by their position', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.integer({ min: -3, max: 3 }),
          fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }),
        ),
      ),
      (drawn) => {
        const times = Float64Array.from(drawn);
        const expected = [...times.keys()].sort(
          (a, b) => (times[a] as number) - (times[b] as number) || a - b,
        );
        expect([...orderByTime(times)]).toEqual(expected);
      },
    ),
  );
});

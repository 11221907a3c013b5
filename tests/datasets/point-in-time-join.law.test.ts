/**
 * The join equals the definition, row by row: for random views, events (late, out of order, of one millisecond, before 1970, null) and
 * spines (any order, duplicates, unknown entities, before all events), however the scan is cut into batches, in both modes.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RawEvent, Scalar, Value } from '#domain/values/value.ts';
import { planView } from '#domain/views/plan-view.ts';
import { type ResultValues, resultValues, valueAt } from '#projections/datasets/columns.ts';
import { joinPointInTime } from '#projections/datasets/point-in-time-join.ts';
import { spineKeys } from '#projections/datasets/spine-keys.ts';
import { orderByTime } from '#projections/datasets/time-order.ts';
import { definitions, moments, rawEvents, SOURCE } from '#tests/oracle/arbitraries.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { scanOf, type SeenEvent } from './columns.ts';

interface SpineRow {
  readonly entity: readonly Value[];
  readonly at: number;
}

interface Case {
  readonly views: readonly Definitions[];
  readonly events: readonly RawEvent[];
  /** as-served: by event, how long after its log time it became known (null: never), and whether it was dropped as late */
  readonly lags: readonly { readonly lag: number | null; readonly dropped: boolean }[] | null;
  readonly spines: readonly (readonly SpineRow[])[];
  readonly batchSize: number;
}

/** A spine holds the same number of rows for each view, at the same times. */
const cases: fc.Arbitrary<Case> = fc
  .record({ views: fc.array(definitions({ lateness: true }), { minLength: 1, maxLength: 2 }), events: rawEvents(30) })
  .chain(({ views, events }) =>
    fc.record({
      views: fc.constant(views),
      events: fc.constant(events),
      lags: fc.option(
        fc.array(fc.record({ lag: fc.constantFrom(0, 0, 1, 60_000, 1e9, null), dropped: fc.constantFrom(false, false, false, true) }), {
          minLength: events.length,
          maxLength: events.length,
        }),
        { nil: null },
      ),
      spines: fc
        .array(fc.record({ at: fc.oneof(...views.map((view) => moments(view, events))), pick: fc.integer({ min: 0, max: 40 }), missing: fc.constantFrom(false, false, false, true) }), {
          minLength: 1,
          maxLength: 25,
        })
        .map((drawn) => {
          const rows = [...drawn, ...drawn.slice(0, 2)];
          return views.map((view) => {
            const known = events.flatMap(({ row }) => keyValues(view, row) ?? []).length > 0 ? events.map(({ row }) => keyValues(view, row)).filter((key) => key !== null) : [];
            const unknown: readonly Value[] = Object.values(view.entity.keys).map((type) => (type === 'string' ? 'nobody' : 99));
            return rows.map(({ at, pick, missing }): SpineRow => ({ at, entity: missing || known.length === 0 ? unknown : (known[pick % known.length] as readonly Value[]) }));
          });
        }),
      batchSize: fc.constantFrom(1, 2, 3, 7, 1000),
    }),
  );

const codedKeys = (rows: readonly SpineRow[], part: number): { codes: Int32Array; values: Scalar[] } => {
  const values = [...new Set(rows.map(({ entity }) => entity[part] as Scalar))];
  return { codes: Int32Array.from(rows, ({ entity }) => values.indexOf(entity[part] as Scalar)), values };
};

const join = async ({ views, events, lags, spines, batchSize }: Case): Promise<ResultValues[][]> => {
  const seen = events.flatMap((event, i): SeenEvent[] => {
    if (lags === null) return [{ event, visible: event.eventTime }];
    const { lag } = lags[i] as { lag: number | null };
    return lag === null ? [] : [{ event, visible: Math.max(event.eventTime, event.logTime + lag) }];
  });
  const times = Float64Array.from(spines[0] as readonly SpineRow[], ({ at }) => at);
  const outputs: ResultValues[][] = [];
  const joined = views.map((view, v) => {
    const plan = planView(view.view, view.source, view.entity);
    const rows = spines[v] as readonly SpineRow[];
    const keys = spineKeys(plan.keys.map((_, part) => codedKeys(rows, part)));
    const values = plan.features.map(({ type }) => resultValues(type, rows.length));
    outputs.push(values);
    const excluded = events.filter((_, i) => lags?.[i]?.dropped === true);
    return { plan, keys, outputs: values.map((column, feature) => ({ feature, values: column })), excluded };
  });
  const fields = Object.fromEntries(joined.flatMap(({ plan: _ }) => Object.entries(fieldTypes)));
  await joinPointInTime({ fields, views: joined, events: scanOf(SOURCE, seen, batchSize) }, { times, order: orderByTime(times) });
  return outputs;
};

const fieldTypes = (await import('#domain/sources/source-schema.ts')).sourceFields(SOURCE);

const expectedEvents = ({ events, lags }: Case, at: number): readonly RawEvent[] =>
  lags === null ? events : events.filter((event, i) => lags[i]?.dropped === false && lags[i]?.lag !== null && event.logTime + (lags[i]?.lag as number) <= at);

test('every row has the values of its moment, as the definition says', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (drawn) => {
      const outputs = await join(drawn);
      drawn.views.forEach((view, v) => {
        const plan = planView(view.view, view.source, view.entity);
        (drawn.spines[v] as readonly SpineRow[]).forEach(({ entity, at }, row) => {
          const { values, scale } = oracle(view, expectedEvents(drawn, at), entity, at);
          plan.features.forEach((feature, f) => {
            const found = valueAt({ type: feature.type, values: (outputs[v] as ResultValues[])[f] as ResultValues }, row);
            const { aggregation } = Object.values(view.view.features)[f] as { aggregation: string };
            const same = sameValue(aggregation, feature.type.base === 'long', found, values[f], scale[f] as number);
            if (!same) expect({ row, entity, at, feature: feature.name, value: found }).toEqual({ row, entity, at, feature: feature.name, value: values[f] });
          });
        });
      });
    }),
    { numRuns: 300 },
  );
});

test('rows are ordered by time, and rows of one time by their place', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }))), (drawn) => {
      const times = Float64Array.from(drawn);
      const expected = [...times.keys()].sort((a, b) => (times[a] as number) - (times[b] as number) || a - b);
      expect([...orderByTime(times)]).toEqual(expected);
    }),
  );
});

test('an aborted join stops with the reason', async () => {
  const times = Float64Array.of(0);
  const controller = new AbortController();
  controller.abort(new Error('stop'));
  await expect(joinPointInTime({ fields: {}, views: [], events: scanOf(SOURCE, [], 1) }, { times, order: orderByTime(times) }, { signal: controller.signal })).rejects.toThrow('stop');
});

/** Random joins: a view, its events, the rows, and what is known of the events. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { planView } from '#domain/plan/plan-view.ts';
import type { RawFiles } from '#domain/ports/training-set-builder.ts';
import { resultValues, valueAt } from '#domain/training-sets/columns.ts';
import { eventFields } from '#domain/training-sets/event-fields.ts';
import { type SpineKeys, spineKeys } from '#domain/training-sets/spine-keys.ts';
import { statusAt, statusCodes } from '#domain/training-sets/statuses.ts';
import type { Position, RawEvent, Scalar, Value } from '#domain/values/value.ts';
import type { PlannedPass } from '#infra/training-sets/passes.ts';
import type { Result } from '#infra/training-sets/results.ts';
import { definitions, moments } from '#tests/oracle/arbitraries.ts';
import { denseEvents } from '#tests/oracle/dense-events.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';

export interface JoinCase {
  readonly definitions: Definitions;
  readonly events: readonly RawEvent[];
  readonly mode: 'event-time' | 'as-served';
  /** by partition */
  readonly below: readonly number[];
  /** as served: events that were left out as late */
  readonly excluded: readonly Position[];
  /** of a source that takes imported events; its rows are compared with the platform's join only */
  readonly imports: NonNullable<RawFiles['imports']> | null;
  readonly rows: readonly { readonly entity: readonly Value[]; readonly at: number }[];
  readonly withStatus: boolean;
}

const KNOWN = 'known';

/** Events of which some are imported: their known time is in a field. */
const imported = (events: readonly RawEvent[]): readonly RawEvent[] =>
  events.map((event, i) => ({
    ...event,
    row: { ...event.row, [KNOWN]: i % 3 === 0 ? event.logTime - 3_600_000 : null },
  }));

const withKnownTimes = (all: Definitions): Definitions => ({
  ...all,
  source: {
    ...all.source,
    fields: { ...all.source.fields, [KNOWN]: 'timestamp?' },
    knownTime: KNOWN,
  },
});

export const withSource = (one: JoinCase, name: string): JoinCase => {
  const { view, source, entity } = one.definitions;
  return {
    ...one,
    definitions: { view: { ...view, source: name }, source: { ...source, name }, entity },
  };
};

const stranger = ({ entity }: Definitions): readonly Value[] =>
  Object.values(entity.keys).map((type) => (type === 'string' ? 'absent' : 99));

export const joinCases: fc.Arbitrary<JoinCase> = fc
  .record({
    all: definitions({ lateness: true, dimension: true }),
    events: denseEvents,
    imports: fc.constantFrom(false, false, false, true),
  })
  .chain(({ all, events, imports }) =>
    fc
      .record({
        mode: fc.constantFrom('event-time' as const, 'as-served' as const),
        drawn: fc.array(
          fc.record({
            at: moments(all, events),
            event: fc.nat(),
            off: fc.constantFrom(null, 0, 0, -1, 1),
            missing: fc.constantFrom(false, false, false, false, true),
          }),
          { minLength: 5, maxLength: 30 },
        ),
        left: fc.constantFrom(0, 0, 1, 5),
        late: fc.constantFrom(0, 7),
        withStatus: fc.boolean(),
      })
      .map(({ mode, drawn, left, late, withStatus }): JoinCase => {
        const ends = [0, 1].map(
          (partition) => events.filter((event) => event.partition === partition).length,
        );
        const visible = ({ eventTime, logTime }: RawEvent): number =>
          mode === 'event-time' ? eventTime : Math.max(eventTime, logTime);
        const rows = drawn.map(({ at, event, off, missing }) => {
          const near = events[event % Math.max(1, events.length)];
          const entity = near === undefined || missing ? null : keyValues(all, near.row);
          return {
            at: near === undefined || off === null ? at : visible(near) + off,
            entity: entity ?? stranger(all),
          };
        });
        const middle = events[Math.floor(events.length / 2)]?.logTime ?? 0;
        return {
          definitions: imports ? withKnownTimes(all) : all,
          events: imports ? imported(events) : events,
          mode,
          below: ends.map((end) => Math.max(0, end - left)),
          excluded: mode === 'as-served' && late > 0 ? events.filter((_, i) => i % late === 3) : [],
          imports: imports
            ? { field: KNOWN, firstLive: middle + 1, known: middle, end: ends }
            : null,
          rows,
          withStatus,
        };
      }),
  );

/** The keys of a case's rows among those of all; other rows have none. */
const keysOf = ({ rows }: JoinCase, parts: number, first: number, all: number): SpineKeys => {
  const coded = (part: number) => {
    const values = [...new Set(rows.map(({ entity }) => entity[part] as Scalar))];
    const codes = new Int32Array(all).fill(-1);
    rows.forEach(({ entity }, i) => {
      codes[first + i] = values.indexOf(entity[part] as Scalar);
    });
    return { codes, values };
  };
  return spineKeys(Array.from({ length: parts }, (_, part) => coded(part)));
};

/** Where a case is among those of one join. */
export interface JoinPlace {
  /** the case's first row, of `all` rows */
  readonly first: number;
  readonly all: number;
  /** its first planned value */
  readonly value: number;
}

export const passOf = (
  one: JoinCase,
  stored: Pick<RawFiles, 'files' | 'snapshot'>,
  { first, all, value }: JoinPlace,
): PlannedPass => {
  const { definitions, mode, below, excluded, imports, withStatus } = one;
  const { view, source, entity } = definitions;
  const plan = planView(view, source, entity);
  const features = plan.features.map(({ name }) => name);
  return {
    scan: {
      source,
      mode,
      knownTimes: imports !== null && mode === 'as-served',
      fields: eventFields([{ definitions, features }], { keys: true }),
      raw: { ...stored, below, ...(imports === null ? {} : { imports }) },
    },
    views: [
      {
        plan,
        keys: keysOf(one, plan.keys.length, first, all),
        task: {
          definitions,
          features,
          outputs: plan.features.map(({ type }, feature) => ({
            feature,
            value: value + feature,
            type,
            withStatus,
          })),
          excluded: excluded.map(({ partition, offset }) => ({ partition, offset })),
          withMarks: false,
        },
        covers: null,
      },
    ],
  };
};

export const emptyOf = ({ views }: PlannedPass, all: number): readonly Result[] =>
  views.flatMap(({ task }) =>
    task.outputs.map(({ type, withStatus }) => ({
      values: resultValues(type, all),
      ...(withStatus ? { statuses: statusCodes(all) } : {}),
    })),
  );

/** The events that count in a row of a time. */
const countedAt = ({ events, mode, below, excluded }: JoinCase, at: number): readonly RawEvent[] =>
  events.filter(
    (event) =>
      event.offset < (below[event.partition] as number) &&
      !excluded.includes(event) &&
      (mode === 'event-time' || event.logTime <= at),
  );

/** @param first the case's first row in its results, which are by feature */
export const expectDefinition = (
  one: JoinCase,
  first: number,
  outputs: readonly Result[],
): void => {
  if (one.imports !== null) return;
  const { view, source, entity: of } = one.definitions;
  const plan = planView(view, source, of);
  one.rows.forEach(({ entity, at }, i) => {
    const want = oracle(one.definitions, countedAt(one, at), entity, at);
    const statuses = outputs.flatMap(({ statuses: codes }) => codes ?? []);
    expect(statuses.map((codes) => statusAt(codes, first + i))).toEqual(
      one.withStatus ? want.status : [],
    );
    plan.features.forEach(({ type, name }, f) => {
      const { values } = outputs[f] as Result;
      const value = valueAt({ type, values }, first + i);
      const { aggregation } = Object.values(view.features)[f] as { aggregation: string };
      const isLong = type.base === 'long';
      const scale = want.scale[f] as number;
      if (!sameValue(aggregation, isLong, value, want.values[f], scale))
        expect({ entity, at, feature: name, value }).toEqual({
          entity,
          at,
          feature: name,
          value: want.values[f],
        });
    });
  });
};

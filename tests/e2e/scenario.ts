/** A random view with its events and times, and what a platform must answer of them. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { EARLIEST } from '#domain/sources/refusal.ts';
import { formatTime, looksLikeSeconds } from '#domain/values/time.ts';
import type { RawEvent, Row, Scalar, Value } from '#domain/values/value.ts';
import { definitions, moments, rawEvents } from '#tests/oracle/arbitraries.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';

/** the platform's clock when the first events arrive: all are before it */
export const NOW = Date.UTC(2030, 0, 1);

export interface Scenario {
  readonly all: Definitions;
  readonly events: readonly RawEvent[];
  readonly ats: readonly number[];
  readonly batch: number;
}

/** The key of a dimension is never null, so events without it would be rejected. */
const keyed = (all: Definitions): Definitions => {
  const key = all.source.dimension?.key ?? [];
  const types = key.map((field) => [field, (all.source.fields[field] ?? '').replace('?', '')]);
  const fields = { ...all.source.fields, ...Object.fromEntries(types) };
  return { ...all, source: { ...all.source, fields } };
};

/** The events moved together, so that the last one is at NOW. */
const movedToNow = (events: readonly RawEvent[]): readonly RawEvent[] => {
  const by = NOW - Math.max(...events.map(({ eventTime }) => eventTime));
  return events.map((event) => {
    const eventTime = event.eventTime + by;
    return { ...event, eventTime, row: { ...event.row, t: eventTime } };
  });
};

/** @param recent whether events are moved together so that the last one is at NOW */
export const scenario = (recent: fc.Arbitrary<boolean>): fc.Arbitrary<Scenario> =>
  fc
    .record({
      all: definitions({ dimension: true }).map(keyed),
      drawn: rawEvents(60),
      batch: fc.integer({ min: 1, max: 25 }),
      move: recent,
    })
    .chain(({ all, drawn, batch, move }) => {
      const key = all.source.dimension?.key ?? [];
      const events = (move ? movedToNow(drawn) : drawn)
        .filter((e) => e.eventTime >= EARLIEST && e.eventTime <= NOW)
        .filter(({ row }) => key.every((field) => row[field] !== null))
        .map((e, offset) => ({ ...e, partition: 0, offset }));
      return fc
        .array(moments(all, events), { minLength: 3, maxLength: 5 })
        .map((ats) => ({ all, events, ats: ats.filter((at) => at <= NOW), batch }));
    });

export const entitiesOf = ({ all, events }: Scenario): readonly EntityKey[] => {
  const names = Object.keys(all.entity.keys);
  const known = new Map(
    events.flatMap((e) =>
      keyValues(all, e.row) === null
        ? []
        : [[JSON.stringify(keyValues(all, e.row)), keyValues(all, e.row) as Value[]]],
    ),
  );
  const stranger = Object.values(all.entity.keys).map((type) =>
    type === 'string' ? 'absent' : 77,
  );
  return [...known.values(), stranger].map((values) =>
    Object.fromEntries(names.map((name, i) => [name, values[i] as Scalar])),
  );
};

/** A row for each entity at each time: as texts where a number would be refused as seconds. */
export const spineRows = (ats: readonly number[], entities: readonly EntityKey[]): Row[] => {
  const times = ats.some(looksLikeSeconds) ? ats.map(formatTime) : ats;
  return times.flatMap((time) =>
    entities.map((entity): Row => ({ ...entity, event_timestamp: time })),
  );
};

export const expectOracle = (
  scenario: Scenario,
  events: readonly RawEvent[],
  entity: EntityKey,
  at: number,
  values: readonly Value[],
  status?: readonly FeatureStatus[],
): void => {
  const { all } = scenario;
  const plan = planView(all.view, all.source, all.entity);
  const want = oracle(all, events, Object.values(entity), at);
  if (status !== undefined) expect(status).toEqual(want.status);
  Object.values(all.view.features).forEach(({ aggregation }, i) => {
    const same = sameValue(
      aggregation,
      plan.features[i]?.type.base === 'long',
      values[i],
      want.values[i],
      want.scale[i] as number,
    );
    expect(
      same,
      `${aggregation} of ${JSON.stringify(entity)} at ${at}: ${JSON.stringify(values[i])}, wanted ${JSON.stringify(want.values[i])}`,
    ).toBe(true);
  });
};

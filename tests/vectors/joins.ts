/**
 * Point-in-time joins as the TypeScript does them: a plan, and for each entity its events and the
 * times of its rows, in the order in which a join sees them, with the values at the rows. The Java
 * module must give the same, to the last bit.
 */
import { planView } from '#domain/plan/plan-view.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { resultValues, valueAt } from '#domain/training-sets/columns.ts';
import { joinPlan } from '#domain/training-sets/join-plan.ts';
import { slidingView } from '#domain/training-sets/sliding-view.ts';
import { statusCodes } from '#domain/training-sets/statuses.ts';
import type { Position, Row, Value } from '#domain/values/value.ts';
import { random } from './aggregates.ts';
import { FIELDS, JOIN_VIEWS, type VectorView } from './join-views.ts';

interface Event {
  readonly row: Row;
  readonly visible: number;
  readonly eventTime: number;
  readonly partition: number;
  readonly offset: number;
}

const EVENTS = 70;
const BASES = [1_700_000_000_000, -86_400_000];
const STEPS = [1, 1_000, 60_000, 600_000, 3_600_000];
const TEXTS = ['a', 'b', 'ab', ' b ', '', 'ß', 'É', '\u{1f600}a', '\uffee', '12', '-1.5e3', 'true'];
const TIMES = ['2026-01-31T12:00:00.5Z', '2026-02-29', '1969-12-31', '0x10'];
const DOUBLES = [0, -0, 0.1, 1 / 3, 1e16, -1e16, 1.5, -2.5, 1e-7, 123456.789, -1e300];
const LONGS = [0, 1, -1, 7, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 31, 86_400_000, 19_000];
const KEYS = ['a', 'b', 'a\u001fb', '\\', ''];

const eventsOf = (seed: number): readonly Event[] => {
  const next = random(seed);
  const among = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T;
  const orNull = <T>(value: T): T | null => (next() < 0.15 ? null : value);
  const base = among(BASES);
  return Array.from({ length: EVENTS }, (_, i): Event => {
    const t = base + among(STEPS) * Math.floor(next() * 40) - Math.floor(next() * 3);
    const row: Row = {
      t,
      k: orNull(among(KEYS)),
      j: orNull(Math.floor(next() * 3) - 1),
      x: orNull(next() < 0.5 ? among(DOUBLES) : (next() - 0.5) * 1000),
      n: orNull(among(LONGS)),
      f: orNull(Math.fround((next() - 0.5) * 100)),
      s: orNull(among([...TEXTS, ...TIMES])),
      b: orNull(next() < 0.5),
      d: orNull(Math.floor(next() * 40_000) - 20_000),
      y: orNull(among(['', 'AA==', '/+8='])),
      tags: orNull(among([[], ['p'], ['p', 'q', 'p']])),
      ns: orNull(among([[], [1.5], [-0, 2]])),
    };
    const late = next() < 0.3 ? among(STEPS) * Math.floor(next() * 20) : 0;
    return { row, visible: t + late, eventTime: t, partition: i % 2, offset: 4_294_967_290 + i };
  }).sort((a, b) => a.visible - b.visible || a.partition - b.partition || a.offset - b.offset);
};

/** JSON has no −0 and rounds nothing here: numbers are texts. */
const plain = (value: Value): unknown => {
  if (typeof value === 'number') return { n: Object.is(value, -0) ? '-0' : String(value) };
  return Array.isArray(value) ? value.map(plain) : value;
};

/** The times at which values change, and a millisecond before. */
const timesOf = (events: readonly Event[], next: () => number): readonly number[] =>
  events
    .flatMap(({ visible }) => {
      const draw = next();
      if (draw > 0.5) return [];
      return [
        visible + (draw < 0.15 ? -1 : draw < 0.3 ? 0 : (STEPS[Math.floor(next() * 5)] as number)),
      ];
    })
    .sort((a, b) => a - b);

const vectorOf = ({ view, source, entity }: VectorView, seed: number): object => {
  const plan = planView(view, source, entity);
  const next = random(seed + 1);
  const all = eventsOf(seed);
  const excluded: readonly Position[] = all.filter((_, i) => i % 17 === 3);
  const features = plan.features.map((_, i) => i);
  const typed = joinPlan({ plan, source }, Object.keys(sourceFields(source)), features, excluded);
  const counts = (event: Event): boolean =>
    !excluded.includes(event as unknown as Position) &&
    (plan.filter === null || plan.filter(event.row) === true);
  const keyOf = (event: Event): string | null => (counts(event) ? plan.keyOf(event.row) : null);
  const keys = [...new Set(all.flatMap((event) => keyOf(event) ?? []))];
  const entities = keys.map((key) => {
    const events = all.filter((event) => keyOf(event) === key);
    const times = timesOf(events, next);
    const outputs = plan.features.map(({ type }, feature) => ({
      feature,
      values: resultValues(type, times.length),
      statuses: statusCodes(times.length),
    }));
    const join = slidingView(plan, 1, outputs);
    const steps: unknown[] = [];
    let row = 0;
    const readUntil = (visible: number): void => {
      for (; row < times.length && (times[row] as number) < visible; row++) {
        const at = times[row] as number;
        join.read(0, at, row);
        steps.push({
          at,
          values: outputs.map(({ values }) =>
            plain(valueAt({ type: { base: 'double', array: false, nullable: true }, values }, row)),
          ),
          statuses: outputs.map(({ statuses }) => statuses[row]),
        });
      }
    };
    for (const { row: values, visible, eventTime, partition, offset } of events) {
      readUntil(visible);
      join.add(0, values, visible, eventTime, partition, offset);
      steps.push({
        event: Object.keys(FIELDS).map((name) => plain(values[name] ?? null)),
        place: [visible, eventTime, partition, offset],
      });
    }
    readUntil(Number.POSITIVE_INFINITY);
    return { key, steps };
  });
  return { plan: typed, entities };
};

export const joinVectors = (): object[] =>
  JOIN_VIEWS.map((definitions, i) => vectorOf(definitions, 97 * i + 5));

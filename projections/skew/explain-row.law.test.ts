/**
 * Every difference has its cause, and only its cause: random events, of which a read had computed
 * some and left out some, and a definition that may have changed since, against brute force, which
 * adds the same events step by step without knowing of tiles, plans or folds.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SKEW_CAUSES, type SkewCause } from '#domain/feature-log/skew.ts';
import { planTrainingSet } from '#domain/training-sets/training-set-plan.ts';
import type { RawEvent, Scalar, Value } from '#domain/values/value.ts';
import {
  definitions,
  featureDefinition,
  moments,
  rawEvents,
  SOURCE,
} from '#tests/oracle/arbitraries.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { type Explained, explainRow } from './explain-row.ts';
import { inLogOrder } from './states.ts';

const RUNS = Number(process.env.MILLRACE_RUNS ?? 150);

const EXACT = [
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'variance',
  'stddev',
  'first',
  'last',
  'firstK',
  'lastK',
  'countDistinct',
  'histogram',
  'topK',
];

interface World {
  readonly then: Definitions;
  readonly now: Definitions;
  readonly events: readonly RawEvent[];
  readonly at: number;
  readonly known: number;
  /** by partition, what the view said it had computed */
  readonly position: readonly number[];
  /** of the events after it, in the log's order, how many were in all the same */
  readonly ahead: number;
  /** whether that many of each tile's were */
  readonly apart: boolean;
  readonly leftOut: ReadonlySet<RawEvent>;
}

const world = (ahead: fc.Arbitrary<number>): fc.Arbitrary<World> =>
  fc
    .tuple(
      definitions(),
      rawEvents(30),
      fc.option(featureDefinition(EXACT), { nil: null, freq: 2 }),
    )
    // Brute force has no sketches: it would differ from them as they differ from the truth.
    .filter(
      ([{ view }, events]) =>
        events.length > 0 &&
        Object.values(view.features).every((f) => EXACT.includes(f.aggregation)),
    )
    .chain(([then, events, changed]) => {
      const ordered = events.toSorted(inLogOrder);
      const [first] = Object.keys(then.view.features) as [string];
      const now =
        changed === null
          ? then
          : {
              ...then,
              view: { ...then.view, features: { ...then.view.features, [first]: changed } },
            };
      return fc
        .record({
          at: moments(then, events),
          knownTo: fc.nat(ordered.length - 1),
          lag: fc.nat(3),
          ahead,
          late: fc.array(fc.boolean(), { minLength: ordered.length, maxLength: ordered.length }),
          someLate: fc.boolean(),
        })
        .map(({ at, knownTo, lag, ahead: further, late, someLate }) => {
          const known = (ordered[knownTo] as RawEvent).logTime;
          const computed = ordered
            .filter(({ logTime }) => logTime <= known)
            .slice(0, Math.max(0, knownTo + 1 - lag));
          const position = [0, 1].map(
            (partition) =>
              1 +
              Math.max(
                -1,
                ...computed.filter((e) => e.partition === partition).map(({ offset }) => offset),
              ),
          );
          const leftOut = new Set(ordered.filter((_, i) => someLate && late[i] === true));
          return {
            then,
            now,
            events: ordered,
            at,
            known,
            position,
            ahead: further,
            apart: false,
            leftOut,
          };
        });
    });

const plansOf = (all: Definitions) =>
  planTrainingSet({
    members: [{ from: 'view', view: all.view.name, features: Object.keys(all.view.features) }],
    views: [all],
    onDemand: [],
  });

const key = (all: Definitions, event: RawEvent): string =>
  JSON.stringify(keyValues(all, event.row));

const entitiesOf = ({ then, events }: World): readonly (readonly Value[])[] => [
  ...new Map(
    events.flatMap((e) =>
      keyValues(then, e.row) === null ? [] : [[key(then, e), keyValues(then, e.row) as Value[]]],
    ),
  ).values(),
];

const check = (
  w: World,
  told: (feature: string, explained: Explained, wanted: readonly SkewCause[]) => void,
): void => {
  const below = (e: RawEvent): boolean => e.offset < (w.position[e.partition] as number);
  const [featureLogPlan, comparedPlan] = [plansOf(w.then), plansOf(w.now)];
  const names = Object.keys(w.then.view.features);
  for (const entity of entitiesOf(w)) {
    const mine = w.events.filter(
      (e) => key(w.then, e) === JSON.stringify(entity) && e.eventTime <= w.at,
    );
    const open = mine.filter((e) => !below(e) && !w.leftOut.has(e));
    const { hopMs } = featureLogPlan.views[0]?.plan.hops[0] ?? { hopMs: 0 };
    const tiles = w.apart
      ? [...Map.groupBy(open, (e) => Math.floor(e.eventTime / Math.max(1, hopMs))).values()]
      : [open];
    // The tiles take turns at being further, so that no order of the log tells which events are in.
    const further = new Set(
      tiles.flatMap((tile, i) => tile.slice(0, w.apart && i % 2 === 0 ? 0 : w.ahead)),
    );
    const was = mine.filter((e) => (below(e) && !w.leftOut.has(e)) || further.has(e));
    const steps: readonly (readonly RawEvent[])[] = [
      was,
      mine.filter((e) => was.includes(e) || (e.logTime <= w.known && !w.leftOut.has(e))),
      mine.filter((e) => was.includes(e) || e.logTime <= w.known),
      mine,
    ];
    const answers = [
      ...steps.map((events) => oracle(w.then, events, entity, w.at)),
      oracle(w.now, mine, entity, w.at),
    ];
    const [served, last] = [answers[0], answers.at(-1)] as [
      ReturnType<typeof oracle>,
      ReturnType<typeof oracle>,
    ];
    const eventTime = new Map(names.map((name, i) => [name, last.values[i] as Value]));
    const found = explainRow(
      {
        row: {
          position: 'served.model@0:0',
          logTime: Math.max(w.known, ...[...further].map(({ logTime }) => logTime)),
          requestId: 'r',
          row: 0,
          rows: 1,
          actor: 'a',
          serviceVersion: 1,
          sample: 1,
          at: w.at,
          known: w.known,
          entity: Object.fromEntries(
            Object.keys(w.then.entity.keys).map((name, i) => [name, entity[i] as Scalar]),
          ),
          request: {},
          views: [
            {
              view: 'seen',
              version: 1,
              generation: 1,
              position: `raw.things@0:${w.position[0]},1:${w.position[1]}`,
              completeThrough: null,
            },
          ],
          onDemand: [],
          values: Object.fromEntries(names.map((name, i) => [name, served.values[i] as Value])),
          status: Object.fromEntries(names.map((name, i) => [name, served.status[i] as 'present'])),
        },
        served: { plan: featureLogPlan, answeredBy: new Map([['seen', 0]]) },
        compared: comparedPlan,
        eventTime,
        events: () => mine,
        leftOut: () => (event) => w.leftOut.has(event),
      },
      names,
    );
    names.forEach((name, i) => {
      const { aggregation } = w.then.view.features[name] as { aggregation: string };
      const isLong = featureLogPlan.columns[i]?.type.base === 'long';
      const differ = (a: number, b: number): boolean =>
        !sameValue(
          aggregation,
          isLong,
          answers[a]?.values[i],
          answers[b]?.values[i],
          Math.max(...answers.map(({ scale }) => scale[i] ?? 0)),
        );
      const changed =
        JSON.stringify(w.then.view.features[name]) !== JSON.stringify(w.now.view.features[name]);
      const wanted = (['lag', 'left-out', 'late'] as const).filter((_, step) =>
        differ(step, step + 1),
      );
      const redefined =
        changed && JSON.stringify(answers[3]?.values[i]) !== JSON.stringify(answers[4]?.values[i]);
      told(name, found.get(name) as Explained, redefined ? [...wanted, 'definition'] : wanted);
    });
  }
};

test('each step that changes a value is its cause, and no other is', () => {
  const seen = new Map<SkewCause, number>();
  fc.assert(
    fc.property(world(fc.constant(0)), (w) =>
      check(w, (feature, { causes, events }, wanted) => {
        expect(causes, feature).toEqual(wanted);
        for (const cause of causes) seen.set(cause, (seen.get(cause) ?? 0) + 1);
        for (const event of events) expect(causes).toContain(event.cause);
      }),
    ),
    { numRuns: RUNS },
  );
  // The law says nothing unless each cause was met.
  expect(SKEW_CAUSES.filter((cause) => (seen.get(cause) ?? 0) < 10)).toEqual(['unexplained']);
});

test('a store that was further than it said is found out: nothing is unexplained', () => {
  fc.assert(
    fc.property(world(fc.integer({ min: 1, max: 3 })), (w) =>
      check(w, (feature, { causes }) => expect(causes, feature).not.toContain('unexplained')),
    ),
    { numRuns: RUNS },
  );
});

test('tiles of which one was further than another are found out too', () => {
  const HOUR = 3_600_000;
  const T = 1_700_000_000_000;
  const hour = Math.floor(T / HOUR) * HOUR;
  const features = {
    f0: { aggregation: 'sum', input: { op: 'col', name: 'x' }, window: '1d', hop: '1h' },
  } as const;
  const then: Definitions = {
    source: SOURCE,
    entity: { kind: 'entity', name: 'one', keys: { k: 'string' } },
    view: { kind: 'feature-view', name: 'seen', entity: 'one', source: 'things', features },
  };
  // Powers of two: a sum says which events are in it. The second is in, and the first, of another
  // hour, is not yet.
  const events = [hour - HOUR, hour - HOUR, hour, hour - HOUR].map((t, offset): RawEvent => {
    const row = {
      t,
      k: 'a',
      j: null,
      x: 2 ** offset,
      n: null,
      s: null,
      b: null,
      d: null,
      y: null,
      tags: null,
    };
    return { row, eventTime: t, partition: 0, offset, logTime: T + offset };
  });
  const w: World = {
    then,
    now: then,
    events,
    at: T + 9,
    known: T + 9,
    position: [1, 0],
    ahead: 1,
    apart: true,
    leftOut: new Set(),
  };
  check(w, (_, { causes, events: shown }) => {
    expect(causes).toEqual(['lag']);
    expect(shown.map(({ position }) => position)).toEqual(['raw.things@0:1', 'raw.things@0:3']);
  });
});

test('a value that no state gives is unexplained, and so is a data set that is not the sum of its steps', () => {
  const broken = (
    pick: (w: World) => World,
    spoil: 'served' | 'event-time',
  ): readonly SkewCause[] => {
    const causes: SkewCause[] = [];
    fc.assert(
      fc.property(world(fc.constant(0)).map(pick), (w) => {
        const plan = plansOf(w.then);
        const [entity] = entitiesOf(w);
        if (
          entity === undefined ||
          plan.columns[0]?.type.base !== 'long' ||
          plan.columns[0].type.array
        )
          return;
        const right = oracle(w.then, w.events, entity, w.at).values[0] as Value;
        const [name] = Object.keys(w.then.view.features) as [string];
        const wrong = -987_654;
        const found = explainRow(
          {
            row: {
              position: '',
              logTime: w.known,
              requestId: 'r',
              row: 0,
              rows: 1,
              actor: 'a',
              serviceVersion: 1,
              sample: 1,
              at: w.at,
              known: w.known,
              entity: Object.fromEntries(
                Object.keys(w.then.entity.keys).map((n, i) => [n, entity[i] as Scalar]),
              ),
              request: {},
              views: [
                {
                  view: 'seen',
                  version: 1,
                  generation: 1,
                  position: 'raw.things@0:99,1:99',
                  completeThrough: null,
                },
              ],
              onDemand: [],
              values: { [name]: spoil === 'served' ? wrong : right },
              status: { [name]: 'present' },
            },
            served: { plan, answeredBy: new Map([['seen', 0]]) },
            compared: plan,
            eventTime: new Map([[name, spoil === 'served' ? right : wrong]]),
            events: () => w.events,
            leftOut: () => () => false,
          },
          [name],
        );
        causes.push(...(found.get(name)?.causes ?? []));
      }),
      { numRuns: RUNS },
    );
    return causes;
  };
  for (const spoil of ['served', 'event-time'] as const) {
    const causes = broken((w) => ({ ...w, now: w.then }), spoil);
    expect(causes.length).toBeGreaterThan(10);
    expect(new Set(causes)).toEqual(new Set(['unexplained']));
  }
});

/**
 * A read of many entities in one pass over the raw events gives each entity the value that a
 * brute-force computation gives, also where an entity has no event in the window, or none at all.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeKey } from '#domain/plan/entity-key.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { foldFeatures } from '#domain/tiles/fold.ts';
import type { RawEvent, Scalar, Value } from '#domain/values/value.ts';
import { definitions, moments, rawEvents } from '#tests/oracle/arbitraries.ts';
import { counted, type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { readHistorical } from './historical-read.ts';
import type { RawEvents } from './raw-events.ts';

const entitiesOf = (all: Definitions, events: readonly RawEvent[]): readonly Value[][] => {
  const found = new Map<string, Value[]>();
  for (const { row } of events) {
    const key = keyValues(all, row);
    if (key !== null) found.set(JSON.stringify(key), [...key]);
  }
  const stranger = Object.values(all.entity.keys).map((type) =>
    type === 'string' ? 'absent' : 77,
  );
  return [...found.values(), stranger];
};

/** Answers from a list, and counts the passes over it. */
const listed = (events: readonly RawEvent[]) => {
  let passes = 0;
  const read: RawEvents = async ({ from, to, anyOf = [] }) => {
    passes++;
    return events
      .filter(
        ({ row, eventTime }) =>
          (from === undefined || eventTime >= from) &&
          (to === undefined || eventTime <= to) &&
          anyOf.some((values) => Object.entries(values).every(([name, v]) => row[name] === v)),
      )
      .sort(
        (a, b) => a.eventTime - b.eventTime || a.partition - b.partition || a.offset - b.offset,
      );
  };
  return { read, passes: () => passes };
};

test('each of many entities has the value of a brute-force computation', async () => {
  let compared = 0;
  const scenario = fc
    .tuple(definitions({ dimension: true }), rawEvents())
    .chain(([all, events]) =>
      fc.tuple(fc.constant(all), fc.constant(events), moments(all, events)),
    );
  await fc.assert(
    fc.asyncProperty(scenario, async ([all, events, at]) => {
      const plan = planView(all.view, all.source, all.entity);
      const entities = entitiesOf(all, events);
      const keys = entities.map((entity) => encodeKey(entity as Scalar[]));
      const answers = await readHistorical(listed(events).read, { plan, keys, at });
      entities.forEach((entity, i) => {
        const mine = events.filter(
          (event) =>
            event.eventTime <= at &&
            counted(all, event) &&
            keyValues(all, event.row)?.every((part, k) => part === entity[k]),
        );
        const alone = foldFeatures(plan, mine, keys[i] as string, at);
        expect(answers[i]?.status).toEqual(oracle(all, events, entity, at).status);
        expect(answers[i]?.status).toEqual(alone.status);
        expect(answers[i]?.values).toEqual(alone.values);
        compared++;
      });
    }),
  );
  expect(compared).toBeGreaterThan(100);
});

test('entities share a pass, and one that is asked for twice is read once', async () => {
  const [[all, events]] = fc.sample(fc.tuple(definitions(), rawEvents()), {
    seed: 5,
    numRuns: 1,
  }) as [[Definitions, readonly RawEvent[]]];
  const plan = planView(all.view, all.source, all.entity);
  const keys = entitiesOf(all, events).map((entity) => encodeKey(entity as Scalar[]));
  const list = listed(events);
  const at = Math.max(0, ...events.map(({ eventTime }) => eventTime));
  const answers = await readHistorical(list.read, { plan, keys: [...keys, ...keys], at });
  expect(answers.slice(keys.length)).toEqual(answers.slice(0, keys.length));
  const one = listed(events);
  await readHistorical(one.read, { plan, keys: [keys.at(-1) as string], at });
  expect(list.passes()).toBe(one.passes());
});

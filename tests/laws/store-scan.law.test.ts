/**
 * A scan of a store reads every entity as it was when the scan began, whatever events the store
 * takes in before the scan has read it.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { answersAt, scanStore } from '#domain/tiles/store-scan.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { definitions, moments, rawEvents } from '#tests/oracle/arbitraries.ts';

const scenario = definitions({ dimension: true }).chain((all) =>
  rawEvents().chain((events) =>
    fc.record({
      plan: fc.constant(planView(all.view, all.source, all.entity)),
      events: fc.constant(events),
      /** tenths of the events that come before the scan */
      before: fc.integer({ min: 0, max: 10 }),
      ats: fc.array(moments(all, events), { minLength: 6, maxLength: 12 }),
      /** after each entity, so many events */
      between: fc.integer({ min: 0, max: 5 }),
      seed: fc.nat(),
    }),
  ),
);

const feed = (store: TileStore, events: readonly RawEvent[]): void => {
  for (const { row, eventTime, partition, offset, logTime } of events) {
    store.process(row, eventTime, partition, offset, logTime);
    for (const group of store.groups) group.clearChanged();
  }
};

const valuesOf = (
  read: (values: Value[], status: FeatureStatus[]) => void,
): { readonly values: Value[]; readonly status: FeatureStatus[] } => {
  const [values, status]: [Value[], FeatureStatus[]] = [[], []];
  read(values, status);
  return { values, status };
};

test('a scan reads entities as they were when it began', () => {
  let changed = 0;
  fc.assert(
    fc.property(scenario, ({ plan, events, before, ats, between, seed }) => {
      const store = createTileStore(plan);
      let next = Math.floor((events.length * before) / 10);
      feed(store, events.slice(0, next));
      // Also a time after all events, at which each of them changes something.
      const last = Math.max(0, ...events.map(({ eventTime }) => eventTime));
      const times = [...ats, last, last].filter((time) => answersAt(store, time));
      const at = times[seed % times.length];
      fc.pre(at !== undefined);
      const keys = [...store.keys];
      const then = new Map(
        keys.map((key, entity) => [
          key,
          valuesOf((values, status) => store.readEntity(entity, at, values, status)),
        ]),
      );
      const nothing = valuesOf((values, status) => store.readNothing(values, status));
      const scan = scanStore(store, at);
      const more = (): void => {
        feed(store, events.slice(next, next + between));
        next += between;
      };
      // In another order than the store's, and each entity twice.
      const order = keys.map((_, i) => keys[(i * 7 + seed) % keys.length] as string);
      for (const key of new Set([...order, ...keys, ...order])) {
        more();
        const read = valuesOf((values, status) => scan.read(scan.indexOf(key), values, status));
        expect(read).toEqual(then.get(key));
      }
      feed(store, events.slice(next));
      for (const key of store.keys) {
        const read = valuesOf((values, status) => scan.read(scan.indexOf(key), values, status));
        expect(read).toEqual(then.get(key) ?? nothing);
      }
      expect(scan.isLost()).toBe(false);
      scan.end();
      for (const [key, was] of then) {
        const now = valuesOf((values, status) =>
          store.readEntity(store.indexOf.get(key) as number, at, values, status),
        );
        if (JSON.stringify(now) !== JSON.stringify(was)) changed++;
      }
    }),
    { numRuns: 300 },
  );
  expect(changed, 'events changed what a later read of the tiles would have given').toBeGreaterThan(
    20,
  );
});

test('a scan knows when entities have got other indexes', () => {
  const HOUR = 3_600_000;
  const user = entity({ name: 'user', keys: { user: 'string' } });
  const clicks = source({
    name: 'clicks',
    fields: { user: 'string', t: 'timestamp' },
    eventTime: 't',
  });
  const features = { n: count({ window: '1h' }) };
  const plan = planView(
    featureView({ name: 'hourly', entity: user, source: clicks, features }),
    clicks,
    user,
  );
  const store = createTileStore(plan, { quota: 10 });
  const click = (user: string, t: number): void =>
    feed(store, [{ row: { user, t }, eventTime: t, partition: 0, offset: t / HOUR, logTime: t }]);
  for (let i = 0; i < 4; i++) click(`early ${i}`, HOUR);
  const scan = scanStore(store, 2 * HOUR);
  for (let i = 0; i < 4; i++) click(`late ${i}`, 100 * HOUR);
  expect(store.dropped.isEmpty).toBe(false);
  expect(scan.isLost()).toBe(true);
  scan.end();
});

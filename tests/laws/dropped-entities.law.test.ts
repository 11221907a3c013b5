/**
 * Entities that no window reaches leave the memory, and no read changes: tiles answer what the
 * brute-force computation does, or say that raw events have to answer.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { applyUpdate, restoreSnapshot, takeSnapshot } from '#domain/encoding/tile-snapshot.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import type { FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { DroppedKeys } from '#domain/tiles/dropped-keys.ts';
import { foldFeatures } from '#domain/tiles/fold.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { RawEvent, Scalar, Value } from '#domain/values/value.ts';
import { definitions, moments, rawEvents } from '#tests/oracle/arbitraries.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';

interface Scenario {
  readonly all: Definitions;
  readonly plan: ViewPlan;
  readonly events: readonly RawEvent[];
  readonly ats: readonly number[];
  /** after how many events the changes are written and dead entities are dropped */
  readonly commit: number;
}

/** Definitions of all time have no dead entities: most of these have windows only. */
const windowed = fc.oneof(
  { weight: 4, arbitrary: definitions().filter(({ view }) => allWindowed(view)) },
  { weight: 1, arbitrary: definitions() },
);
const allWindowed = ({ features }: Definitions['view']): boolean =>
  Object.values(features).every(({ window }) => window !== undefined);

const scenario: fc.Arbitrary<Scenario> = fc
  .tuple(windowed, rawEvents(), fc.integer({ min: 1, max: 9 }))
  .chain(([all, events, commit]) =>
    fc.array(moments(all, events), { minLength: 6, maxLength: 12 }).map((ats) => ({
      all,
      events,
      ats,
      commit,
      plan: planView(all.view, all.source, all.entity),
    })),
  );

const feed = (store: TileStore, event: RawEvent): boolean =>
  store.process(event.row, event.eventTime, event.partition, event.offset, event.logTime);

const keysOf = ({ all }: Scenario, events: readonly RawEvent[]): ReadonlyMap<string, Value[]> => {
  const entities = events.flatMap(({ row }) => {
    const values = keyValues(all, row);
    return values === null ? [] : [values];
  });
  const stranger = Object.values(all.entity.keys).map((type) =>
    type === 'string' ? 'absent' : 77,
  );
  return new Map(
    [...entities, stranger].map((values) => [encodeKey(values as Scalar[]), [...values]]),
  );
};

interface Seen {
  readonly fromTiles: number;
  readonly ofDropped: number;
}

/** Compares each answer with the oracle's; a dropped entity's, as folded from raw events. */
const readAll = (s: Scenario, store: TileStore, known: readonly RawEvent[]): Seen => {
  const seen = { fromTiles: 0, ofDropped: 0 };
  const times = [...s.ats, store.watermark, store.newestOfAll].filter(Number.isFinite);
  for (const [key, entity] of keysOf(s, known)) {
    for (const at of times.filter((time) => time >= store.watermark)) {
      const want = oracle(s.all, known, entity, at);
      let [values, status]: [Value[], FeatureStatus[]] = [[], []];
      if (store.read(key, at, values, status) === 'ok') {
        seen.fromTiles++;
        expect(store.newestOf(key)).toBe(newestOf(s, known, key));
      } else {
        if (store.indexOf.has(key)) continue;
        expect(store.dropped.mayHave(key)).toBe(true);
        seen.ofDropped++;
        const folded = foldFeatures(s.plan, known, key, at);
        [values, status] = [[...folded.values], [...folded.status]];
      }
      expect(status).toEqual(want.status);
      Object.values(s.all.view.features).forEach(({ aggregation }, i) => {
        const isLong = s.plan.features[i]?.type.base === 'long';
        const [got, right] = [values[i], want.values[i] as Value];
        if (!sameValue(aggregation, isLong, got, right, want.scale[i] as number))
          expect({ aggregation, value: got }).toEqual({ aggregation, value: right });
      });
    }
  }
  return seen;
};

/** epoch ms; null without an event that counts */
const newestOf = ({ plan }: Scenario, known: readonly RawEvent[], key: string): number | null => {
  const times = known
    .filter(
      ({ row }) => plan.keyOf(row) === key && (plan.filter === null || plan.filter(row) === true),
    )
    .map(({ eventTime }) => eventTime);
  return times.length === 0 ? null : Math.max(...times);
};

const clear = (store: TileStore): void => {
  for (const group of store.groups) group.clearChanged();
};

test('no read changes when dead entities are dropped after each commit', () => {
  let dropped = 0;
  fc.assert(
    fc.property(scenario, (s) => {
      const store = createTileStore(s.plan);
      s.events.forEach((event, i) => {
        feed(store, event);
        if (i % s.commit !== 0) return;
        clear(store);
        store.dropDead();
        dropped += readAll(s, store, s.events.slice(0, i + 1)).ofDropped;
      });
    }),
    { numRuns: 150 },
  );
  expect(dropped).toBeGreaterThan(100);
});

test('nor when they are dropped amid a commit, for want of room, up to the quota', () => {
  let [dropped, full] = [0, 0];
  fc.assert(
    fc.property(scenario, fc.integer({ min: 1, max: 6 }), (s, quota) => {
      const store = createTileStore(s.plan, { quota });
      for (const [i, event] of s.events.entries()) {
        try {
          feed(store, event);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MR_ENTITY_QUOTA', details: { quota } });
          expect(store.entities).toBeLessThanOrEqual(quota);
          full++;
          dropped += readAll(s, store, s.events.slice(0, i)).ofDropped;
          return;
        }
        expect(store.entities).toBeLessThanOrEqual(quota);
        if (i % s.commit === 0) clear(store);
      }
      dropped += readAll(s, store, s.events).ofDropped;
    }),
    { numRuns: 300 },
  );
  expect(dropped).toBeGreaterThan(0);
  expect(full).toBeGreaterThan(0);
});

test('saved states lack them too, know that they were dropped, and go on', () => {
  let dropped = 0;
  fc.assert(
    fc.property(scenario, fc.nat(40), (s, cut) => {
      const store = createTileStore(s.plan);
      const before = s.events.slice(0, cut);
      for (const event of before) feed(store, event);
      clear(store);
      store.dropDead();
      const restored = createTileStore(s.plan);
      expect(restoreSnapshot(restored, takeSnapshot(store))).toBe(true);
      expect(restored.keys).toEqual(store.keys);
      readAll(s, restored, before);
      for (const event of s.events.slice(cut)) feed(restored, event);
      dropped += readAll(s, restored, s.events).ofDropped;
    }),
    { numRuns: 150 },
  );
  expect(dropped).toBeGreaterThan(0);
});

test('written updates make the same answers, with a quota that is too small for them', () => {
  fc.assert(
    fc.property(scenario, (s) => {
      const codec = tileCodec(s.plan);
      const store = createTileStore(s.plan);
      const rebuilt = createTileStore(s.plan, { quota: 2 });
      s.events.forEach((event, i) => {
        feed(store, event);
        if (i % s.commit !== 0 && i < s.events.length - 1) return;
        codec.encodeChanges(store, 1, 1, (bytes) => applyUpdate(rebuilt, codec.decode(bytes)));
        store.dropDead();
        if (i % 3 === 0) rebuilt.dropDead();
      });
      readAll(s, rebuilt, s.events);
    }),
    { numRuns: 150 },
  );
});

test('a dropped key is never forgotten, also by a table that is full, and few others are found', () => {
  for (const slots of [2 ** 25, 2048]) {
    const keys = new DroppedKeys(slots);
    expect(keys.isEmpty).toBe(true);
    for (let i = 0; i < 20_000; i++) keys.add(`user-${i}`);
    const copy = new DroppedKeys(slots);
    copy.addHashes(keys.hashes());
    for (const one of [keys, copy]) {
      expect(one.isEmpty).toBe(false);
      for (let i = 0; i < 20_000; i++) expect(one.mayHave(`user-${i}`)).toBe(true);
      let others = 0;
      for (let i = 0; i < 20_000; i++) if (one.mayHave(`other-${i}`)) others++;
      if (slots > 40_000) expect(others).toBeLessThan(5);
    }
  }
});

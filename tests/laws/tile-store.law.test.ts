/**
 * Tiles, folded raw events and a brute-force computation give the same values, for any definition,
 * order of arrival and time.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { applyUpdate, restoreSnapshot, takeSnapshot } from '#domain/encoding/tile-snapshot.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import type { FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { foldFeatures } from '#domain/tiles/fold.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import { parseDuration } from '#domain/values/duration.ts';
import type { RawEvent, Scalar, Value } from '#domain/values/value.ts';
import { definitions, moments, rawEvents } from '#tests/oracle/arbitraries.ts';
import { type Answer, counted, type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';

interface Scenario {
  readonly all: Definitions;
  readonly plan: ViewPlan;
  readonly events: readonly RawEvent[];
  readonly ats: readonly number[];
  /** after how many events changes are taken */
  readonly commit: number;
}

const scenario = (options: { readonly lateness?: boolean } = {}): fc.Arbitrary<Scenario> =>
  fc
    .tuple(
      definitions({ ...options, dimension: true }),
      rawEvents(),
      fc.integer({ min: 1, max: 9 }),
    )
    .chain(([all, events, commit]) =>
      fc.array(moments(all, events), { minLength: 6, maxLength: 12 }).map((ats) => ({
        all,
        events,
        ats,
        commit,
        plan: planView(all.view, all.source, all.entity),
      })),
    );

const feed = (
  store: TileStore,
  { row, eventTime, partition, offset, logTime }: RawEvent,
): boolean => store.process(row, eventTime, partition, offset, logTime);

const commitChanges = (store: TileStore): void => {
  for (const group of store.groups) group.clearChanged();
};

const filled = ({ plan, events, commit }: Scenario): TileStore => {
  const store = createTileStore(plan);
  events.forEach((event, i) => {
    feed(store, event);
    if (i % commit === 0) commitChanges(store);
  });
  return store;
};

const entitiesOf = ({ all, events }: Scenario): readonly (readonly Value[])[] => {
  const found = new Map(
    events.flatMap(({ row }) =>
      keyValues(all, row) === null
        ? []
        : [[JSON.stringify(keyValues(all, row)), keyValues(all, row) as readonly Value[]]],
    ),
  );
  const stranger = Object.values(all.entity.keys).map((type) =>
    type === 'string' ? 'absent' : 77,
  );
  return [...found.values(), stranger];
};

const keyFor = (entity: readonly Value[]): string => encodeKey(entity as readonly Scalar[]);

const expectAnswer = (
  { all, plan }: Scenario,
  got: { values: readonly Value[]; status: readonly FeatureStatus[] },
  want: Answer,
): void => {
  expect(got.status).toEqual(want.status);
  Object.values(all.view.features).forEach(({ aggregation }, i) => {
    const isLong = plan.features[i]?.type.base === 'long';
    if (
      !sameValue(
        aggregation,
        isLong,
        got.values[i],
        want.values[i] as Value,
        want.scale[i] as number,
      )
    ) {
      expect({ aggregation, value: got.values[i] }).toEqual({ aggregation, value: want.values[i] });
    }
  });
};

/** Reads every entity at every time that the store can answer. @returns the number of answers */
const readAll = (s: Scenario, store: TileStore, known: readonly RawEvent[]): number => {
  let answered = 0;
  for (const entity of entitiesOf(s)) {
    const key = keyFor(entity);
    for (const at of s.ats) {
      const values: Value[] = [];
      const status: FeatureStatus[] = [];
      if (store.read(key, at, values, status) === 'needs-history') {
        const newest = store.newest[store.indexOf.get(key) as number] as number;
        expect(at < store.watermark || at < newest).toBe(true);
        continue;
      }
      answered++;
      expectAnswer(s, { values, status }, oracle(s.all, known, entity, at));
    }
  }
  return answered;
};

test('tiles equal the brute-force computation for any order of arrival, from the watermark on', () => {
  let answered = 0;
  fc.assert(
    fc.property(scenario(), (s) => {
      answered += readAll(s, filled(s), s.events);
    }),
    { numRuns: 300 },
  );
  expect(answered).toBeGreaterThan(100);
});

test('the same between any two events, and after eviction', () => {
  fc.assert(
    fc.property(scenario(), (s) => {
      const store = createTileStore(s.plan);
      s.events.forEach((event, i) => {
        feed(store, event);
        commitChanges(store);
        if (i % 7 === 3) store.evict();
        if (i % 5 === 0) readAll(s, store, s.events.slice(0, i + 1));
      });
    }),
    { numRuns: 60 },
  );
});

test("eviction keeps tiles that a window reaches, an entity's newest tile, and tiles of all time", () => {
  fc.assert(
    fc.property(scenario(), (s) => {
      const store = filled(s);
      commitChanges(store);
      store.evict();
      for (const group of store.groups) {
        const out = [...group.all()].filter(
          (slot) => (group.tileNo[slot] as number) < group.lowestKept(store.watermark),
        );
        expect(out.length === 0 || group.keepsNewest).toBe(true);
        for (const slot of out)
          expect(group.newest[slot]).toBe(store.newest[group.entity[slot] as number]);
      }
      readAll(s, store, s.events);
    }),
  );
});

test('folding raw events equals the brute-force computation at any time, past times included', () => {
  fc.assert(
    fc.property(scenario(), (s) => {
      for (const entity of entitiesOf(s)) {
        for (const at of s.ats)
          expectAnswer(
            s,
            foldFeatures(s.plan, s.events, keyFor(entity), at),
            oracle(s.all, s.events, entity, at),
          );
      }
    }),
    { numRuns: 200 },
  );
});

test('with a lateness, exactly the late events are left out and reported', () => {
  let lateOnes = 0;
  fc.assert(
    fc.property(scenario({ lateness: true }), (s) => {
      const hops = s.plan.hops.map(({ hopMs }) => hopMs);
      const widest = Math.max(...hops);
      const allowed = parseDuration(s.all.view.lateness as string);
      let watermark = Number.NEGATIVE_INFINITY;
      const kept: RawEvent[] = [];
      const late: RawEvent[] = [];
      for (const event of s.events) {
        if (!counted(s.all, event)) continue;
        const closes = (Math.floor(event.eventTime / widest) + 1) * widest + allowed;
        if (widest > 0 && closes < watermark) late.push(event);
        else {
          kept.push(event);
          watermark = Math.max(watermark, Math.min(event.eventTime, event.logTime));
        }
      }
      const store = filled(s);
      expect(store.takeLate().map(({ partition, offset }) => [partition, offset])).toEqual(
        late.map(({ partition, offset }) => [partition, offset]),
      );
      expect(store.takeLate()).toEqual([]);
      lateOnes += late.length;
      readAll(s, store, kept);
    }),
    { numRuns: 150 },
  );
  expect(lateOnes).toBeGreaterThan(0);
});

test('a restored snapshot reads and continues as the store would', () => {
  fc.assert(
    fc.property(scenario(), fc.nat(40), (s, cut) => {
      const before = s.events.slice(0, cut);
      const store = filled({ ...s, events: before });
      const restored = createTileStore(s.plan);
      expect(restoreSnapshot(restored, takeSnapshot(store))).toBe(true);
      expect(tilesOf(restored)).toEqual(tilesOf(store));
      readAll(s, restored, before);
      for (const event of s.events.slice(cut)) feed(restored, event);
      readAll(s, restored, s.events);
    }),
  );
});

test('a snapshot of another plan, and bytes that are not a snapshot, are refused', () => {
  fc.assert(
    fc.property(scenario(), (s) => {
      const store = filled(s);
      const other = createTileStore({ ...s.plan, hash: 'other' });
      expect(restoreSnapshot(other, takeSnapshot(store))).toBe(false);
      expect(restoreSnapshot(other, new Uint8Array([1, 2, 3]))).toBe(false);
      expect(other.entities).toBe(0);
    }),
    { numRuns: 20 },
  );
});

test('the written updates, applied to an empty store, make the same tiles, newest times and watermark', () => {
  fc.assert(
    fc.property(scenario(), fc.boolean(), (s, twice) => {
      const codec = tileCodec(s.plan);
      const store = createTileStore(s.plan);
      const records: Uint8Array[] = [];
      s.events.forEach((event, i) => {
        feed(store, event);
        if (i % s.commit === 0 || i === s.events.length - 1)
          codec.encodeChanges(store, 1, 1, (bytes) => records.push(bytes));
      });
      const rebuilt = createTileStore(s.plan);
      for (const bytes of records) {
        const update = codec.decode(bytes);
        applyUpdate(rebuilt, update);
        if (twice) applyUpdate(rebuilt, update);
      }
      expect(rebuilt.watermark).toBe(store.watermark);
      expect(rebuilt.newestOfAll).toBe(store.newestOfAll);
      readAll(s, rebuilt, s.events);
      store.evict();
      rebuilt.evict();
      expect(tilesOf(rebuilt)).toEqual(tilesOf(store));
    }),
    { numRuns: 200 },
  );
});

/** Every tile by key, hop and number, with its contents. */
const tilesOf = (store: TileStore): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    store.groups
      .flatMap((group) =>
        [...group.all()].map((slot) => {
          const { hop, nums, refs } = group;
          const encoders = hop.partials.flatMap(({ partial }) => partial.refs);
          return [
            JSON.stringify([
              store.keys[group.entity[slot] as number],
              hop.hopMs,
              group.tileNo[slot],
            ]),
            {
              newest: group.newest[slot],
              nums: [...nums.subarray(slot * hop.nums, (slot + 1) * hop.nums)].map((x) => x + 0),
              refs: encoders.map((encoder, i) => encoder.encode(refs[slot * hop.refs + i])),
            },
          ] as const;
        }),
      )
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

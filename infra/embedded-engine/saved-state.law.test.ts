/**
 * A generation's state is saved at any moments, while events are computed, by processes that are
 * killed at any point of a save; and it is loaded part by part, when an entity is used. Reads find
 * what a brute-force computation gives, or say that raw events have to answer.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { featuresAvroSchema } from '#domain/encoding/features-schema.ts';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import type { FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import type { RawEvent, Scalar, Value } from '#domain/values/value.ts';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { definitions, moments, rawEvents } from '#tests/oracle/arbitraries.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import { evictEntities } from './evict-entities.ts';
import { type RebuiltTiles, rebuildTiles } from './rebuild-tiles.ts';
import { openSnapshots, type Snapshots, verifyStates } from './snapshots.ts';

const PLATFORM = '5e0b6b0e-6e8c-4b52-9a2e-3d1f0c7a9b11';
const VIEW = 'seen';
const LIMITS = { entities: 2, files: 3 };

const STEPS = [
  'save',
  'save',
  'save and evict',
  'save and evict',
  'killed save',
  'restart',
  'drop dead',
] as const;

interface Scenario {
  readonly all: Definitions;
  readonly plan: ViewPlan;
  readonly events: readonly RawEvent[];
  readonly ats: readonly number[];
  /** each after so many events; `at` chooses the point of a save, and the entity that is read */
  readonly steps: readonly {
    readonly what: (typeof STEPS)[number];
    readonly events: number;
    readonly at: number;
  }[];
}

const scenario: fc.Arbitrary<Scenario> = fc
  .tuple(
    fc.oneof(
      definitions({ dimension: true }),
      definitions().filter(({ view }) =>
        Object.values(view.features).every(({ window }) => window !== undefined),
      ),
    ),
    rawEvents(60),
    fc.array(
      fc.record({
        what: fc.constantFrom(...STEPS),
        events: fc.integer({ min: 0, max: 9 }),
        at: fc.nat(1000),
      }),
      { minLength: 4, maxLength: 12 },
    ),
  )
  .chain(([all, events, steps]) =>
    fc.array(moments(all, events), { minLength: 2, maxLength: 4 }).map((ats) => ({
      all,
      events,
      ats,
      steps,
      plan: planView(all.view, all.source, all.entity),
    })),
  );

const keysOf = ({ all, events }: Scenario): ReadonlyMap<string, readonly Value[]> => {
  const entities = events.flatMap(({ row }) => {
    const values = keyValues(all, row);
    return values === null ? [] : [values];
  });
  const stranger = Object.values(all.entity.keys).map((type) =>
    type === 'string' ? 'absent' : 77,
  );
  return new Map([...entities, stranger].map((values) => [encodeKey(values as Scalar[]), values]));
};

/** @returns how many answers came from tiles */
const expectReads = (
  s: Scenario,
  store: TileStore,
  known: readonly RawEvent[],
  entities: Iterable<readonly [key: string, entity: readonly Value[]]>,
): number => {
  let answered = 0;
  for (const [key, entity] of entities)
    for (const at of [...s.ats, store.watermark, store.newestOfAll].filter(Number.isFinite)) {
      const [values, status]: [Value[], FeatureStatus[]] = [[], []];
      if (store.read(key, at, values, status) === 'needs-history') {
        const newest = store.newestOf(key);
        const isPast = at < store.watermark || at < (newest ?? at);
        expect(isPast || (newest === null && store.dropped.mayHave(key))).toBe(true);
        continue;
      }
      answered++;
      const want = oracle(s.all, known, entity, at);
      expect(status).toEqual(want.status);
      Object.values(s.all.view.features).forEach(({ aggregation }, i) => {
        const isLong = s.plan.features[i]?.type.base === 'long';
        const [got, right] = [values[i], want.values[i] as Value];
        if (!sameValue(aggregation, isLong, got, right, want.scale[i] as number))
          expect({ aggregation, value: got }).toEqual({ aggregation, value: right });
      });
    }
  return answered;
};

/** Those of a store that was never saved. */
const expectTimes = (s: Scenario, store: TileStore, known: readonly RawEvent[]): void => {
  const whole = createTileStore(s.plan);
  for (const { row, eventTime, partition, offset, logTime } of known)
    whole.process(row, eventTime, partition, offset, logTime);
  const timesOf = ({ watermark, newestOfAll }: TileStore) => ({ watermark, newestOfAll });
  expect(timesOf(store)).toEqual(timesOf(whole));
};

/** A view whose log is in this test, and its saved state in a directory. */
const openWorld = async (s: Scenario, root: string) => {
  const directory = join(root, 'state');
  const codec = tileCodec(s.plan);
  // Twice as many as there are: never too many, and often enough that entities are loaded alone.
  const quota = Math.ceil((keysOf(s).size + 2) / 2);
  let updates: Uint8Array[] = [];
  let computed = 0;
  let snapshots: Snapshots;
  let tiles: RebuiltTiles;

  const log = {
    begin: async () => [0],
    end: async () => [updates.length],
    read: async (topic: string, partition: number, offset: number) =>
      updates.slice(offset, offset + 5).map((value, i): LogRecord => {
        const at = { offset: offset + i, logTime: 0 };
        return { topic, partition, key: null, value, schemaId: 1, ...at };
      }),
  };
  const start = async (): Promise<void> => {
    snapshots = openSnapshots({
      directory,
      platform: PLATFORM,
      warn: (message) => expect.unreachable(message),
      limits: LIMITS,
    });
    const from = s.all.source;
    const spec = { view: VIEW, version: 1, generation: 1, plan: s.plan, source: from };
    const schemas = { schema: async () => featuresAvroSchema(s.plan) };
    const newStore = () => createTileStore(s.plan, { quota, mayEvict: true });
    const rebuilt = await rebuildTiles(spec, { log, schemas, snapshots, newStore }, 0);
    if (typeof rebuilt === 'string') throw new Error(rebuilt);
    tiles = rebuilt;
  };
  const compute = (count: number): void => {
    for (const event of s.events.slice(computed, computed + count)) {
      const { row, eventTime, partition, offset, logTime } = event;
      tiles.store.process(row, eventTime, partition, offset, logTime);
      computed++;
    }
    codec.encodeChanges(tiles.store, 1, 1, (value) => updates.push(value));
  };
  /** @param onTurn called between the turns of the save, and before the state is replaced */
  const save = async (onTurn: () => unknown): Promise<void> => {
    const nextOffset = updates.length;
    await tiles.loadPending(() => true);
    const isCurrent = (): boolean => {
      onTurn();
      compute(1);
      return true;
    };
    expect(await snapshots.save(VIEW, 1, { store: tiles.store, nextOffset, isCurrent })).toBe(true);
    tiles = { ...tiles, savedOffset: nextOffset };
  };
  const copies = join(root, 'copies');
  /** Every directory that a killed save can leave, with what the log has by then. */
  const killedSave = async (at: number): Promise<void> => {
    const points: { readonly copy: string; readonly updates: number; readonly computed: number }[] =
      [];
    const copyNow = (): void => {
      const copy = join(copies, String(points.length));
      cpSync(directory, copy, { recursive: true });
      points.push({ copy, updates: updates.length, computed });
    };
    mkdirSync(copies);
    copyNow();
    await save(copyNow);
    copyNow();
    // Between the replacement of the state and the deletion of old files.
    const [first, last] = [points[0], points.at(-1)] as [{ copy: string }, { copy: string }];
    for (const name of readdirSync(first.copy))
      if (!existsSync(join(last.copy, name))) cpSync(join(first.copy, name), join(last.copy, name));
    const chosen = points[at % points.length] as (typeof points)[number];
    rmSync(directory, { recursive: true });
    cpSync(chosen.copy, directory, { recursive: true });
    rmSync(copies, { recursive: true });
    updates = updates.slice(0, chosen.updates);
    computed = chosen.computed;
    await start();
  };
  await start();
  return {
    compute,
    save,
    killedSave,
    start,
    /** Events are computed between two turns. */
    async evict() {
      let turn = 0;
      await evictEntities(
        tiles.store,
        () => {
          if (turn++ % 2 === 0) compute(1);
          return true;
        },
        1,
      );
    },
    store: () => tiles.store,
    known: () => s.events.slice(0, computed),
    rest: () => s.events.length - computed,
    flaws: () => verifyStates(directory, PLATFORM, () => updates.length),
    names: () => readdirSync(directory),
  };
};

test('saved at any moment, killed at any point, loaded part by part: reads are right', async () => {
  let answered = 0;
  let [missing, sections] = [0, 0];
  await fc.assert(
    fc.asyncProperty(scenario, async (s) => {
      const root = temporaryDirectory();
      try {
        const world = await openWorld(s, root.path);
        const keys = [...keysOf(s)];
        for (const { what, events, at } of s.steps) {
          world.compute(events);
          if (what.startsWith('save'))
            await world.save(() => at % 3 === 0 && world.store().dropDead());
          if (what === 'save and evict') await world.evict();
          else if (what === 'killed save') await world.killedSave(at);
          else if (what === 'restart') await world.start();
          else if (what === 'drop dead') world.store().dropDead();
          missing += world.store().parts.missing;
          expectTimes(s, world.store(), world.known());
          sections = Math.max(sections, world.names().length);
          expect((await world.flaws()).filter(({ why }) => why !== null)).toEqual([]);
          answered += expectReads(s, world.store(), world.known(), [
            keys[at % keys.length] as (typeof keys)[number],
          ]);
        }
        world.compute(world.rest());
        answered += expectReads(s, world.store(), s.events, keys);
        await world.start();
        answered += expectReads(s, world.store(), s.events, keys);
        // Files that no state names are deleted, and there are few others.
        expect(world.names().length).toBeLessThanOrEqual(1 + LIMITS.files);
      } finally {
        root.remove();
      }
    }),
    { numRuns: 40 },
  );
  expect(answered).toBeGreaterThan(500);
  expect(missing).toBeGreaterThan(100);
  expect(sections).toBeGreaterThan(2);
});

/**
 * However updates come in batches and batches in chunks, the store ends with each entity as if its
 * updates had been taken in one by one: with a store that answers late and in any order, that
 * fails, and that is emptied in between.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { col, entity, featureView, last, source, sum } from '#domain/definitions/index.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { takeIn } from '#domain/encoding/pack-updates.ts';
import { packEntity } from '#domain/encoding/packed-block.ts';
import type { PackedEntity } from '#domain/encoding/packed-entity.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { CacheEntry, CacheStore } from '#domain/ports/online-store.ts';
import { cachePartition, type KeyedUpdate } from './cache-tiles.ts';

const parsed = <T>(definition: unknown): T =>
  parseDefinition(JSON.parse(JSON.stringify(definition))) as T;
const user = entity({ name: 'user', keys: { id: 'string' } });
const clicks = source({
  name: 'clicks',
  fields: { at: 'timestamp', id: 'string', n: 'double' },
  eventTime: 'at',
});
const view = featureView({
  name: 'views',
  entity: user,
  source: clicks,
  features: { total: sum(col('n'), { window: '1h' }), newest: last(col('n')) },
});
const plan = planView(
  parsed<FeatureViewDefinition>(view),
  parsed<SourceDefinition>(clicks),
  parsed<EntityDefinition>(user),
);
const HOUR = 3_600_000;

const update = (offset: number, key: string, hop: number, tile: number): KeyedUpdate => {
  const group = plan.hops[hop % plan.hops.length] as (typeof plan.hops)[number];
  const entries = [{ event_time: offset, partition: 0, offset, value: offset * 3 }];
  return {
    key,
    generation: 1,
    offset,
    hopMs: group.hopMs,
    tileStart: group.hopMs === 0 ? 0 : tile * group.hopMs,
    newestEventTime: HOUR + offset,
    cause: { partition: 0, offset },
    nums: new Float64Array(group.nums).fill(offset),
    refs: new Array(group.refs).fill(entries),
  };
};

interface Trouble {
  /** turns of the event loop that the n-th call waits */
  readonly delays: readonly number[];
  /**
   * calls that fail before, or after, they have done their work; calls before which the store is
   * emptied
   */
  readonly failBefore: ReadonlySet<number>;
  readonly failAfter: ReadonlySet<number>;
  readonly emptied: ReadonlySet<number>;
}

/** A store of a few lines that keeps its promises and no more. */
const naiveStore = ({ delays, failBefore, failAfter, emptied }: Trouble) => {
  let blocks = new Map<string, PackedEntity>();
  let offset: number | null = null;
  let calls = 0;
  const turn = async <T>(work: () => T): Promise<T> => {
    const call = calls++;
    for (let i = 0; i < (delays[call % delays.length] ?? 0); i++)
      await new Promise((resolve) => setImmediate(resolve));
    if (emptied.has(call)) {
      blocks = new Map();
      offset = null;
    }
    if (failBefore.has(call)) throw new Error('the store is gone');
    const result = work();
    if (failAfter.has(call)) throw new Error('the answer is lost');
    return result;
  };
  const store: CacheStore = {
    name: 'naive',
    read: async () => [],
    position: () => turn(() => ({ offset, begun: 0 })),
    load: (_, keys) => turn(() => keys.map((key) => blocks.get(key) ?? null)),
    store: (_target, _partition, from, to, entries: readonly CacheEntry[]) =>
      turn(() => {
        if (from !== offset) return false;
        for (const { key, entity: block } of entries) blocks.set(key, block);
        offset = to;
        return true;
      }),
    repair: async () => {},
    progress: async () => ({ offsets: [offset], ready: false, newestEventTime: null }),
    drop: async () => {},
    close: async () => {},
  };
  return { store, state: () => ({ offset, blocks }) };
};

const calls = (): fc.Arbitrary<ReadonlySet<number>> =>
  fc.uniqueArray(fc.nat(60), { maxLength: 3 }).map((list) => new Set(list));
const trouble: fc.Arbitrary<Trouble> = fc.record({
  delays: fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
  failBefore: calls(),
  failAfter: calls(),
  emptied: calls(),
});

test('each entity is as if its updates had been applied one by one', async () => {
  const updates = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), fc.nat(1), fc.nat(2)),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(
      updates,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 25 }),
      trouble,
      async (drawn, chunk, size, ills) => {
        const all = drawn.map(([key, hop, tile], offset) => update(offset, key, hop, tile));
        const { store, state } = naiveStore(ills);
        const target = { plan, generation: 1 };
        const partition = cachePartition({
          store,
          target,
          partition: 0,
          partitions: 1,
          ttlMs: null,
          now: () => 0,
          chunk,
        });
        /**
         * As the projection does: a batch that fails or is refused is read again from the store's
         * position.
         */
        const retried = async <T>(work: () => Promise<T>): Promise<T> => {
          for (;;) {
            try {
              return await work();
            } catch {}
          }
        };
        let at = (await retried(() => partition.start())) ?? 0;
        while (at < all.length || (await retried(() => partition.check())) === 'lost') {
          const next = Math.min(at + size, all.length);
          const batch = {
            partition: 0,
            updates: all.slice(at, next),
            next,
            end: all.length,
            logTime: 0,
          };
          const taken = at < all.length && (await partition.apply(batch).catch(() => false));
          at = taken ? next : ((await retried(() => partition.start())) ?? 0);
        }
        const want = new Map<string, PackedEntity>();
        for (const one of all)
          want.set(
            one.key,
            takeIn(plan, want.get(one.key) ?? null, [one], {
              partition: 0,
              offset: 0,
              keepFrom: -HOUR,
              wholeIfNew: true,
            }),
          );
        // The head says at which batch a block was written, and which update began it: both depend
        // on the batches.
        const tilesOf = (e: PackedEntity | undefined): unknown =>
          e && [e.newest, e.whole, e.hops.map((hop) => ({ ...hop }))];
        const { blocks } = state();
        expect([...blocks.keys()].sort()).toEqual([...want.keys()].sort());
        for (const [key, entity] of want) {
          expect(tilesOf(blocks.get(key))).toEqual(tilesOf(entity));
          expect(packEntity(blocks.get(key) as PackedEntity).length).toBe(
            packEntity(entity).length,
          );
        }
      },
    ),
    { numRuns: 300 },
  );
});

/**
 * Keeps the cache tier's copy of a view: a member of the group that shares the partitions of
 * features.<view>. A partition is read from the position in the store itself, so a store that was
 * emptied is filled again from the topic's beginning.
 */

import type { PackedEntity } from '#domain/encoding/packed-entity.ts';
import type { UpdateDecoder } from '#domain/encoding/update-decoder.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import type { CacheStore, TilesTarget } from '#domain/ports/online-store.ts';
import type { Subscribe, Subscription } from '#domain/ports/subscription.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import {
  type CachePartition,
  cachePartition,
  type KeyedUpdate,
} from '#projections/cache/cache-tiles.ts';
import type { CacheTraces } from './cache-traces.ts';

export interface CacheProjectionOptions {
  readonly subscribe: Subscribe;
  readonly view: string;
  readonly partitions: number;
  readonly store: CacheStore;
  readonly decoder: UpdateDecoder;
  readonly ttlOf: (target: TilesTarget) => number | null;
  /** see CachePartitionOptions */
  readonly older?: (
    target: TilesTarget,
    keys: readonly string[],
  ) => Promise<readonly (PackedEntity | null)[]>;
  readonly now: () => number;
  /** the topic's end offsets */
  readonly ends: () => Promise<readonly number[]>;
  /** whether the partition has no record from one offset up to another */
  readonly isEmpty: (partition: number, from: number, end: number) => Promise<boolean>;
  /** absent: no traces */
  readonly traces?: CacheTraces;
}

export interface CacheProjection {
  /** Keeps copies of these generations, and of no others. */
  readonly follow: (targets: readonly TilesTarget[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

const CHECK_MS = 1_000;

export const cacheProjection = (options: CacheProjectionOptions): CacheProjection => {
  const { view, store, decoder, now, partitions, ttlOf, older } = options;
  const topic = featuresTopic(view);
  let targets: readonly TilesTarget[] = [];
  /** by partition, then by generation */
  const kept = new Map<number, Map<number, CachePartition>>();
  let subscription: Subscription | null = null;

  const openTarget = (target: TilesTarget, partition: number): CachePartition =>
    cachePartition({
      store,
      target,
      partition,
      partitions,
      ttlMs: ttlOf(target),
      now,
      ...(older === undefined ? {} : { older: (keys) => older(target, keys) }),
    });

  /** The offset to read the partition from: the first that a generation lacks. */
  const begin = async (partition: number): Promise<number> => {
    const mine = new Map<number, CachePartition>();
    let from = Number.POSITIVE_INFINITY;
    for (const target of targets) {
      const open = openTarget(target, partition);
      mine.set(target.generation, open);
      from = Math.min(from, (await open.start()) ?? 0);
    }
    kept.set(partition, mine);
    return from === Number.POSITIVE_INFINITY ? 0 : from;
  };

  const decode = async (records: readonly LogRecord[]): Promise<KeyedUpdate[]> => {
    const plan = targets[0]?.plan;
    if (plan === undefined) return [];
    const plans = new Map(targets.map((target) => [target.generation, target.plan]));
    const updates: KeyedUpdate[] = [];
    for (const record of records) {
      const packed = decoder.pack(plan, record);
      // Only the first record of a schema waits for the schema.
      const first = packed instanceof Promise ? await packed : packed;
      if (first === null) continue;
      const own = plans.get(first.generation);
      const update = own === undefined || own === plan ? first : await decoder.pack(own, record);
      if (update !== null) updates.push({ ...update, offset: record.offset });
    }
    return updates;
  };

  const restart = async (partition: number): Promise<void> => {
    const offset = await begin(partition);
    subscription?.seek({ topic, partition, offset });
  };

  const start = (): Subscription =>
    options.subscribe({
      group: `cache.${view}`,
      topics: [topic],
      commits: 'handler',
      onAssigned: async (assigned) =>
        Promise.all(
          assigned.map(async ({ partition }) => ({
            topic,
            partition,
            offset: await begin(partition),
          })),
        ),
      async onRevoked(revoked) {
        for (const { partition } of revoked) kept.delete(partition);
      },
      async handler({ partition, records, end, current }) {
        const last = records.at(-1);
        const mine = kept.get(partition);
        if (last === undefined || mine === undefined) return;
        const batch = {
          partition,
          updates: await decode(records),
          next: last.offset + 1,
          end,
          logTime: last.logTime,
        };
        for (const cache of mine.values()) {
          if (!current()) return;
          if (!(await cache.apply(batch))) return restart(partition);
        }
        options.traces?.stored(records, batch.updates);
      },
    });

  const isEmpty = (partition: number) => (from: number, end: number) =>
    options.isEmpty(partition, from, end);

  /**
   * Notices a store that was emptied while no new records come, and marks a partition as ready that
   * is empty, or whose last records were erased.
   */
  const check = async (): Promise<void> => {
    const ends = await options.ends();
    for (const [partition, mine] of kept)
      for (const cache of mine.values())
        if ((await cache.check(ends[partition], isEmpty(partition))) === 'lost')
          return restart(partition);
  };
  let checking = false;
  const timer = setInterval(() => {
    if (checking) return;
    checking = true;
    check()
      .catch(() => {})
      .finally(() => {
        checking = false;
      });
  }, CHECK_MS);
  timer.unref();

  return {
    async follow(next) {
      const same =
        next.length === targets.length &&
        next.every(
          (t, i) =>
            t.generation === targets[i]?.generation &&
            ttlOf(t) === ttlOf(targets[i] as TilesTarget),
        );
      targets = next;
      if (subscription === null) subscription = start();
      else if (!same) for (const partition of kept.keys()) await restart(partition);
    },
    async close() {
      clearInterval(timer);
      await subscription?.close();
    },
  };
};

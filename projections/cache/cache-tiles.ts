/**
 * Keeps the cache tier's copy of one generation, a partition of features.<view> at a time: feature
 * updates in, packed entities out.
 *
 * One process owns a partition at a time, and its batches come in order. A batch is written in
 * chunks, each atomically together with the position after it, so an update that comes twice is
 * applied once. Where the store's position is not the expected one (the store was emptied, or
 * another process owned the partition in between), the partition is read again from the store's
 * position.
 */

import { type PlainUpdate, takeIn } from '#domain/encoding/pack-updates.ts';
import type { PackedEntity } from '#domain/encoding/packed-entity.ts';
import type { CacheEntry, CacheStore, TilesTarget } from '#domain/ports/online-store.ts';

export interface KeyedUpdate extends PlainUpdate {
  /** encoded entity key */
  readonly key: string;
  readonly generation: number;
}

export interface CacheBatch {
  readonly partition: number;
  readonly updates: readonly KeyedUpdate[];
  /** offset after the batch */
  readonly next: number;
  /** the topic's end when the batch was read */
  readonly end: number;
  /** log time of the batch's last record, epoch ms */
  readonly logTime: number;
}

export interface CachePartition {
  /** The offset to read from: the store's position, or null for the topic's beginning. */
  readonly start: () => Promise<number | null>;
  /** Writes a batch. False: the position was lost, and the partition must be read from `start`. */
  readonly apply: (batch: CacheBatch) => Promise<boolean>;
  /**
   * For when no batch comes: marks a partition as complete that has no record from the position to
   * its end, and says whether the store's position is still the expected one.
   * @param isEmpty whether no record lies from one offset up to another; asked where the position
   * has not moved since the last call, because a batch may just not have come yet
   */
  readonly check: (
    end?: number,
    isEmpty?: (from: number, end: number) => Promise<boolean>,
  ) => Promise<'kept' | 'lost'>;
}

/** Tiles are dropped this long after the last read that could need them: clocks differ. */
const GRACE_MS = 3_600_000;

const byKey = (updates: readonly KeyedUpdate[]): Map<string, KeyedUpdate[]> => {
  const groups = new Map<string, KeyedUpdate[]>();
  for (const update of updates) {
    const group = groups.get(update.key);
    if (group === undefined) groups.set(update.key, [update]);
    else group.push(update);
  }
  return groups;
};

/** A part of a batch, written atomically. */
interface Chunk {
  /** by entity */
  readonly groups: ReadonlyMap<string, readonly KeyedUpdate[]>;
  /** offset after it */
  readonly next: number;
}

/** While one chunk is computed, the store writes the one before it and reads the one after it. */
const CHUNK = 1_000;

/** At least one: where a batch has no update for us, it only moves the position. */
const chunksOf = (updates: readonly KeyedUpdate[], end: number, size: number): readonly Chunk[] => {
  const chunks: Chunk[] = [];
  for (let from = 0; from === 0 || from < updates.length; from += size) {
    const mine = updates.length <= size ? updates : updates.slice(from, from + size);
    const next = from + size >= updates.length ? end : (mine.at(-1) as KeyedUpdate).offset + 1;
    chunks.push({ groups: byKey(mine), next });
  }
  return chunks;
};

const disjoint = (a: Chunk, b: Chunk): boolean => {
  for (const key of b.groups.keys()) if (a.groups.has(key)) return false;
  return true;
};

export interface CachePartitionOptions {
  readonly store: CacheStore;
  readonly target: TilesTarget;
  readonly partition: number;
  readonly partitions: number;
  /** time to live of the store's keys, ms; null: for ever */
  readonly ttlMs: number | null;
  /**
   * What another store has of entities that may have expired here: the whole entity, or null where
   * that is not known. Absent: such an entity starts empty and is complete only together with the
   * durable tier.
   */
  readonly older?: (keys: readonly string[]) => Promise<readonly (PackedEntity | null)[]>;
  readonly now: () => number;
  /** updates written at once; default 1,000 */
  readonly chunk?: number;
}

const withOlder = async (
  { older }: CachePartitionOptions,
  keys: readonly string[],
  stored: readonly (PackedEntity | null)[],
): Promise<readonly (PackedEntity | null)[]> => {
  const absent = older === undefined ? [] : keys.filter((_, i) => stored[i] === null);
  if (older === undefined || absent.length === 0) return stored;
  const found = await older(absent);
  const byKey = new Map(absent.map((key, i) => [key, found[i] ?? null]));
  return stored.map((entity, i) => entity ?? byKey.get(keys[i] as string) ?? null);
};

export const cachePartition = (options: CachePartitionOptions): CachePartition => {
  const { store, target, partition, partitions, ttlMs, now } = options;
  let offset: number | null = null;
  let begun = 0;
  let ready = false;
  /** the position at the last check */
  let stood: number | null = null;

  const chunkEntries = async (
    { groups, next }: Chunk,
    stored: readonly (PackedEntity | null)[],
    { logTime }: CacheBatch,
  ): Promise<{ readonly entries: readonly CacheEntry[]; readonly newest: number }> => {
    // No key can have expired before the time to live is over: an absent one never existed.
    const wholeIfNew = ttlMs === null || now() - begun < ttlMs;
    const before = wholeIfNew ? stored : await withOlder(options, [...groups.keys()], stored);
    const how = { partition, offset: next, keepFrom: logTime - GRACE_MS, wholeIfNew };
    let newest = Number.NEGATIVE_INFINITY;
    let i = 0;
    const entries: CacheEntry[] = [];
    for (const [key, updates] of groups) {
      const entity = takeIn(target.plan, before[i++] ?? null, updates, how);
      newest = Math.max(newest, entity.newest);
      entries.push({ key, entity });
    }
    return { entries, newest };
  };

  return {
    async start() {
      const position = await store.position(target, partition);
      offset = position.offset;
      begun = position.offset === null ? now() : position.begun;
      ready = false;
      return offset;
    },

    async apply(batch) {
      const mine = batch.updates.filter(
        (u) => u.generation === target.generation && u.hopMs >= 0 && u.offset >= (offset ?? 0),
      );
      const chunks = chunksOf(mine, batch.next, options.chunk ?? CHUNK);
      const load = ({ groups }: Chunk): ReturnType<CacheStore['load']> =>
        store.load(target, [...groups.keys()]);
      // A failure is thrown where the promise is awaited; without an await it is dropped.
      const ahead = <T>(promise: Promise<T>): Promise<T> => {
        promise.catch(() => {});
        return promise;
      };
      let loading: ReturnType<CacheStore['load']> | null = null;
      let storing: Promise<boolean> = Promise.resolve(true);
      for (const [i, chunk] of chunks.entries()) {
        const stored = await (loading ?? load(chunk));
        const next = chunks[i + 1];
        // The store may reorder calls that are under way together, so entities that are being
        // written, or will be next, are not read ahead.
        const readAhead =
          next !== undefined &&
          disjoint(chunk, next) &&
          (i === 0 || disjoint(chunks[i - 1] as Chunk, next));
        loading = readAhead ? ahead(load(next)) : null;
        const { entries, newest } = await chunkEntries(chunk, stored, batch);
        if (!(await storing)) return false;
        if (next === undefined) ready = ready || batch.next >= batch.end;
        const from = offset;
        storing = ahead(
          store
            .store(target, partition, from, chunk.next, entries, {
              ready,
              newestEventTime: newest,
              now: begun,
              partitions,
            })
            .then((taken) => {
              if (taken) offset = chunk.next;
              return taken;
            }),
        );
        if (loading === null && !(await storing)) return false;
      }
      return storing;
    },

    async check(end, isEmpty = async () => false) {
      const position = await store.position(target, partition);
      if (position.offset !== offset) return 'lost';
      const from = offset;
      if (end === undefined || (from !== null && from >= end)) return 'kept';
      if (end > 0) {
        const stands = stood === (from ?? 0);
        stood = from ?? 0;
        if (!stands || !(await isEmpty(stood, end)) || offset !== from) return 'kept';
      }
      ready = true;
      const empty = { ready, newestEventTime: Number.NEGATIVE_INFINITY, now: begun, partitions };
      if (await store.store(target, partition, from, end, [], empty)) offset = end;
      return 'kept';
    },
  };
};

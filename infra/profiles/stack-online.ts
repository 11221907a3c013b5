/**
 * The online stores of the stack: Redis as the cache tier, Paimon as the durable tier, each behind
 * a timeout, with the conditions under which each may answer.
 */

import type { ReadsByStore } from '#domain/api/operations.ts';
import { noTiles, type PackedEntity } from '#domain/encoding/packed-entity.ts';
import type { CacheStore, OnlineStore, TilesTarget } from '#domain/ports/online-store.ts';
import type { Tracing } from '#domain/ports/tracing.ts';
import type { FlinkGeneration } from '#infra/flink/generation.ts';
import { paimonTable } from '#infra/flink/sql/names.ts';
import { paimonStore } from '#infra/paimon/durable-store.ts';
import { connectLookup } from '#infra/paimon/lookup-client.ts';
import { redisCacheStore } from '#infra/redis/cache-store.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { type OnlineTiles, onlineTiles } from '#projections/serving/online-tiles.ts';
import { tracedStore } from '#projections/serving/traced-stores.ts';

export interface OnlineOptions {
  /** whether there is a cache tier; default true */
  readonly cache?: boolean;
  /**
   * how long an entity stays in the cache tier after its widest window has passed, ms; default a
   * day
   */
  readonly cacheGraceMs?: number;
  /** how long a read waits for the cache tier, ms; default 100 */
  readonly cacheTimeoutMs?: number;
  /** how long a read waits for the durable tier, ms; default 250 */
  readonly durableTimeoutMs?: number;
}

export interface StackOnline {
  readonly cache: CacheStore | null;
  readonly durable: OnlineStore;
  readonly tiles: OnlineTiles;
  readonly readsByStore: ReadsByStore;
  /** Counts rows of a view whose stores are not filled yet. */
  readonly noteFolded: (rows: number) => void;
  /** how long an entity without new events stays in the cache tier, ms; null: for ever */
  readonly ttlOf: (target: TilesTarget) => number | null;
  /**
   * The tiles in the durable tier of entities that were evicted from the cache tier and have new
   * events; null: the durable tier may not have all of them yet.
   */
  readonly older: (
    target: TilesTarget,
    keys: readonly string[],
  ) => Promise<readonly (PackedEntity | null)[]>;
}

const CACHE_TIMEOUT_MS = 100;
const DURABLE_TIMEOUT_MS = 250;
const DAY_MS = 86_400_000;
/** Covers the difference between Redis' clock and this one, and the time between two reads. */
const HANDOVER_MS = 500;

export const stackOnline = (
  options: OnlineOptions & {
    readonly addresses: Pick<StackAddresses, 'redis' | 'lookup'>;
    /** the platform's id */
    readonly platform: string;
    readonly running: (target: TilesTarget) => FlinkGeneration | null;
    readonly now: () => number;
    readonly warn: (message: string) => void;
    readonly tracing: Tracing | null;
  },
): StackOnline => {
  const { addresses, platform, running, now, warn, tracing } = options;
  /** An entity stays until no window covers its last event, plus a grace time. */
  const ttlOf = ({ plan }: TilesTarget): number | null =>
    plan.ephemeral !== null
      ? plan.ephemeral.ttlMs
      : Number.isFinite(plan.reachMs)
        ? plan.reachMs + (options.cacheGraceMs ?? DAY_MS)
        : null;
  const traced = <S extends OnlineStore>(store: S): S =>
    tracing === null ? store : tracedStore(store, tracing);
  const cache =
    options.cache === false
      ? null
      : traced(redisCacheStore({ ...addresses.redis, platform, ttlOf, warn }));
  const durable = traced(paimonStore(connectLookup(addresses.lookup), paimonTable));
  const readsByStore = { cache: 0, durable: 0, history: 0 };
  const durableHas = {
    /**
     * The last update of an evicted entity is as old as its time to live. That is days, except for
     * ephemeral views.
     */
    expired: (target: TilesTarget): boolean =>
      target.plan.ephemeral === null ||
      (running(target)?.durableUntil() ?? 0) >=
        Date.now() - target.plan.ephemeral.ttlMs + HANDOVER_MS,
    until: (target: TilesTarget, time: number): boolean => {
      const generation = running(target);
      return (
        generation === null || (generation.durableHasVisible() && generation.durableUntil() >= time)
      );
    },
  };
  const tiles = onlineTiles({
    cache,
    durable,
    cacheHas: (target) => running(target)?.cacheHasVisible() ?? true,
    durableHas,
    readsByStore,
    cacheTimeout: { timeoutMs: options.cacheTimeoutMs ?? CACHE_TIMEOUT_MS },
    durableTimeout: { timeoutMs: options.durableTimeoutMs ?? DURABLE_TIMEOUT_MS },
  });

  return {
    cache,
    durable,
    tiles,
    readsByStore,
    noteFolded(rows) {
      readsByStore.history += rows;
    },
    ttlOf,
    async older(target, keys) {
      if (!durableHas.expired(target)) return keys.map(() => null);
      const answers = await durable.read(target, keys, now()).catch(() => []);
      return keys.map((_, i) => {
        const answer = answers[i];
        if (answer === undefined || answer.found === 'unknown') return null;
        return answer.found === 'tiles' ? answer.entity : noTiles(target.plan);
      });
    },
  };
};

/**
 * Tiles from the online stores: from the cache tier first, from the durable tier what it lacks.
 *
 * - The cache tier has the entity's tiles, or knows that it has none: that is the answer.
 * - It has a part (the newest updates): the part is merged with the tiles of the durable tier,
 *   where the two meet without a gap. The cache tier is then repaired.
 * - It has evicted the entity, cannot tell, or is down: the durable tier answers, once it has
 *   everything that earlier reads were answered from.
 * - The durable tier is down or behind: there is no answer from tiles, and the caller folds raw
 *   events, which takes longer and gives the same values.
 */

import type { ReadsByStore } from '#domain/api/operations.ts';
import { mergeEntities } from '#domain/encoding/pack-updates.ts';
import type { PackedEntity } from '#domain/encoding/packed-entity.ts';
import { packedReader } from '#domain/encoding/packed-reader.ts';
import { type Degraded, degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import {
  type CacheStore,
  type OnlineStore,
  type TilesAnswer,
  type TilesTarget,
  UNKNOWN,
} from '#domain/ports/online-store.ts';
import type { FetchedTiles } from '#domain/ports/served-view.ts';
import { guardStore, type StoreTimeout, type Unanswered } from './store-guard.ts';

type Counters = { -readonly [Store in keyof ReadsByStore]: number };

interface OnlineTilesOptions {
  /** null: the platform has no cache tier */
  readonly cache: CacheStore | null;
  readonly durable: OnlineStore;
  /**
   * Whether the cache tier has everything that reads were answered from so far. It is checked when
   * the cache tier answers again after an outage: in the meantime the durable tier may have
   * advanced further than a copy that was just filled.
   */
  readonly cacheHas: (target: TilesTarget) => boolean;
  /** Whether the durable tier has advanced far enough to answer. */
  readonly durableHas: {
    /** every entity that may have expired in the cache tier */
    readonly expired: (target: TilesTarget) => boolean;
    /** everything that reads can have been answered from until a time, epoch ms */
    readonly until: (target: TilesTarget, time: number) => boolean;
  };
  readonly readsByStore: Counters;
  readonly cacheTimeout: StoreTimeout;
  readonly durableTimeout: StoreTimeout;
}

export interface OnlineTiles {
  readonly read: (
    target: TilesTarget,
    keys: readonly string[],
    at: number,
  ) => Promise<{ readonly answers: readonly TilesAnswer[]; readonly degraded: Degraded }>;
  /** the modes of the stores whose circuit breaker is open */
  readonly degraded: () => Degraded;
}

const CACHE_UNAVAILABLE = degraded('cache-unavailable');
const CACHE_FILLING = degraded('cache-filling');
const DURABLE: Readonly<Record<Unanswered, Degraded>> = {
  down: degraded('durable-unavailable'),
  slow: degraded('durable-slow'),
};

/** Whether the durable tier's tiles include the update with which a part begins. */
export const meets = (durable: PackedEntity, part: PackedEntity): boolean => {
  if (part.since === null) return false;
  const { hop, tileNo, offset } = part.since;
  const tiles = durable.hops[hop];
  const at = tiles?.tileNo.indexOf(tileNo) ?? -1;
  return at >= 0 && ((tiles as NonNullable<typeof tiles>).updateOffset?.[at] ?? -1) >= offset;
};

export const onlineTiles = (options: OnlineTilesOptions): OnlineTiles => {
  const { cache, durable, cacheHas, durableHas, readsByStore } = options;
  const guardedCache = cache === null ? null : guardStore(cache, options.cacheTimeout);
  const guardedDurable = guardStore(durable, options.durableTimeout);
  /**
   * generation → since when the cache tier cannot answer, after it could, epoch ms; null: it can
   */
  const coldSince = new Map<string, number | null>();
  const noteCache = (id: string, answers: readonly TilesAnswer[]): void => {
    if (answers.some((answer) => answer !== UNKNOWN)) coldSince.set(id, null);
    else if (answers.length > 0 && coldSince.get(id) === null) coldSince.set(id, Date.now());
  };

  const join = (
    target: TilesTarget,
    key: string,
    mine: TilesAnswer,
    theirs: TilesAnswer,
  ): TilesAnswer => {
    const part = mine.found === 'unknown' ? mine.part : null;
    if (part === null || theirs.found === 'unknown') return part === null ? theirs : UNKNOWN;
    if (theirs.found === 'nothing' || !meets(theirs.entity, part)) return UNKNOWN;
    const whole = mergeEntities(target.plan, theirs.entity, part);
    cache?.repair(target, key, part, whole).catch(() => {});
    return { found: 'tiles', entity: whole };
  };

  /** A store that does not answer is treated like one that cannot tell. */
  const read: OnlineTiles['read'] = async (target, keys, at) => {
    const cacheAnswers =
      guardedCache === null || keys.length === 0 ? [] : await guardedCache.read(target, keys, at);
    const id = `${target.plan.view}#${target.generation}`;
    const cannotTell =
      typeof cacheAnswers === 'string' ||
      guardedCache === null ||
      (coldSince.get(id) !== null && !cacheHas(target));
    const fromCache = cannotTell ? keys.map(() => UNKNOWN) : cacheAnswers;
    noteCache(id, fromCache);
    const open = fromCache.flatMap((answer, i) => (answer.found === 'unknown' ? [i] : []));
    readsByStore.cache += keys.length - open.length;
    if (open.length === 0) return { answers: fromCache, degraded: NOT_DEGRADED };
    let modes = NOT_DEGRADED;
    if (typeof cacheAnswers === 'string') modes |= CACHE_UNAVAILABLE;
    else if (guardedCache !== null && fromCache[open[0] as number] === UNKNOWN)
      modes |= CACHE_FILLING;
    const forDurable = open.filter((i) => {
      const { part, expired } = fromCache[i] as TilesAnswer & { found: 'unknown' };
      // A part needs no such check: it is merged only where the two meet.
      if (part !== null) return true;
      return expired
        ? durableHas.expired(target)
        : durableHas.until(target, coldSince.get(id) ?? 0);
    });
    const theirs = new Map<number, TilesAnswer>();
    if (forDurable.length > 0) {
      const wanted = forDurable.map((i) => keys[i] as string);
      const durableAnswers = await guardedDurable.read(target, wanted, at);
      if (typeof durableAnswers === 'string') modes |= DURABLE[durableAnswers];
      else forDurable.forEach((i, n) => theirs.set(i, durableAnswers[n] as TilesAnswer));
    }
    const answers = [...fromCache];
    open.forEach((i) => {
      const answer = join(
        target,
        keys[i] as string,
        fromCache[i] as TilesAnswer,
        theirs.get(i) ?? UNKNOWN,
      );
      if (answer.found === 'unknown') readsByStore.history++;
      else readsByStore.durable++;
      answers[i] = answer;
    });
    return { answers, degraded: modes };
  };

  return {
    read,
    degraded() {
      const durableState = guardedDurable.state();
      return (
        (guardedCache === null || guardedCache.state() === null
          ? NOT_DEGRADED
          : CACHE_UNAVAILABLE) | (durableState === null ? NOT_DEGRADED : DURABLE[durableState])
      );
    },
  };
};

/** The `fetch` of a served view. */
export const tilesFetcher = (
  target: TilesTarget,
  tiles: OnlineTiles,
): ((keys: readonly string[], at: number) => Promise<FetchedTiles>) => {
  const reader = packedReader(target.plan);
  return async (keys, at) => {
    const { answers, degraded: modes } = await tiles.read(target, keys, at);
    return {
      degraded: modes,
      read(row, when, out, status) {
        const answer = answers[row] as TilesAnswer;
        if (answer.found === 'unknown') return 'needs-history';
        return reader.read(answer.found === 'nothing' ? null : answer.entity, when, out, status);
      },
      newest(row) {
        const answer = answers[row] as TilesAnswer;
        return answer.found === 'tiles' && Number.isFinite(answer.entity.newest)
          ? answer.entity.newest
          : null;
      },
    };
  };
};

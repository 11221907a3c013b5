/**
 * Tiles from the online stores: the cached copy first, the durable tier for what it has not got.
 *
 *   cache says tiles or nothing that is the answer
 *   cache has a part with what the durable has, where the two meet without a gap; the cached copy
 *   is
 *   then mended
 *   cache let it go, cannot tell, the durable's answer, once it has all that reads were answered
 *   from
 *   or is down
 *   the durable is down or behind no answer from tiles: the caller folds raw events, which is
 *   slower and as right
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
import { guardStore, type StoreBudget, type Unanswered } from './store-guard.ts';

type Counters = { -readonly [Store in keyof ReadsByStore]: number };

export interface OnlineTilesOptions {
  /** null: none is kept of this view */
  readonly cache: CacheStore | null;
  readonly durable: OnlineStore;
  /**
   * Whether the cache tier has all that reads were answered from so far: asked for when it can tell
   * again after it could not, for meanwhile the durable tier may have come further than the copy
   * that is just filled.
   */
  readonly cacheHas: (target: TilesTarget) => boolean;
  /** Whether the durable tier is far enough to be asked. */
  readonly durableHas: {
    /** every entity that may have expired in the cache tier */
    readonly expired: (target: TilesTarget) => boolean;
    /** all that reads can have been answered from until a time, epoch ms */
    readonly until: (target: TilesTarget, time: number) => boolean;
  };
  readonly readsByStore: Counters;
  readonly cacheTimeout: StoreBudget;
  readonly durableTimeout: StoreBudget;
}

export interface OnlineTiles {
  readonly read: (
    target: TilesTarget,
    keys: readonly string[],
    at: number,
  ) => Promise<{ readonly answers: readonly TilesAnswer[]; readonly degraded: Degraded }>;
  /** the stores that are left alone now */
  readonly degraded: () => Degraded;
}

const CACHE_UNAVAILABLE = degraded('cache-unavailable');
const CACHE_FILLING = degraded('cache-filling');
const PRIMARY: Readonly<Record<Unanswered, Degraded>> = {
  down: degraded('durable-unavailable'),
  slow: degraded('durable-slow'),
};

/**
 * Whether a store's state of an entity takes in the update with which a part began: then the two
 * meet.
 */
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
  /** by generation: since when the cache tier cannot tell, after it could; null: it can */
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

  /** A store that does not answer is as good as one that cannot tell. */
  const read: OnlineTiles['read'] = async (target, keys, at) => {
    const cacheSaid =
      guardedCache === null || keys.length === 0 ? [] : await guardedCache.read(target, keys, at);
    const id = `${target.plan.view}#${target.generation}`;
    const cannotTell =
      typeof cacheSaid === 'string' ||
      guardedCache === null ||
      (coldSince.get(id) !== null && !cacheHas(target));
    const fromCache = cannotTell ? keys.map(() => UNKNOWN) : cacheSaid;
    noteCache(id, fromCache);
    const open = fromCache.flatMap((answer, i) => (answer.found === 'unknown' ? [i] : []));
    readsByStore.cache += keys.length - open.length;
    if (open.length === 0) return { answers: fromCache, degraded: NOT_DEGRADED };
    let modes = NOT_DEGRADED;
    if (typeof cacheSaid === 'string') modes |= CACHE_UNAVAILABLE;
    else if (guardedCache !== null && fromCache[open[0] as number] === UNKNOWN)
      modes |= CACHE_FILLING;
    const asked = open.filter((i) => {
      const { part, expired } = fromCache[i] as TilesAnswer & { found: 'unknown' };
      // A part needs no promise: it is joined only where the two meet.
      if (part !== null) return true;
      return expired
        ? durableHas.expired(target)
        : durableHas.until(target, coldSince.get(id) ?? 0);
    });
    const theirs = new Map<number, TilesAnswer>();
    if (asked.length > 0) {
      const wanted = asked.map((i) => keys[i] as string);
      const durableSaid = await guardedDurable.read(target, wanted, at);
      if (typeof durableSaid === 'string') modes |= PRIMARY[durableSaid];
      else asked.forEach((i, n) => theirs.set(i, durableSaid[n] as TilesAnswer));
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
          : CACHE_UNAVAILABLE) | (durableState === null ? NOT_DEGRADED : PRIMARY[durableState])
      );
    },
  };
};

/** The same as a view's `fetch`. */
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

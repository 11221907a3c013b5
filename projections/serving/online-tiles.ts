/**
 * Tiles from the online stores: the hot copy first, the primary store for what it has not got.
 *
 *   hot says tiles or nothing that is the answer
 *   hot has a part with what the primary has, where the two meet without a gap; the hot copy is
 *   then mended
 *   hot let it go, cannot tell, the primary's answer, once it has all that reads were answered from
 *   or is down
 *   the primary is down or behind no answer from tiles: the caller folds raw events, which is
 *   slower and as right
 */

import { mergeEntities } from '#domain/encoding/pack-updates.ts';
import type { PackedEntity } from '#domain/encoding/packed-entity.ts';
import { packedReader } from '#domain/encoding/packed-reader.ts';
import { type Degraded, degraded, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import {
  type HotStore,
  type OnlineStore,
  type TilesAnswer,
  type TilesTarget,
  UNKNOWN,
} from '#domain/ports/online-store.ts';
import type { RowsServed } from '#domain/ports/platform.ts';
import type { FetchedTiles } from './served-view.ts';
import { guardStore, type StoreBudget, type Unanswered } from './store-guard.ts';

type Counters = { -readonly [Store in keyof RowsServed]: number };

export interface OnlineTilesOptions {
  /** null: none is kept of this view */
  readonly hot: HotStore | null;
  readonly primary: OnlineStore;
  /**
   * Whether the hot store has all that reads were answered from so far: asked for when it can tell
   * again after it could not, for meanwhile the primary store may have come further than the copy
   * that is just filled.
   */
  readonly hotHas: (target: TilesTarget) => boolean;
  /** Whether the primary store is far enough to be asked. */
  readonly primaryHas: {
    /** all that the hot store may have let go */
    readonly letGo: (target: TilesTarget) => boolean;
    /** all that reads can have been answered from until a time, epoch ms */
    readonly until: (target: TilesTarget, time: number) => boolean;
  };
  readonly served: Counters;
  readonly hotBudget: StoreBudget;
  readonly primaryBudget: StoreBudget;
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

const HOT_UNAVAILABLE = degraded('hot-unavailable');
const HOT_FILLING = degraded('hot-filling');
const PRIMARY: Readonly<Record<Unanswered, Degraded>> = {
  down: degraded('primary-unavailable'),
  slow: degraded('primary-slow'),
};

/**
 * Whether a store's state of an entity takes in the update with which a part began: then the two
 * meet.
 */
export const meets = (primary: PackedEntity, part: PackedEntity): boolean => {
  if (part.since === null) return false;
  const { hop, tileNo, offset } = part.since;
  const tiles = primary.hops[hop];
  const at = tiles?.tileNo.indexOf(tileNo) ?? -1;
  return at >= 0 && ((tiles as NonNullable<typeof tiles>).updateOffset?.[at] ?? -1) >= offset;
};

export const onlineTiles = (options: OnlineTilesOptions): OnlineTiles => {
  const { hot, primary, hotHas, primaryHas, served } = options;
  const guardedHot = hot === null ? null : guardStore(hot, options.hotBudget);
  const guardedPrimary = guardStore(primary, options.primaryBudget);
  /** by generation: since when the hot store cannot tell, after it could; null: it can */
  const coldSince = new Map<string, number | null>();
  const noteHot = (id: string, answers: readonly TilesAnswer[]): void => {
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
    hot?.repair(target, key, part, whole).catch(() => {});
    return { found: 'tiles', entity: whole };
  };

  /** A store that does not answer is as good as one that cannot tell. */
  const read: OnlineTiles['read'] = async (target, keys, at) => {
    const hotSaid =
      guardedHot === null || keys.length === 0 ? [] : await guardedHot.read(target, keys, at);
    const id = `${target.plan.view}#${target.generation}`;
    const cannotTell =
      typeof hotSaid === 'string' ||
      guardedHot === null ||
      (coldSince.get(id) !== null && !hotHas(target));
    const fromHot = cannotTell ? keys.map(() => UNKNOWN) : hotSaid;
    noteHot(id, fromHot);
    const open = fromHot.flatMap((answer, i) => (answer.found === 'unknown' ? [i] : []));
    served.hot += keys.length - open.length;
    if (open.length === 0) return { answers: fromHot, degraded: NOT_DEGRADED };
    let modes = NOT_DEGRADED;
    if (typeof hotSaid === 'string') modes |= HOT_UNAVAILABLE;
    else if (guardedHot !== null && fromHot[open[0] as number] === UNKNOWN) modes |= HOT_FILLING;
    const asked = open.filter((i) => {
      const { part, letGo } = fromHot[i] as TilesAnswer & { found: 'unknown' };
      // A part needs no promise: it is joined only where the two meet.
      if (part !== null) return true;
      return letGo ? primaryHas.letGo(target) : primaryHas.until(target, coldSince.get(id) ?? 0);
    });
    const theirs = new Map<number, TilesAnswer>();
    if (asked.length > 0) {
      const wanted = asked.map((i) => keys[i] as string);
      const primarySaid = await guardedPrimary.read(target, wanted, at);
      if (typeof primarySaid === 'string') modes |= PRIMARY[primarySaid];
      else asked.forEach((i, n) => theirs.set(i, primarySaid[n] as TilesAnswer));
    }
    const answers = [...fromHot];
    open.forEach((i) => {
      const answer = join(
        target,
        keys[i] as string,
        fromHot[i] as TilesAnswer,
        theirs.get(i) ?? UNKNOWN,
      );
      if (answer.found === 'unknown') served.history++;
      else served.primary++;
      answers[i] = answer;
    });
    return { answers, degraded: modes };
  };

  return {
    read,
    degraded() {
      const primaryState = guardedPrimary.state();
      return (
        (guardedHot === null || guardedHot.state() === null ? NOT_DEGRADED : HOT_UNAVAILABLE) |
        (primaryState === null ? NOT_DEGRADED : PRIMARY[primaryState])
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

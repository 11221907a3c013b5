/**
 * Tiles from the online stores: the hot copy first, the primary store for what it has not got.
 *
 *   hot says tiles or nothing         that is the answer
 *   hot has a part                    with what the primary has, where the two meet without a gap; the hot copy is then mended
 *   hot let it go, cannot tell,       the primary's answer, once it has all that reads were answered from
 *   or is down
 *   the primary is down or behind     no answer from tiles: the caller folds raw events, which is slower and as right
 */
import { type HotStore, type OnlineStore, type TilesAnswer, type TilesTarget, UNKNOWN } from '#domain/ports/online-store.ts';
import type { RowsServed } from '#domain/ports/platform.ts';
import { mergeEntities } from '#domain/views/pack-updates.ts';
import { type PackedEntity, packedReader } from '#domain/views/packed-entity.ts';
import type { FetchedTiles } from './served-view.ts';

type Counters = { -readonly [Store in keyof RowsServed]: number };

export interface OnlineTilesOptions {
  /** null: none is kept of this view */
  readonly hot: HotStore | null;
  readonly primary: OnlineStore;
  /** Whether the primary store is far enough to be asked. */
  readonly primaryHas: {
    /** all that the hot store may have let go */
    readonly letGo: (target: TilesTarget) => boolean;
    /** all that reads can have been answered from until a time, epoch ms */
    readonly until: (target: TilesTarget, time: number) => boolean;
  };
  readonly served: Counters;
}

/** Whether a store's state of an entity takes in the update with which a part began: then the two meet. */
export const meets = (primary: PackedEntity, part: PackedEntity): boolean => {
  if (part.since === null) return false;
  const { hop, tileNo, offset } = part.since;
  const tiles = primary.hops[hop];
  const at = tiles?.tileNo.indexOf(tileNo) ?? -1;
  return at >= 0 && ((tiles as NonNullable<typeof tiles>).updateOffset?.[at] ?? -1) >= offset;
};

export const onlineTiles = ({ hot, primary, primaryHas, served }: OnlineTilesOptions) => {
  /** by generation: since when the hot store cannot tell, after it could; null: it can */
  const coldSince = new Map<string, number | null>();
  const noteHot = (id: string, answers: readonly TilesAnswer[]): void => {
    if (answers.some((answer) => answer !== UNKNOWN)) coldSince.set(id, null);
    else if (answers.length > 0 && coldSince.get(id) === null) coldSince.set(id, Date.now());
  };

  /** A store that does not answer is as good as one that cannot tell: it has said so itself, once. */
  const ask = async (
    store: OnlineStore | null,
    target: TilesTarget,
    keys: readonly string[],
    at: number,
  ): Promise<readonly TilesAnswer[]> => {
    if (store === null || keys.length === 0) return keys.map(() => UNKNOWN);
    try {
      return await store.read(target, keys, at);
    } catch {
      return keys.map(() => UNKNOWN);
    }
  };

  const join = (target: TilesTarget, key: string, mine: TilesAnswer, theirs: TilesAnswer): TilesAnswer => {
    const part = mine.found === 'unknown' ? mine.part : null;
    if (part === null || theirs.found === 'unknown') return part === null ? theirs : UNKNOWN;
    if (theirs.found === 'nothing' || !meets(theirs.entity, part)) return UNKNOWN;
    const whole = mergeEntities(target.plan, theirs.entity, part);
    hot?.repair(target, key, part, whole).catch(() => {});
    return { found: 'tiles', entity: whole };
  };

  return async (target: TilesTarget, keys: readonly string[], at: number): Promise<readonly TilesAnswer[]> => {
    const fromHot = await ask(hot, target, keys, at);
    const id = `${target.plan.view}#${target.generation}`;
    noteHot(id, fromHot);
    const open = fromHot.flatMap((answer, i) => (answer.found === 'unknown' ? [i] : []));
    served.hot += keys.length - open.length;
    if (open.length === 0) return fromHot;
    const asked = open.filter((i) => {
      const { part, letGo } = fromHot[i] as TilesAnswer & { found: 'unknown' };
      // A part needs no promise: it is joined only where the two meet.
      if (part !== null) return true;
      return letGo ? primaryHas.letGo(target) : primaryHas.until(target, coldSince.get(id) ?? 0);
    });
    const fromPrimary = await ask(
      primary,
      target,
      asked.map((i) => keys[i] as string),
      at,
    );
    const theirs = new Map(asked.map((i, n) => [i, fromPrimary[n] as TilesAnswer]));
    const answers = [...fromHot];
    open.forEach((i) => {
      const answer = join(target, keys[i] as string, fromHot[i] as TilesAnswer, theirs.get(i) ?? UNKNOWN);
      if (answer.found === 'unknown') served.history++;
      else served.primary++;
      answers[i] = answer;
    });
    return answers;
  };
};

/** The same as a view's `fetch`. */
export const tilesFetcher = (
  target: TilesTarget,
  tiles: ReturnType<typeof onlineTiles>,
): ((keys: readonly string[], at: number) => Promise<FetchedTiles>) => {
  const reader = packedReader(target.plan);
  return async (keys, at) => {
    const answers = await tiles(target, keys, at);
    return {
      read(row, when, out, status) {
        const answer = answers[row] as TilesAnswer;
        if (answer.found === 'unknown') return 'needs-history';
        return reader.read(answer.found === 'nothing' ? null : answer.entity, when, out, status);
      },
      newest(row) {
        const answer = answers[row] as TilesAnswer;
        return answer.found === 'tiles' && Number.isFinite(answer.entity.newest) ? answer.entity.newest : null;
      },
    };
  };
};

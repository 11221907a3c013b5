/**
 * Taking feature updates into a packed entity. Updates are cumulative states of tiles, so taking one in again changes nothing; one that
 * is older than what stands (an engine that resumed from a checkpoint says again what it had said) is left out.
 */

import { NO_TILES, type PackedEntity, type PackedTiles } from './packed-entity.ts';
import { packedRefs } from './packed-refs.ts';
import type { HopGroup, ViewPlan } from './plan.ts';

/** One update, its references as plain data. */
export interface PlainUpdate {
  /** in its partition of features.<view> */
  readonly offset: number;
  readonly hopMs: number;
  readonly tileStart: number;
  readonly newestEventTime: number;
  readonly cause: { readonly partition: number; readonly offset: number };
  readonly nums: Float64Array;
  readonly refs: readonly unknown[];
}

const breadth = ({ hopMs }: HopGroup): number => (hopMs === 0 ? Number.POSITIVE_INFINITY : hopMs);
const tileNumber = (update: PlainUpdate): number => (update.hopMs === 0 ? 0 : update.tileStart / update.hopMs);

/** The first tile that a read at or after `at` needs. */
const lowestKept = ({ hopMs, reachMs }: HopGroup, at: number): number =>
  hopMs === 0 || reachMs === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : Math.floor((at - reachMs) / hopMs);

interface Tile {
  readonly no: number;
  readonly newest: number;
  readonly partition: number;
  readonly offset: number;
  readonly nums: Float64Array;
  /** references that lie in doubles, and those that do not (PackedTiles) */
  readonly fixed: Float64Array;
  readonly refs: readonly unknown[];
}

const tilesOf = (packed: PackedTiles, hop: HopGroup): Tile[] => {
  const { nums: width } = hop;
  const fixedWidth = packedRefs(hop).width;
  return Array.from(packed.tileNo, (no, i) => ({
    no,
    newest: packed.newest[i] as number,
    partition: packed.causePartition[i] as number,
    offset: packed.causeOffset[i] as number,
    nums: packed.nums.subarray(i * width, (i + 1) * width),
    fixed: packed.fixed.subarray(i * fixedWidth, (i + 1) * fixedWidth),
    refs: packed.refs[i] ?? [],
  }));
};

const pack = (tiles: readonly Tile[], hop: HopGroup): PackedTiles => {
  const { nums: width } = hop;
  const fixedWidth = packedRefs(hop).width;
  const nums = new Float64Array(tiles.length * width);
  const fixed = new Float64Array(tiles.length * fixedWidth);
  tiles.forEach((tile, i) => {
    nums.set(tile.nums, i * width);
    fixed.set(tile.fixed, i * fixedWidth);
  });
  return {
    tileNo: Float64Array.from(tiles, (t) => t.no),
    newest: Float64Array.from(tiles, (t) => t.newest),
    causePartition: Float64Array.from(tiles, (t) => t.partition),
    causeOffset: Float64Array.from(tiles, (t) => t.offset),
    nums,
    fixed,
    refs: tiles.map((t) => t.refs),
  };
};

/** Whether a state of a tile was made before another: by the place of the event that caused it, where both were caused in one partition. */
const isOlder = (a: { partition: number; offset: number }, b: { partition: number; offset: number }): boolean =>
  a.partition === b.partition && a.offset < b.offset;

const place = (tiles: Tile[], tile: Tile): void => {
  let at = tiles.length;
  while (at > 0 && (tiles[at - 1] as Tile).no > tile.no) at--;
  const before = tiles[at - 1];
  if (before?.no !== tile.no) tiles.splice(at, 0, tile);
  else if (!isOlder(tile, before)) tiles[at - 1] = tile;
};

const fromUpdate = (update: PlainUpdate, hop: HopGroup): Tile => {
  const packed = packedRefs(hop);
  const fixed = new Float64Array(packed.width);
  const refs = packed.pack(update.refs, fixed, 0);
  return { no: tileNumber(update), newest: update.newestEventTime, ...update.cause, nums: update.nums, fixed, refs };
};

export interface TakeIn {
  /** of features.<view>, after the last of the updates */
  readonly partition: number;
  readonly offset: number;
  /** tiles that only reads before this time need are let go (epoch ms); −∞: none */
  readonly keepFrom: number;
  /** whether a missing block means that the entity had no tile before these updates */
  readonly wholeIfNew: boolean;
}

/** @param before null: nothing is stored */
export const takeIn = (
  plan: ViewPlan,
  before: PackedEntity | null,
  updates: readonly PlainUpdate[],
  how: TakeIn,
): PackedEntity => {
  const widest = plan.hops.reduce((a, b) => (breadth(a) >= breadth(b) ? a : b));
  let newest = before?.newest ?? Number.NEGATIVE_INFINITY;
  for (const update of updates) newest = Math.max(newest, update.newestEventTime);
  const keptFrom = Math.max(before?.keptFrom ?? Number.NEGATIVE_INFINITY, how.keepFrom);
  const hops = plan.hops.map((hop, h): PackedTiles => {
    const packed = before?.hops[h] ?? NO_TILES;
    const mine = updates.filter((update) => update.hopMs === hop.hopMs);
    const lowest = lowestKept(hop, keptFrom);
    if (mine.length === 0 && !((packed.tileNo[0] ?? lowest) < lowest)) return packed;
    const tiles = tilesOf(packed, hop);
    for (const update of mine) place(tiles, fromUpdate(update, hop));
    // The newest tile of the widest hop stays: it says that there is such an entity, and since when it was not seen.
    const last = tiles.at(-1);
    return pack(
      tiles.filter((tile) => tile.no >= lowest || (hop === widest && tile === last)),
      hop,
    );
  });
  const first = updates[0];
  const since =
    before?.since ??
    (before !== null || first === undefined
      ? null
      : {
          offset: first.offset,
          hop: plan.hops.findIndex((hop) => hop.hopMs === first.hopMs),
          tileNo: tileNumber(first),
        });
  return { partition: how.partition, offset: how.offset, whole: before?.whole ?? how.wholeIfNew, since, newest, keptFrom, hops };
};

/** What a store had and what came since, tile by tile: the later state stands. The two must meet without a gap. */
export const mergeEntities = (plan: ViewPlan, older: PackedEntity, newer: PackedEntity): PackedEntity => ({
  ...newer,
  whole: true,
  newest: Math.max(older.newest, newer.newest),
  keptFrom: Math.max(older.keptFrom, newer.keptFrom),
  hops: plan.hops.map((hop, h) => {
    const tiles = tilesOf(older.hops[h] ?? NO_TILES, hop);
    for (const tile of tilesOf(newer.hops[h] ?? NO_TILES, hop)) place(tiles, tile);
    return pack(tiles, hop);
  }),
});

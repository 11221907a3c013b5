/**
 * Adds feature updates to a packed entity. Updates are cumulative states of tiles, so adding one
 * twice changes nothing. An update that is older than the stored state is ignored: an engine that
 * resumes from a checkpoint repeats updates.
 */

import type { HopGroup, ViewPlan } from '#domain/plan/plan.ts';
import { doubleArena } from './double-arena.ts';
import { hasRefs, withTail, writeHead } from './packed-block.ts';
import {
  HEAD_DOUBLES,
  NO_TILES,
  type PackedEntity,
  type PackedHead,
  type PackedTiles,
  TILE_DOUBLES,
} from './packed-entity.ts';
import { packedRefs } from './packed-refs.ts';
import { StoredBlock } from './stored-block.ts';

/** One update, with its references as plain data. */
export interface PlainUpdate {
  /** in its partition of features.<view> */
  readonly offset: number;
  readonly hopMs: number;
  readonly tileStart: number;
  readonly newestEventTime: number;
  readonly cause: { readonly partition: number; readonly offset: number };
  readonly nums: Float64Array;
  readonly refs: readonly unknown[];
  /**
   * the references that are kept as doubles, if they were read as such; `refs` then has null in
   * their places, or is empty if there are no others
   */
  readonly fixed?: Float64Array;
}

const breadth = ({ hopMs }: HopGroup): number => (hopMs === 0 ? Number.POSITIVE_INFINITY : hopMs);
const tileNumber = (update: PlainUpdate): number =>
  update.hopMs === 0 ? 0 : update.tileStart / update.hopMs;

/** The first tile that a read at or after `at` needs. */
const lowestKept = ({ hopMs, reachMs }: HopGroup, at: number): number =>
  hopMs === 0 || reachMs === Number.POSITIVE_INFINITY
    ? Number.NEGATIVE_INFINITY
    : Math.floor((at - reachMs) / hopMs);

/** A tile in place: in a stored block or in an update. */
interface Tile {
  readonly no: number;
  readonly newest: number;
  readonly partition: number;
  readonly offset: number;
  readonly nums: Float64Array;
  readonly numsAt: number;
  /** references kept as doubles, and the others (PackedTiles) */
  readonly fixed: Float64Array;
  readonly fixedAt: number;
  readonly refs: readonly unknown[];
}

const NO_REFS: readonly unknown[] = [];

const tilesOf = (packed: PackedTiles, hop: HopGroup): Tile[] => {
  const { nums: width } = hop;
  const fixedWidth = packedRefs(hop).width;
  const tiles: Tile[] = [];
  for (let i = 0; i < packed.tileNo.length; i++)
    tiles.push({
      no: packed.tileNo[i] as number,
      newest: packed.newest[i] as number,
      partition: packed.causePartition[i] as number,
      offset: packed.causeOffset[i] as number,
      nums: packed.nums,
      numsAt: i * width,
      fixed: packed.fixed,
      fixedAt: i * fixedWidth,
      refs: packed.refs[i] ?? NO_REFS,
    });
  return tiles;
};

const doublesOf = (plan: ViewPlan, tiles: readonly (readonly Tile[])[]): number => {
  let doubles = HEAD_DOUBLES;
  for (let h = 0; h < tiles.length; h++) {
    const hop = plan.hops[h] as HopGroup;
    doubles +=
      1 + (tiles[h] as readonly Tile[]).length * (TILE_DOUBLES + hop.nums + packedRefs(hop).width);
  }
  return doubles;
};

/**
 * Blocks are allocated from larger buffers: a buffer for each would cost more than writing its
 * contents.
 */
const arena = doubleArena();

/**
 * The entity, written directly into the block that a store keeps (packed-entity.ts has the layout).
 */
const packTiles = (
  plan: ViewPlan,
  head: PackedHead,
  tiles: readonly (readonly Tile[])[],
): PackedEntity => {
  const doubles = doublesOf(plan, tiles);
  const { block, from } = arena(doubles);
  writeHead(block, from, head);
  let at = from + HEAD_DOUBLES;
  for (let h = 0; h < tiles.length; h++) {
    const mine = tiles[h] as readonly Tile[];
    const { nums: width } = plan.hops[h] as HopGroup;
    const { width: fixedWidth } = packedRefs(plan.hops[h] as HopGroup);
    const count = mine.length;
    block[at++] = count;
    const numsAt = at + TILE_DOUBLES * count;
    const fixedAt = numsAt + count * width;
    for (let i = 0; i < count; i++) {
      const tile = mine[i] as Tile;
      block[at + i] = tile.no;
      block[at + count + i] = tile.newest;
      block[at + 2 * count + i] = tile.partition;
      block[at + 3 * count + i] = tile.offset;
      for (let n = 0; n < width; n++)
        block[numsAt + i * width + n] = tile.nums[tile.numsAt + n] as number;
      for (let n = 0; n < fixedWidth; n++)
        block[fixedAt + i * fixedWidth + n] = tile.fixed[tile.fixedAt + n] as number;
    }
    at = fixedAt + count * fixedWidth;
  }
  const bytes = Buffer.from(block.buffer, from * 8, doubles * 8);
  const refs = tiles.map((mine) => mine.map((tile) => tile.refs as unknown[]));
  return hasRefs(refs)
    ? new StoredBlock(plan, withTail(bytes, refs), refs)
    : new StoredBlock(plan, bytes, null);
};

/**
 * Whether one state of a tile is older than another, by the position of the event that caused it.
 * Only positions in one partition compare.
 */
const isOlder = (
  a: { partition: number; offset: number },
  b: { partition: number; offset: number },
): boolean => a.partition === b.partition && a.offset < b.offset;

const place = (tiles: Tile[], tile: Tile): void => {
  let at = tiles.length;
  while (at > 0 && (tiles[at - 1] as Tile).no > tile.no) at--;
  const before = tiles[at - 1];
  if (before?.no !== tile.no) tiles.splice(at, 0, tile);
  else if (!isOlder(tile, before)) tiles[at - 1] = tile;
};

const fromUpdate = (update: PlainUpdate, hop: HopGroup): Tile => {
  const packed = packedRefs(hop);
  const fixed = update.fixed ?? new Float64Array(packed.width);
  const refs = update.fixed === undefined ? packed.pack(update.refs, fixed, 0) : update.refs;
  const { newestEventTime: newest, cause, nums } = update;
  const { partition, offset } = cause;
  return {
    no: tileNumber(update),
    newest,
    partition,
    offset,
    nums,
    numsAt: 0,
    fixed,
    fixedAt: 0,
    refs,
  };
};

interface TakeIn {
  /** position in features.<view> after the last of the updates */
  readonly partition: number;
  readonly offset: number;
  /** tiles that only reads before this time need are dropped (epoch ms); −∞: none */
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
  const tiles = plan.hops.map((hop, h): readonly Tile[] => {
    const kept = before === null ? [] : tilesOf(before.hops[h] ?? NO_TILES, hop);
    for (const update of updates)
      if (update.hopMs === hop.hopMs) place(kept, fromUpdate(update, hop));
    const lowest = lowestKept(hop, keptFrom);
    if (!((kept[0]?.no ?? lowest) < lowest)) return kept;
    // The newest tile of the widest hop is kept: it shows that the entity exists, and its newest
    // event time.
    const last = kept.at(-1);
    return kept.filter((tile) => tile.no >= lowest || (hop === widest && tile === last));
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
  const { partition, offset } = how;
  return packTiles(
    plan,
    { partition, offset, whole: before?.whole ?? how.wholeIfNew, since, newest, keptFrom },
    tiles,
  );
};

/**
 * Merges a stored entity with later updates, tile by tile: the later state wins. There must be no
 * gap between the two.
 */
export const mergeEntities = (
  plan: ViewPlan,
  older: PackedEntity,
  newer: PackedEntity,
): PackedEntity => {
  const tiles = plan.hops.map((hop, h) => {
    const kept = tilesOf(older.hops[h] ?? NO_TILES, hop);
    for (const tile of tilesOf(newer.hops[h] ?? NO_TILES, hop)) place(kept, tile);
    return kept;
  });
  const { partition, offset, since } = newer;
  const head = {
    partition,
    offset,
    since,
    whole: true,
    newest: Math.max(older.newest, newer.newest),
    keptFrom: Math.max(older.keptFrom, newer.keptFrom),
  };
  return packTiles(plan, head, tiles);
};

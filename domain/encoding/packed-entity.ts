/**
 * All kept tiles of one entity as one block of bytes: what an online store holds under one key, and
 * reads in one look.
 *
 * Everything that a read touches is a double, so that the block is read where it lies, with no
 * decoding:
 *
 *   head 12 doubles: form, partition and next offset of features.<view>, whole?, newest event time,
 *   kept from, bytes of references,
 *           where the block began (offset, hop, tile number), two spare
 *   a hop count, then tile numbers, newest event times, cause partitions, cause offsets (count
 *   each), floats (count · width),
 *           references that lie in doubles (count · their width, see packed-refs.ts)
 *   tail the other references of all tiles, JSON: [hop][tile][slot]
 *
 * `whole`: the block has every tile that a read at or after `keptFrom` needs. A block that began in
 * the middle of the topic (its store had been emptied) is not whole: it has what came since, and
 * the rest must come from the durable tier. There the first update that the block took shows
 * whether what the store has and what the block has meet without a gap: all updates of an entity
 * are in one partition, and the durable tier's snapshots hold a prefix of it.
 */
import type { ViewPlan } from '#domain/plan/plan.ts';

export const FORM = 0x4d52_0002;
export const HEAD_DOUBLES = 12;
export const HEAD_NEWEST = 4;
export const HEAD_KEPT_FROM = 5;
/** of a tile, before its floats: its number, newest event time, cause's partition and offset */
export const TILE_DOUBLES = 4;

/** The tiles of one hop, in order of tile number. */
export interface PackedTiles {
  readonly tileNo: Float64Array;
  readonly newest: Float64Array;
  readonly causePartition: Float64Array;
  readonly causeOffset: Float64Array;
  readonly nums: Float64Array;
  /** references that lie in doubles */
  readonly fixed: Float64Array;
  /** a tile: its other references as plain data; null in the places of those in `fixed` */
  readonly refs: readonly (readonly unknown[])[];
  /**
   * a tile: the offset in features.<view> of the update that it stands at; only where the durable
   * tier says so, never packed
   */
  readonly updateOffset?: Float64Array;
}

export interface PackedHead {
  /** of features.<view>: updates below `offset` of this partition are in */
  readonly partition: number;
  readonly offset: number;
  readonly whole: boolean;
  /**
   * the first update taken in: its offset, and its tile; null: the block was read from a store, not
   * begun
   */
  readonly since: { readonly offset: number; readonly hop: number; readonly tileNo: number } | null;
  /** epoch ms; −∞ where the entity has no event */
  readonly newest: number;
  /** reads at or after this time (epoch ms) find all their tiles; −∞: any read does */
  readonly keptFrom: number;
}

export interface PackedEntity extends PackedHead {
  /** a hop of the plan each */
  readonly hops: readonly PackedTiles[];
}

export const EMPTY = new Float64Array(0);
export const NO_REFS: readonly (readonly unknown[])[] = [];
export const NO_TILES: PackedTiles = {
  tileNo: EMPTY,
  newest: EMPTY,
  causePartition: EMPTY,
  causeOffset: EMPTY,
  nums: EMPTY,
  fixed: EMPTY,
  refs: [],
};

/** An entity that is known to have no events. */
export const noTiles = (plan: ViewPlan): PackedEntity => ({
  partition: 0,
  offset: 0,
  whole: true,
  since: null,
  newest: Number.NEGATIVE_INFINITY,
  keptFrom: Number.NEGATIVE_INFINITY,
  hops: plan.hops.map(() => NO_TILES),
});

/**
 * All kept tiles of one entity as one block of bytes, which an online store keeps under one key and
 * reads with one lookup.
 *
 * Everything that a read needs is a double, so the block is read in place, without decoding:
 *
 *   head      12 doubles: form, partition and next offset of features.<view>, whole, newest event
 *             time, kept from, bytes of references, where the block began (offset, hop, tile
 *             number), two spare
 *   each hop  a count, then tile numbers, newest event times, cause partitions, cause offsets
 *             (count each), floats (count · width), references kept as doubles (count · their
 *             width, see packed-refs.ts)
 *   tail      the other references of all tiles, JSON: [hop][tile][slot]
 *
 * `whole`: the block has every tile that a read at or after `keptFrom` needs. A block that began in
 * the middle of the topic, because its store had been emptied, is not whole: it has the tiles that
 * changed since, and the rest must come from the durable tier. All updates of an entity are in one
 * partition, and the durable tier's snapshots hold a prefix of it, so the first update in the block
 * shows whether there is a gap between the durable tier and the block.
 */
import type { ViewPlan } from '#domain/plan/plan.ts';

export const FORM = 0x4d52_0002;
export const HEAD_DOUBLES = 12;
export const HEAD_NEWEST = 4;
export const HEAD_KEPT_FROM = 5;
/**
 * doubles of a tile before its floats: its number, newest event time, cause partition and offset
 */
export const TILE_DOUBLES = 4;

/** The tiles of one hop, in order of tile number. */
export interface PackedTiles {
  readonly tileNo: Float64Array;
  readonly newest: Float64Array;
  readonly causePartition: Float64Array;
  readonly causeOffset: Float64Array;
  readonly nums: Float64Array;
  /** references kept as doubles */
  readonly fixed: Float64Array;
  /** for each tile its other references as plain data, with null in place of those in `fixed` */
  readonly refs: readonly (readonly unknown[])[];
  /**
   * for each tile the offset in features.<view> of its last update; only from the durable tier,
   * never packed
   */
  readonly updateOffset?: Float64Array;
}

export interface PackedHead {
  /** the updates of features.<view> below `offset` of this partition are included */
  readonly partition: number;
  readonly offset: number;
  readonly whole: boolean;
  /**
   * the first update of a block that began without a stored one: its offset and tile; otherwise
   * null
   */
  readonly since: { readonly offset: number; readonly hop: number; readonly tileNo: number } | null;
  /** epoch ms; −∞ where the entity has no event */
  readonly newest: number;
  /** reads at or after this time (epoch ms) find all their tiles; −∞: all reads do */
  readonly keptFrom: number;
}

export interface PackedEntity extends PackedHead {
  /** one for each hop of the plan */
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

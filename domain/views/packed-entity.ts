/**
 * All kept tiles of one entity as one block of bytes: what an online store holds under one key, and reads in one look.
 *
 * Everything that a read touches is a double, so that the block is read where it lies, with no decoding:
 *
 *   head    12 doubles: form, partition and next offset of features.<view>, whole?, newest event time, kept from, bytes of references,
 *           where the block began (offset, hop, tile number), two spare
 *   a hop   count, then tile numbers, newest event times, cause partitions, cause offsets (count each), floats (count · width),
 *           references that lie in doubles (count · their width, see packed-refs.ts)
 *   tail    the other references of all tiles, JSON: [hop][tile][slot]
 *
 * `whole`: the block has every tile that a read at or after `keptFrom` needs. A block that began in the middle of the topic (its
 * store had been emptied) is not whole: it has what came since, and the rest must come from the primary store. There the first update
 * that the block took shows whether what the store has and what the block has meet without a gap: all updates of an entity are in one
 * partition, and the primary store's snapshots hold a prefix of it.
 */
import { type BoundAggregation, OVERFLOW, type Slots } from '#domain/aggregations/aggregation.ts';
import type { Value } from '#domain/values/value.ts';
import { type PackedRefs, packedRefs } from './packed-refs.ts';
import type { FeatureStatus, HopGroup, ViewPlan } from './plan.ts';
import type { EntityTiles } from './tile-group.ts';
import { compileGroupReader, type GroupReader, type ReadableTiles } from './tile-reader.ts';
import type { ReadOutcome } from './tile-store.ts';

export const FORM = 0x4d52_0002;
export const HEAD_DOUBLES = 12;

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
  /** a tile: the offset in features.<view> of the update that it stands at; only where the primary store says so, never packed */
  readonly updateOffset?: Float64Array;
}

export interface PackedHead {
  /** of features.<view>: updates below `offset` of this partition are in */
  readonly partition: number;
  readonly offset: number;
  readonly whole: boolean;
  /** the first update taken in: its offset, and its tile; null: the block was read from a store, not begun */
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

const EMPTY = new Float64Array(0);
const NO_REFS: readonly (readonly unknown[])[] = [];
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

/** [0, 1, 2, …]: the slots of a packed hop, by count. */
const SLOTS: number[][] = [];
const slotsOf = (count: number): number[] => {
  SLOTS[count] ??= Array.from({ length: count }, (_, i) => i);
  return SLOTS[count];
};

/** undefined: it is none. */
const tailOf = (bytes: Uint8Array, plan: ViewPlan): unknown[][][] | undefined => {
  try {
    const refs = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as unknown;
    return Array.isArray(refs) && refs.length === plan.hops.length && refs.every(Array.isArray) ? refs : undefined;
  } catch {
    return undefined;
  }
};

/** Null where the bytes are of another form: then they are as good as absent. */
export const unpackEntity = (plan: ViewPlan, bytes: Uint8Array): PackedEntity | null => {
  // Aligned: a client's buffer begins anywhere in its pool.
  const copy = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.prototype.slice.call(bytes);
  const all = new Float64Array(copy.buffer, copy.byteOffset, Math.floor(copy.length / 8));
  if (copy.length < HEAD_DOUBLES * 8 || all[0] !== FORM) return null;
  const tail = all[6] as number;
  if (!(tail >= 0 && tail <= copy.length)) return null;
  const refs = tail === 0 ? null : tailOf(copy.subarray(copy.length - tail), plan);
  if (refs === undefined) return null;
  let at = HEAD_DOUBLES;
  const take = (length: number): Float64Array => {
    const part = all.subarray(at, at + length);
    at += length;
    return part;
  };
  const hops = plan.hops.map((hop, h): PackedTiles => {
    const count = all[at++] as number;
    // A count that lies leaves the end elsewhere than where the block ends.
    if (!(count >= 0 && count < all.length)) at = Number.NaN;
    return {
      tileNo: take(count),
      newest: take(count),
      causePartition: take(count),
      causeOffset: take(count),
      nums: take(count * hop.nums),
      fixed: take(count * packedRefs(hop).width),
      refs: refs?.[h] ?? NO_REFS,
    };
  });
  if (at * 8 + tail !== copy.length) return null;
  return {
    partition: all[1] as number,
    offset: all[2] as number,
    whole: all[3] === 1,
    since: (all[7] as number) < 0 ? null : { offset: all[7] as number, hop: all[8] as number, tileNo: all[9] as number },
    newest: all[4] as number,
    keptFrom: all[5] as number,
    hops,
  };
};

/** A packed hop as the tile reader wants it; references are decoded where they are read. */
class PackedHopReader implements ReadableTiles {
  nums: Float64Array = EMPTY;
  tileNo: Float64Array = EMPTY;
  readonly lists: (EntityTiles | undefined)[] = [undefined];
  private readonly list: EntityTiles = { slots: [], head: 0 };
  private fixed: Float64Array = EMPTY;
  private refs: readonly (readonly unknown[])[] = NO_REFS;
  private readonly packed: PackedRefs;
  private readonly decoded: unknown[];
  private readonly cursor: Slots;
  private readonly width: number;

  constructor(hop: HopGroup) {
    this.width = hop.nums;
    this.packed = packedRefs(hop);
    this.decoded = new Array(hop.refs).fill(null);
    this.cursor = { nums: this.nums, n: 0, refs: this.decoded, r: 0 };
  }

  use(tiles: PackedTiles): void {
    this.nums = tiles.nums;
    this.tileNo = tiles.tileNo;
    this.fixed = tiles.fixed;
    this.refs = tiles.refs;
    this.list.slots = slotsOf(tiles.tileNo.length);
    this.lists[0] = this.list;
  }

  at(slot: number, n: number, r: number): Slots {
    const { cursor, decoded, packed } = this;
    const end = packed.endOf[r] as number;
    for (let i = r; i < end; i++) {
      const { doubles, decode } = packed.fields[i] as PackedRefs['fields'][number];
      decoded[i] =
        doubles === undefined
          ? decode(this.refs[slot]?.[i])
          : doubles.read(this.fixed, slot * packed.width + (packed.at[i] as number));
    }
    cursor.nums = this.nums;
    cursor.n = slot * this.width + n;
    cursor.r = r;
    return cursor;
  }
}

export interface PackedReader {
  /** Fills out and status, one place a feature of the plan; `null`: the entity has no event. The rules are those of TileStore.read. */
  readonly read: (entity: PackedEntity | null, at: number, out: Value[], status: FeatureStatus[]) => ReadOutcome;
}

interface DirectFeature {
  readonly index: number;
  /** of its doubles in the tile */
  readonly at: number;
  readonly valueAt: NonNullable<BoundAggregation['ofDoubles']>;
}

/** The features of a hop of all time that are read from their doubles; null: the hop has others, or merges tiles. */
const directFeatures = (plan: ViewPlan, hop: HopGroup, h: number): readonly DirectFeature[] | null => {
  if (hop.hopMs !== 0) return null;
  const direct = plan.features.flatMap(({ hop: its, aggregation, partials }, index): DirectFeature[] => {
    const partial = hop.partials[partials[0] as number];
    if (its !== h || aggregation.ofDoubles === undefined || partial === undefined) return [];
    return [{ index, at: packedRefs(hop).at[partial.r] as number, valueAt: aggregation.ofDoubles }];
  });
  return direct.length === plan.features.filter((feature) => feature.hop === h).length ? direct : null;
};

const readDirect = (features: readonly DirectFeature[], { fixed }: PackedTiles, out: Value[], status: FeatureStatus[]): void => {
  for (let i = 0; i < features.length; i++) {
    const { index, at, valueAt } = features[i] as DirectFeature;
    const value = valueAt(fixed, at);
    out[index] = value === OVERFLOW ? null : value;
    status[index] = value === OVERFLOW ? 'overflow' : value === null ? 'null' : 'present';
  }
};

export const packedReader = (plan: ViewPlan): PackedReader => {
  const readers: GroupReader[] = plan.hops.map((hop, i) => compileGroupReader(hop, i, plan.features));
  const direct = plan.hops.map((hop, h) => directFeatures(plan, hop, h));
  const tiles = plan.hops.map((hop) => new PackedHopReader(hop));
  const readTiles = (hops: readonly PackedTiles[] | null, at: number, out: Value[], status: FeatureStatus[]): void => {
    for (let h = 0; h < readers.length; h++) {
      const packed = hops?.[h] ?? NO_TILES;
      const features = direct[h];
      if (features != null && packed.tileNo.length === 1) {
        readDirect(features, packed, out, status);
        continue;
      }
      const hop = tiles[h] as PackedHopReader;
      hop.use(packed);
      (readers[h] as GroupReader).read(hop, 0, at, out, status);
    }
  };
  return {
    read(entity, at, out, status) {
      if (entity === null || entity.newest === Number.NEGATIVE_INFINITY) {
        readTiles(null, at, out, status);
        for (let i = 0; i < plan.features.length; i++) status[i] = 'not-found';
        return 'ok';
      }
      if (at < entity.newest || at < entity.keptFrom) return 'needs-history';
      if (plan.ttlMs !== null && entity.newest < at - plan.ttlMs) {
        for (let i = 0; i < plan.features.length; i++) {
          out[i] = null;
          status[i] = 'expired';
        }
        return 'ok';
      }
      readTiles(entity.hops, at, out, status);
      return 'ok';
    },
  };
};

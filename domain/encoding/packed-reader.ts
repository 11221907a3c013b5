/**
 * Reads values from packed entities. If all features of a view are doubles of one all-time tile
 * (such as last and first values), a read copies the block once to an aligned buffer and takes the
 * values from there, without allocating objects.
 */
import { type BoundAggregation, OVERFLOW, type Slots } from '#domain/aggregations/aggregation.ts';
import type { FeatureStatus, HopGroup, ViewPlan } from '#domain/plan/plan.ts';
import { existsInTiles } from '#domain/tiles/entity-exists.ts';
import {
  compileGroupReader,
  type GroupReader,
  type ReadableTiles,
} from '#domain/tiles/merge-tiles.ts';
import type { EntityTiles } from '#domain/tiles/tile-group.ts';
import type { ReadOutcome } from '#domain/tiles/tile-store.ts';
import type { Value } from '#domain/values/value.ts';
import {
  EMPTY,
  HEAD_DOUBLES,
  HEAD_KEPT_FROM,
  HEAD_NEWEST,
  NO_REFS,
  NO_TILES,
  type PackedEntity,
  type PackedTiles,
  TILE_DOUBLES,
} from './packed-entity.ts';
import { type PackedRefs, packedRefs } from './packed-refs.ts';
import { StoredBlock } from './stored-block.ts';

const FIRST_DOUBLES = 1024;

/** The slots of a packed hop with `count` tiles: [0, 1, 2, …]. */
const SLOTS: number[][] = [];
const slotsOf = (count: number): number[] => {
  SLOTS[count] ??= Array.from({ length: count }, (_, i) => i);
  return SLOTS[count];
};

/** A packed hop as tiles to merge; references are decoded when they are read. */
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

interface PackedReader {
  /**
   * Fills `out` and `status`, one entry for each feature of the plan, by the rules of
   * TileStore.read.
   * @param entity null: the entity has no event
   */
  readonly read: (
    entity: PackedEntity | null,
    at: number,
    out: Value[],
    status: FeatureStatus[],
  ) => ReadOutcome;
}

interface DirectFeature {
  readonly index: number;
  /** index of its doubles in the tile */
  readonly at: number;
  readonly valueAt: NonNullable<BoundAggregation['ofDoubles']>;
}

/**
 * The features of an all-time hop that are read from their doubles; null if the hop has other
 * features, or merges tiles.
 */
const directFeatures = (
  plan: ViewPlan,
  hop: HopGroup,
  h: number,
): readonly DirectFeature[] | null => {
  if (hop.hopMs !== 0) return null;
  const direct = plan.features.flatMap(
    ({ hop: its, aggregation, partials }, index): DirectFeature[] => {
      const partial = hop.partials[partials[0] as number];
      if (its !== h || aggregation.ofDoubles === undefined || partial === undefined) return [];
      return [
        { index, at: packedRefs(hop).at[partial.r] as number, valueAt: aggregation.ofDoubles },
      ];
    },
  );
  return direct.length === plan.features.filter((feature) => feature.hop === h).length
    ? direct
    : null;
};

/** @param from index of the tile's first double */
const readDirect = (
  features: readonly DirectFeature[],
  doubles: Float64Array,
  from: number,
  out: Value[],
  status: FeatureStatus[],
): void => {
  for (let i = 0; i < features.length; i++) {
    const { index, at, valueAt } = features[i] as DirectFeature;
    const value = valueAt(doubles, from + at);
    out[index] = value === OVERFLOW ? null : value;
    status[index] = value === OVERFLOW ? 'overflow' : value === null ? 'null' : 'present';
  }
};

export const packedReader = (plan: ViewPlan): PackedReader => {
  const readers: GroupReader[] = plan.hops.map((hop, i) =>
    compileGroupReader(hop, i, plan.features),
  );
  const direct = plan.hops.map((hop, h) => directFeatures(plan, hop, h));
  const tiles = plan.hops.map((hop) => new PackedHopReader(hop));
  const isExpired = (newest: number, at: number): boolean =>
    plan.ttlMs !== null && newest < at - plan.ttlMs;
  const expire = (out: Value[], status: FeatureStatus[]): ReadOutcome => {
    for (let i = 0; i < plan.features.length; i++) {
      out[i] = null;
      status[i] = 'expired';
    }
    return 'ok';
  };
  const exists = ({ hops }: PackedEntity): boolean => {
    if (plan.existence === null) return true;
    tiles[plan.existence.hop]?.use(hops[plan.existence.hop] ?? NO_TILES);
    return existsInTiles(plan, tiles, 0);
  };
  const readNothing = (out: Value[], status: FeatureStatus[]): ReadOutcome => {
    readTiles(null, 0, out, status);
    for (let i = 0; i < plan.features.length; i++) status[i] = 'not-found';
    return 'ok';
  };
  const readTiles = (
    hops: readonly PackedTiles[] | null,
    at: number,
    out: Value[],
    status: FeatureStatus[],
  ): void => {
    for (let h = 0; h < readers.length; h++) {
      const packed = hops?.[h] ?? NO_TILES;
      const features = direct[h];
      if (features != null && packed.tileNo.length === 1) {
        readDirect(features, packed.fixed, 0, out, status);
        continue;
      }
      const hop = tiles[h] as PackedHopReader;
      hop.use(packed);
      (readers[h] as GroupReader).read(hop, 0, at, out, status);
    }
  };
  const readEntity = (
    entity: PackedEntity,
    at: number,
    out: Value[],
    status: FeatureStatus[],
  ): ReadOutcome => {
    const { newest } = entity;
    if (newest === Number.NEGATIVE_INFINITY) return readNothing(out, status);
    if (at < newest || at < entity.keptFrom) return 'needs-history';
    if (!exists(entity)) return readNothing(out, status);
    if (isExpired(newest, at)) return expire(out, status);
    readTiles(entity.hops, at, out, status);
    return 'ok';
  };
  const [only] = direct;
  if (plan.hops.length !== 1 || only == null || plan.existence !== null)
    return {
      read: (entity, at, out, status) =>
        entity === null ? readNothing(out, status) : readEntity(entity, at, out, status),
    };

  let aligned = new Float64Array(FIRST_DOUBLES);
  let octets = new Uint8Array(aligned.buffer);
  const countAt = HEAD_DOUBLES;
  const fixedAt = countAt + 1 + TILE_DOUBLES + (plan.hops[0] as HopGroup).nums;
  return {
    read(entity, at, out, status) {
      if (entity === null) return readNothing(out, status);
      if (!(entity instanceof StoredBlock)) return readEntity(entity, at, out, status);
      const { bytes } = entity;
      if (bytes.length > octets.length) {
        aligned = new Float64Array(Math.ceil(bytes.length / 8));
        octets = new Uint8Array(aligned.buffer);
      }
      octets.set(bytes);
      const newest = aligned[HEAD_NEWEST] as number;
      if (newest === Number.NEGATIVE_INFINITY || aligned[countAt] !== 1)
        return readEntity(entity, at, out, status);
      if (at < newest || at < (aligned[HEAD_KEPT_FROM] as number)) return 'needs-history';
      if (isExpired(newest, at)) return expire(out, status);
      readDirect(only, aligned, fixedAt, out, status);
      return 'ok';
    },
  };
};

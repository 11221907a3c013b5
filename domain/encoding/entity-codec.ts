/**
 * All tiles of one entity as bytes, in a saved state. Numbers are as in Avro; long is its varint.
 *
 *   newest event time (double), then for each hop: the number of tiles (long), and each tile,
 *   oldest first:
 *     number, less that of the tile before (long)
 *     newest event time, less the tile's start (long)
 *     floats (each a long or a double)
 *     references (each 0, or 1 and its bytes)
 *
 * `cause` is left out: it belongs to the update that was written.
 */
import { ByteWriter } from '#domain/avro/bytes.ts';
import {
  brokenRecord,
  type Cursor,
  emptyCursor,
  finish,
  pointAt,
  readDouble,
  readLong,
  readSecond,
} from '#domain/avro/reader.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { TileGroup } from '#domain/tiles/tile-group.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import { type SlotCodec, slotCodecs } from './slot-codecs.ts';

export interface EntityCodec {
  /** The bytes are valid until the next call. */
  readonly encode: (store: TileStore, entity: number) => Uint8Array;
  /** Adds an entity that the store lacks. Tiles that no window reaches are left out. */
  readonly decode: (store: TileStore, key: string, bytes: Uint8Array) => void;
}

const NO_SLOTS: readonly number[] = [];

const writeTiles = (
  writer: ByteWriter,
  group: TileGroup,
  entity: number,
  { isLong, encodeRef }: SlotCodec,
): void => {
  const { hop, nums, refs, tileNo, newest } = group;
  const { hopMs, nums: width, refs: refWidth } = hop;
  const list = group.lists[entity];
  const slots = list?.slots ?? NO_SLOTS;
  const head = list?.head ?? 0;
  writer.writeLong(slots.length - head);
  let before = 0;
  for (let i = head; i < slots.length; i++) {
    const slot = slots[i] as number;
    const no = tileNo[slot] as number;
    writer.writeLong(no - before);
    before = no;
    writer.writeLong((newest[slot] as number) - no * hopMs);
    const n = slot * width;
    for (let k = 0; k < width; k++)
      if (isLong[k] === true) writer.writeLong(nums[n + k] as number);
      else writer.writeDouble(nums[n + k] as number);
    const r = slot * refWidth;
    for (let k = 0; k < refWidth; k++) {
      const bytes = (encodeRef[k] as SlotCodec['encodeRef'][number])(refs[r + k]);
      writer.writeLong(bytes === null ? 0 : 1);
      if (bytes !== null) writer.writeBytes(bytes);
    }
  }
};

const readTiles = (
  c: Cursor,
  group: TileGroup,
  entity: number,
  { isLong, decodeRef, nullRef }: SlotCodec,
): void => {
  const { hopMs, nums: width, refs: refWidth } = group.hop;
  const count = readLong(c);
  if (!(count >= 0 && count <= c.end - c.at)) brokenRecord('it has more tiles than bytes');
  let no = 0;
  for (let i = 0; i < count; i++) {
    no += readLong(c);
    const newest = readLong(c) + no * hopMs;
    const slot = group.slotFor(entity, no);
    group.newest[slot] = newest;
    const n = slot * width;
    for (let k = 0; k < width; k++)
      group.nums[n + k] = isLong[k] === true ? readLong(c) : readDouble(c);
    const r = slot * refWidth;
    for (let k = 0; k < refWidth; k++)
      group.refs[r + k] = readSecond(c)
        ? (decodeRef[k] as SlotCodec['decodeRef'][number])(c)
        : (nullRef[k] as SlotCodec['nullRef'][number])();
  }
};

const compile = (plan: ViewPlan): EntityCodec => {
  const codecs = slotCodecs(plan);
  const writer = new ByteWriter();
  const cursor = emptyCursor();
  return {
    encode(store, entity) {
      writer.reset();
      writer.writeDouble(store.newest[entity] as number);
      store.groups.forEach((group, g) => {
        writeTiles(writer, group, entity, codecs[g] as SlotCodec);
      });
      return writer.written();
    },
    decode(store, key, bytes) {
      pointAt(cursor, bytes);
      const entity = store.intern(key);
      store.newest[entity] = readDouble(cursor);
      store.groups.forEach((group, g) => {
        readTiles(cursor, group, entity, codecs[g] as SlotCodec);
        const lowest = group.lowestKept(store.watermark);
        if (lowest !== Number.NEGATIVE_INFINITY) group.evict(entity, lowest);
      });
      finish(cursor, 'an entity of a saved state');
    },
  };
};

const known = new WeakMap<ViewPlan, EntityCodec>();

export const entityCodec = (plan: ViewPlan): EntityCodec => {
  const found = known.get(plan);
  if (found !== undefined) return found;
  const made = compile(plan);
  known.set(plan, made);
  return made;
};

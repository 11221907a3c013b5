/**
 * A TileStore as bytes. Texts are in blocks, so that neither saving nor loading a large store makes
 * one text of all of it: near the end of the heap there would be no room for that. The head has the
 * plan's hash, so a snapshot of another plan is never loaded.
 *
 *   u32 head length · head (JSON) · newest (f64 per entity) · hashes of dropped keys (u32) · blocks
 *   of keys · per group: tile numbers, newest (f64), entities (i32), floats (f64), blocks of
 *   references
 *
 *   block: u32 length · JSON list
 *
 * Version 1 had no dropped keys, and its keys and references were in the head.
 */
import type { TileGroup } from '#domain/tiles/tile-group.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import type { StoredUpdate } from './stored-updates.ts';

const VERSION = 2;
const BLOCK = 8_192;

interface Head {
  readonly version: number;
  readonly hash: string;
  /** null for −∞, which JSON lacks */
  readonly watermark: number | null;
  readonly newestOfAll: number | null;
  /** a number of them; version 1: the keys */
  readonly keys: number | readonly string[];
  /** a number of hashes; null: every key may have been dropped; absent in version 1 */
  readonly dropped?: number | null;
  /** `refs` in version 1 only */
  readonly groups: readonly { readonly tiles: number; readonly refs?: readonly unknown[] }[];
}

const bytesOf = (array: Float64Array | Int32Array | Uint32Array): Buffer =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength);
const finite = (n: number): number | null => (Number.isFinite(n) ? n : null);

const lengthBytes = (length: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length);
  return bytes;
};

/** A list as blocks, of which one at a time is a text. */
const pushBlocks = (parts: Buffer[], count: number, at: (i: number) => unknown): void => {
  for (let from = 0; from < count; from += BLOCK) {
    const list: unknown[] = [];
    for (let i = from; i < Math.min(count, from + BLOCK); i++) list.push(at(i));
    const json = Buffer.from(JSON.stringify(list));
    parts.push(lengthBytes(json.length), json);
  }
};

export const takeSnapshot = (store: TileStore): Uint8Array => {
  const hashes = store.dropped.hashes();
  const parts: Buffer[] = [
    bytesOf(store.newest.subarray(0, store.keys.length)),
    bytesOf(hashes ?? new Uint32Array(0)),
  ];
  pushBlocks(parts, store.keys.length, (i) => store.keys[i]);
  const groups = store.groups.map((group) => {
    const slots = [...group.all()];
    const { nums: width, refs: refWidth, partials } = group.hop;
    const nums = new Float64Array(slots.length * width);
    const encoders = partials.flatMap(({ partial }) => partial.refs);
    slots.forEach((slot, i) => {
      nums.set(group.nums.subarray(slot * width, (slot + 1) * width), i * width);
    });
    parts.push(bytesOf(Float64Array.from(slots, (slot) => group.tileNo[slot] as number)));
    parts.push(bytesOf(Float64Array.from(slots, (slot) => group.newest[slot] as number)));
    parts.push(bytesOf(Int32Array.from(slots, (slot) => group.entity[slot] as number)));
    parts.push(bytesOf(nums));
    pushBlocks(parts, slots.length * refWidth, (i) => {
      const r = i % refWidth;
      const slot = slots[(i - r) / refWidth] as number;
      return encoders[r]?.encode(group.refs[slot * refWidth + r]);
    });
    return { tiles: slots.length };
  });
  const head: Head = {
    version: VERSION,
    hash: store.plan.hash,
    watermark: finite(store.watermark),
    newestOfAll: finite(store.newestOfAll),
    keys: store.keys.length,
    dropped: hashes === null ? null : hashes.length,
    groups,
  };
  const json = Buffer.from(JSON.stringify(head));
  return Buffer.concat([lengthBytes(json.length), json, ...parts]);
};

/** Reads the parts of a snapshot one after the other. */
const partsOf = (buffer: Buffer, from: number) => {
  let at = from;
  const take = (size: number): Buffer => {
    const part = buffer.subarray(at, at + size);
    at += size;
    return part;
  };
  /** at an address that is aligned for numbers */
  const aligned = (size: number): ArrayBuffer => new Uint8Array(take(size)).buffer;
  return {
    aligned,
    /** The items of a list in blocks. */
    *blocks(count: number): Generator<unknown> {
      for (let read = 0; read < count; ) {
        const list = JSON.parse(take(take(4).readUInt32LE()).toString('utf8')) as unknown[];
        yield* list;
        read += list.length;
      }
    },
  };
};

const restoreTile = (
  group: TileGroup,
  slot: number,
  newest: number,
  nums: Float64Array,
  refs: Iterator<unknown>,
  decoders: readonly { readonly decode: (data: unknown) => unknown }[],
): void => {
  const { nums: width, refs: refWidth } = group.hop;
  group.newest[slot] = newest;
  group.nums.set(nums, slot * width);
  for (let r = 0; r < refWidth; r++)
    group.refs[slot * refWidth + r] = decoders[r]?.decode(refs.next().value);
};

/**
 * Fills an empty store.
 * @returns false where the bytes belong to another plan or version; the store then stays empty
 */
export const restoreSnapshot = (store: TileStore, bytes: Uint8Array): boolean => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let head: Head;
  try {
    head = JSON.parse(buffer.toString('utf8', 4, 4 + buffer.readUInt32LE(0))) as Head;
  } catch {
    return false;
  }
  if ((head.version !== VERSION && head.version !== 1) || head.hash !== store.plan.hash)
    return false;
  const { keys, dropped = 0 } = head;
  const parts = partsOf(buffer, 4 + buffer.readUInt32LE(0));
  const newest = new Float64Array(
    parts.aligned((typeof keys === 'number' ? keys : keys.length) * 8),
  );
  store.dropped.addHashes(dropped === null ? null : new Uint32Array(parts.aligned(dropped * 4)));
  for (const key of typeof keys === 'number' ? parts.blocks(keys) : keys)
    store.intern(key as string);
  store.newest.set(newest);
  store.unsaved.fill(1, 0, store.entities);
  store.watermark = head.watermark ?? Number.NEGATIVE_INFINITY;
  store.newestOfAll = head.newestOfAll ?? Number.NEGATIVE_INFINITY;
  store.groups.forEach((group, g) => {
    const { tiles, refs } = head.groups[g] as Head['groups'][number];
    const { nums: width, refs: refWidth, partials } = group.hop;
    const tileNo = new Float64Array(parts.aligned(tiles * 8));
    const tileNewest = new Float64Array(parts.aligned(tiles * 8));
    const entity = new Int32Array(parts.aligned(tiles * 4));
    const nums = new Float64Array(parts.aligned(tiles * width * 8));
    const decoders = partials.flatMap(({ partial }) => partial.refs);
    const states = refs === undefined ? parts.blocks(tiles * refWidth) : refs.values();
    for (let i = 0; i < tiles; i++)
      restoreTile(
        group,
        group.slotFor(entity[i] as number, tileNo[i] as number),
        tileNewest[i] as number,
        nums.subarray(i * width, (i + 1) * width),
        states,
        decoders,
      );
  });
  return true;
};

/** Sets one tile to the state of an update; recovery calls it for each record. */
export const applyUpdate = (
  store: TileStore,
  update: Omit<StoredUpdate, 'version' | 'generation'>,
): void => {
  const group = store.groups.find(({ hop }) => hop.hopMs === update.hopMs);
  if (group === undefined) return;
  store.newestOfAll = Math.max(store.newestOfAll, update.newestEventTime);
  store.watermark = Math.max(store.watermark, update.watermark);
  let entity = store.find(update.key);
  if (entity === undefined) {
    if (store.staysDropped(update.key, update.newestEventTime)) return;
    // What was computed once is taken, whatever the quota is now.
    if (store.entities < store.quota) store.makeRoomIfNeeded();
    entity = store.intern(update.key);
  }
  store.unsaved[entity] = 1;
  store.newest[entity] = Math.max(store.newest[entity] as number, update.newestEventTime);
  const tileNo = update.hopMs === 0 ? 0 : update.tileStart / update.hopMs;
  const lowest = group.lowestKept(store.watermark);
  if (tileNo < lowest && !group.keepsNewest) return;
  const slot = group.slotFor(entity, tileNo);
  group.newest[slot] = update.newestEventTime;
  group.causePartition[slot] = update.cause.partition;
  group.causeOffset[slot] = update.cause.offset;
  group.nums.set(update.nums, slot * group.hop.nums);
  update.refs.forEach((ref, i) => {
    group.refs[slot * group.hop.refs + i] = ref;
  });
  if (lowest !== Number.NEGATIVE_INFINITY) group.evict(entity, lowest);
};

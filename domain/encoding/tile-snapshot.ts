/**
 * A TileStore as bytes: a JSON head, then each array as in memory. The head has the plan's hash, so
 * a snapshot of another plan is never loaded.
 *
 *   u32 head length · head · newest (f64 per entity) · per group: tile numbers, newest (f64),
 *   entities (i32), floats (f64), references (JSON)
 */
import type { TileStore } from '#domain/tiles/tile-store.ts';
import type { StoredUpdate } from './stored-updates.ts';

const VERSION = 1;

interface Head {
  readonly version: number;
  readonly hash: string;
  /** null for −∞, which JSON lacks */
  readonly watermark: number | null;
  readonly newestOfAll: number | null;
  readonly keys: readonly string[];
  readonly groups: readonly { readonly tiles: number; readonly refs: readonly unknown[] }[];
}

const bytesOf = (array: Float64Array | Int32Array): Buffer =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength);
const finite = (n: number): number | null => (Number.isFinite(n) ? n : null);

export const takeSnapshot = (store: TileStore): Uint8Array => {
  const parts: Buffer[] = [bytesOf(store.newest.subarray(0, store.keys.length))];
  const groups = store.groups.map((group) => {
    const slots = [...group.all()];
    const { nums: width, refs: refWidth, partials } = group.hop;
    const nums = new Float64Array(slots.length * width);
    const refs: unknown[] = [];
    const encoders = partials.flatMap(({ partial }) => partial.refs);
    slots.forEach((slot, i) => {
      nums.set(group.nums.subarray(slot * width, (slot + 1) * width), i * width);
      for (let r = 0; r < refWidth; r++)
        refs.push(encoders[r]?.encode(group.refs[slot * refWidth + r]));
    });
    parts.push(bytesOf(Float64Array.from(slots, (slot) => group.tileNo[slot] as number)));
    parts.push(bytesOf(Float64Array.from(slots, (slot) => group.newest[slot] as number)));
    parts.push(bytesOf(Int32Array.from(slots, (slot) => group.entity[slot] as number)));
    parts.push(bytesOf(nums));
    return { tiles: slots.length, refs };
  });
  const head: Head = {
    version: VERSION,
    hash: store.plan.hash,
    watermark: finite(store.watermark),
    newestOfAll: finite(store.newestOfAll),
    keys: store.keys,
    groups,
  };
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, ...parts]);
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
  if (head.version !== VERSION || head.hash !== store.plan.hash) return false;
  let at = 4 + buffer.readUInt32LE(0);
  const take = (size: number): ArrayBuffer => {
    const copy = new Uint8Array(size);
    copy.set(buffer.subarray(at, at + size));
    at += size;
    return copy.buffer;
  };
  for (const key of head.keys) store.intern(key);
  const newest = new Float64Array(take(head.keys.length * 8));
  store.newest.set(newest);
  store.watermark = head.watermark ?? Number.NEGATIVE_INFINITY;
  store.newestOfAll = head.newestOfAll ?? Number.NEGATIVE_INFINITY;
  store.groups.forEach((group, g) => {
    const { tiles, refs } = head.groups[g] as Head['groups'][number];
    const { nums: width, refs: refWidth, partials } = group.hop;
    const tileNo = new Float64Array(take(tiles * 8));
    const tileNewest = new Float64Array(take(tiles * 8));
    const entity = new Int32Array(take(tiles * 4));
    const nums = new Float64Array(take(tiles * width * 8));
    const decoders = partials.flatMap(({ partial }) => partial.refs);
    for (let i = 0; i < tiles; i++) {
      const slot = group.slotFor(entity[i] as number, tileNo[i] as number);
      group.newest[slot] = tileNewest[i] as number;
      group.nums.set(nums.subarray(i * width, (i + 1) * width), slot * width);
      for (let r = 0; r < refWidth; r++)
        group.refs[slot * refWidth + r] = decoders[r]?.decode(refs[i * refWidth + r]);
    }
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
  const entity = store.intern(update.key);
  store.newest[entity] = Math.max(store.newest[entity] as number, update.newestEventTime);
  store.newestOfAll = Math.max(store.newestOfAll, update.newestEventTime);
  store.watermark = Math.max(store.watermark, update.watermark);
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

/**
 * Saves a generation's tiles, a few milliseconds a turn:
 *
 *   1. entities that changed since the last save are written to a new file, part by part; a part is
 *      written as a whole where that costs about as much, or an entity has left it
 *   2. the file is made durable
 *   3. the `.state` file, which names the sections of all parts, is replaced
 *   4. files that it does not name are deleted
 *
 * A save that is killed before the third step has changed nothing.
 *
 * Events are computed between the turns, so a section may have more than the updates before
 * `nextOffset`. Updates are absolute: a restart applies those from there on, and gets the same
 * tiles. What is read at the end, the watermark and the dropped keys, is at least as new as every
 * section.
 */
import { type EntityCodec, entityCodec } from '#domain/encoding/entity-codec.ts';
import { SectionWriter } from '#domain/encoding/state-part.ts';
import { keyHash } from '#domain/tiles/key-hash.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import { membersOf } from './members.ts';
import { PartsWriter } from './parts-writer.ts';
import {
  readSection,
  removeOthers,
  replaceState,
  type StatePlace,
  syncDirectory,
} from './state-files.ts';
import { filesOf } from './state-parts.ts';
import {
  NOTHING,
  partOf,
  type SavedPart,
  type Section,
  type StateTable,
  sectionsOf,
  tableBytes,
} from './state-table.ts';
import { turns } from './turns.ts';

export interface SaveRequest {
  readonly store: TileStore;
  /** next offset of features.<view>: the store has all updates before it */
  readonly nextOffset: number;
  /** false: the tiles are no longer the generation's, and nothing is saved */
  readonly isCurrent: () => boolean;
}

export interface StateLimits {
  /** of a part */
  readonly entities: number;
  /** a state in so many files is written anew */
  readonly files: number;
}

/** The first read of an entity loads its part: so few entities take a fraction of a millisecond. */
export const STATE_LIMITS: StateLimits = { entities: 64, files: 32 };
const MOST_PARTS = 2 ** 18;
/** A state whose files have so many times what it names is written anew. */
const MOST_WASTE = 2;
const SMALL = 1024 * 1024;

const bytesOf = (sections: Iterable<Pick<Section, 'bytes'>>): number => {
  let sum = 0;
  for (const { bytes } of sections) sum += bytes;
  return sum;
};

const isScattered = (table: StateTable, { files }: StateLimits): boolean => {
  const all = [...table.files.values()].reduce((sum, bytes) => sum + bytes, 0);
  return table.files.size >= files || all > MOST_WASTE * bytesOf(sectionsOf(table)) + SMALL;
};

const divide = ({ parts, entities }: TileStore, limits: StateLimits): void => {
  const all = entities + parts.missingEntities;
  let { count } = parts;
  while (all > count * limits.entities && count < MOST_PARTS) count *= 2;
  parts.split(count);
};

/** Whether further sections would have as many bytes as the first, which has all entities. */
const isLong = ({ sections, entities }: SavedPart, changed: number): boolean => {
  const [first, ...later] = sections;
  if (first === undefined) return true;
  return bytesOf(later) + changed * (first.bytes / Math.max(1, entities)) >= first.bytes;
};

interface Saving {
  readonly place: StatePlace;
  readonly store: TileStore;
  readonly codec: EntityCodec;
  readonly before: StateTable | null;
  /** all sections are written to the new file */
  readonly anew: boolean;
  readonly writer: PartsWriter;
  readonly section: SectionWriter;
  /** parts that no longer count as to be written as a whole */
  readonly taken: number[];
}

/** All of a part: what is in memory, and what only the saved state has. */
const writeAll = (saving: Saving, part: number, members: Uint32Array, isMissing: boolean): void => {
  const { place, store, codec, before, section } = saving;
  const { keys, unsaved, indexOf, gone, parts } = store;
  const tilesOf = (entity: number): Uint8Array => {
    unsaved[entity] = 0;
    return codec.encode(store, entity);
  };
  const seen = new Set<number>();
  if (isMissing) {
    const sections = partOf(before, part).sections.map((one) => readSection(place, one));
    section.addAll(sections, (key) => {
      if (parts.of(keyHash(key)) !== part || gone.has(key)) return null;
      const entity = indexOf.get(key);
      if (entity === undefined) return 'same';
      seen.add(entity);
      return tilesOf(entity);
    });
  }
  for (const entity of members)
    if (!seen.has(entity)) section.add(keys[entity] as string, tilesOf(entity));
};

/** @param isMissing whether it was at the first turn; entities that came since are no members */
const nextPart = (
  saving: Saving,
  part: number,
  members: Uint32Array,
  isMissing: boolean,
): SavedPart => {
  const { store, codec, before, anew, writer, section, taken } = saving;
  const { keys, unsaved, parts } = store;
  const old = partOf(before, part);
  const isTaken = parts.takeRewritten(part);
  if (isTaken) taken.push(part);
  const changed = members.filter((entity) => unsaved[entity] === 1);
  const isAll = isTaken || anew || (changed.length > 0 && isLong(old, changed.length));
  const entities = Math.max(1, members.length + (isMissing ? parts.missingOf(part) : 0));
  if (!isAll && changed.length === 0)
    return old.sections.length === 0 ? NOTHING : { sections: old.sections, entities };
  section.reset();
  if (isAll) writeAll(saving, part, members, isMissing);
  else
    for (const entity of changed) {
      section.add(keys[entity] as string, codec.encode(store, entity));
      unsaved[entity] = 0;
    }
  if (section.entities === 0) return NOTHING;
  const added = writer.add(section.written());
  return { sections: isAll ? [added] : [...old.sections, added], entities };
};

const droppedSection = (
  { dropped }: TileStore,
  before: StateTable | null,
  anew: boolean,
  writer: PartsWriter,
): StateTable['dropped'] => {
  const { size } = dropped;
  if (before !== null && before.dropped.size === size && !anew) return before.dropped;
  const hashes = dropped.hashes();
  if (hashes === null || hashes.length === 0) return { size, section: null };
  const bytes = new Uint8Array(hashes.buffer, hashes.byteOffset, hashes.byteLength);
  return { size, section: writer.add(bytes) };
};

const saveParts = async (
  saving: Saving,
  isCurrent: () => boolean,
): Promise<readonly SavedPart[] | null> => {
  const { store, writer } = saving;
  const turn = turns();
  // What is loaded between the turns was saved with all updates before `nextOffset`.
  const missing = store.parts.allMissing();
  let { moved } = store;
  let members = membersOf(store);
  const parts: SavedPart[] = [];
  for (let part = 0; part < store.parts.count; part++) {
    if (store.moved !== moved) {
      moved = store.moved;
      members = membersOf(store);
    }
    parts.push(nextPart(saving, part, members(part), missing[part] === 1));
    if (writer.isFull()) await writer.flush();
    await turn();
    if (!isCurrent()) return null;
  }
  return parts;
};

/**
 * @param before what was saved last; null: nothing that can be used
 * @returns null where the tiles were no longer current: the files are as before
 */
export const saveState = async (
  place: StatePlace,
  platform: string,
  before: StateTable | null,
  { store, nextOffset, isCurrent }: SaveRequest,
  limits: StateLimits = STATE_LIMITS,
): Promise<StateTable | null> => {
  divide(store, limits);
  const writer = new PartsWriter(place, platform);
  const anew = before !== null && isScattered(before, limits);
  const saving: Saving = {
    place,
    store,
    codec: entityCodec(store.plan),
    before,
    anew,
    writer,
    section: new SectionWriter(),
    taken: [],
  };
  const { drops } = store;
  let saved = false;
  try {
    const parts = await saveParts(saving, isCurrent);
    if (parts === null) return null;
    const dropped = droppedSection(store, before, anew, writer);
    await writer.finish();
    const { plan, watermark, newestOfAll } = store;
    const tiles = store.tiles + store.parts.missingTiles;
    const head = { nextOffset, plan: plan.hash, watermark, newestOfAll, tiles, dropped, parts };
    const table = { ...head, files: filesOf(head, before?.files, writer) };
    saved = await replaceState(place, tableBytes(table, platform), isCurrent);
    if (!saved) return null;
    syncDirectory(place.directory);
    removeOthers(place, table.files);
    store.goneAreSaved(drops);
    return table;
  } finally {
    if (!saved) {
      store.unsaved.fill(1, 0, store.entities);
      for (const part of saving.taken) store.parts.rewrite(part);
      await writer.discard();
    }
  }
};

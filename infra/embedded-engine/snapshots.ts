/**
 * Saved states of generations. A state only saves time: without it the same tiles are rebuilt from
 * features.<view>. It contains the offset of that topic up to which it is complete.
 *
 * A state that is damaged, of another platform, or ahead of the log is not used. All of it is
 * checked when it is loaded, and each part again when its entities are.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { entityCodec } from '#domain/encoding/entity-codec.ts';
import { restoreSections } from '#domain/encoding/state-part.ts';
import { applyUpdate, restoreSnapshot } from '#domain/encoding/tile-snapshot.ts';
import { messageOf } from '#domain/error-message.ts';
import { keyHash } from '#domain/tiles/key-hash.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import type { LaterUpdates } from './pending-updates.ts';
import { type SaveRequest, type StateLimits, saveState } from './save-state.ts';
import {
  flawOfParts,
  placeOf,
  readSection,
  removeOthers,
  removeState,
  type StatePlace,
  stateFile,
  statesIn,
  syncDirectory,
} from './state-files.ts';
import { rewriteWithout, stateHas } from './state-parts.ts';
import {
  flawOf,
  formOf,
  nextOffsetOf,
  partOf,
  readTable,
  STATE_HEADER_BYTES,
  type StateTable,
} from './state-table.ts';

/** The updates after the saved state. */
type Later = (part: number, wants: (key: string) => boolean) => LaterUpdates;

export interface SavedState {
  /** next offset of features.<view> to apply */
  readonly nextOffset: number;
  /**
   * Fills an empty store; its entities are loaded when they are used, and then get their later
   * updates.
   * @returns false where the state is of another plan; the store then stays empty
   */
  readonly restore: (store: TileStore, later: Later) => boolean;
  /** the bytes of a state that an earlier release wrote: tile-snapshot.ts */
  readonly inOnePiece: Uint8Array | null;
}

export interface Snapshots {
  /**
   * @param end the log's next offset of features.<view>
   * @returns null where there is none that can be used
   */
  readonly load: (view: string, generation: number, end: number) => Promise<SavedState | null>;
  /** @returns whether it was saved: the tiles may have stopped being current */
  readonly save: (view: string, generation: number, request: SaveRequest) => Promise<boolean>;
  readonly drop: (view: string, generation: number) => void;
  /**
   * Writes a loaded state anew without some entities.
   * @returns false where none of its files has one of them
   */
  readonly erase: (view: string, generation: number, keys: readonly string[]) => Promise<boolean>;
}

export interface SnapshotsOptions {
  readonly directory: string;
  /** the platform's id, a UUID */
  readonly platform: string;
  readonly warn: (message: string) => void;
  /** tests make parts small */
  readonly limits?: StateLimits;
}

/** Removes the saved states of all generations of a view, durably. */
export const removeStates = (directory: string, view: string): void => {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const place = placeOf(directory, name);
    if (place?.view === view) removeState(place);
  }
  syncDirectory(directory);
};

const flawOfState = async (
  place: StatePlace,
  bytes: Buffer,
  platform: string,
  end: number,
): Promise<string | null> => {
  const why = flawOf(bytes, platform, end);
  if (why !== null || formOf(bytes) !== 'parts') return why;
  return flawOfParts(place, readTable(bytes), platform);
};

const sizeOf = (bytes: Buffer): number => {
  if (formOf(bytes) !== 'parts') return bytes.length;
  return [...readTable(bytes).files.values()].reduce((sum, n) => sum + n, bytes.length);
};

/** null: there is no such file */
const readIfThere = (file: string): Buffer | null => {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};

interface VerifiedState {
  readonly file: string;
  readonly bytes: number;
  /** what is wrong with it; null: nothing */
  readonly why: string | null;
}

const verifyState = async (
  place: StatePlace,
  platform: string,
  end: number,
): Promise<VerifiedState | null> => {
  const file = stateFile(place);
  for (;;) {
    const bytes = readIfThere(file);
    if (bytes === null) return null;
    const why = await flawOfState(place, bytes, platform, end);
    // A server that runs may have saved another state, and deleted files of the one that was read.
    if (why !== null && readIfThere(file)?.equals(bytes) !== true) continue;
    return { file, bytes: why === null ? sizeOf(bytes) : bytes.length, why };
  }
};

/** @param endOf view → the log's next offset of features.<view> */
export const verifyStates = async (
  directory: string,
  platform: string,
  endOf: (view: string) => number,
): Promise<readonly VerifiedState[]> => {
  if (!existsSync(directory)) return [];
  const found: VerifiedState[] = [];
  for (const place of statesIn(directory)) {
    const verified = await verifyState(place, platform, endOf(place.view));
    if (verified !== null) found.push(verified);
  }
  return found;
};

/** Deletes what a save left that was killed, and files of parts without a state. */
const removeUnfinished = (directory: string): void => {
  for (const name of readdirSync(directory)) {
    const place = placeOf(directory, name);
    const isStale = place === null ? name.endsWith('.state.tmp') : !existsSync(stateFile(place));
    if (isStale) rmSync(join(directory, name), { force: true });
  }
};

const nothingLater: Later = () => ({ updates: [], applied: () => {} });

export const openSnapshots = ({
  directory,
  platform,
  warn,
  limits,
}: SnapshotsOptions): Snapshots => {
  mkdirSync(directory, { recursive: true });
  removeUnfinished(directory);
  /** by the name of the state: what was saved or loaded last */
  const tables = new Map<string, StateTable>();

  const loaderOf =
    (place: StatePlace, store: TileStore, later: Later) =>
    (part: number, wants: (key: string) => boolean): number => {
      const { sections } = partOf(tables.get(stateFile(place)) ?? null, part);
      const bytes = sections.map((section) => readSection(place, section));
      const { updates, applied } = later(part, wants);
      const added = restoreSections(
        store,
        entityCodec(store.plan),
        bytes,
        (key) =>
          wants(key) &&
          store.parts.of(keyHash(key)) === part &&
          !store.indexOf.has(key) &&
          !store.gone.has(key),
      );
      for (const update of updates) applyUpdate(store, update);
      applied();
      return added;
    };

  const restoreParts = (
    place: StatePlace,
    table: StateTable,
    store: TileStore,
    later: Later,
  ): boolean => {
    if (table.plan !== store.plan.hash) {
      tables.delete(stateFile(place));
      return false;
    }
    const { dropped, watermark, newestOfAll, parts } = table;
    if (dropped.size === Number.POSITIVE_INFINITY) store.dropped.addHashes(null);
    else if (dropped.section !== null) {
      const bytes = readSection(place, dropped.section);
      store.dropped.addHashes(new Uint32Array(new Uint8Array(bytes).buffer));
    }
    store.watermark = watermark;
    store.newestOfAll = newestOfAll;
    const entities = Uint32Array.from(parts, (part) => part.entities);
    const all = entities.reduce((sum, n) => sum + n, 0);
    const load = loaderOf(place, store, later);
    store.parts.attach(entities, { tiles: table.tiles / Math.max(1, all), load });
    return true;
  };

  const loadParts = (place: StatePlace, bytes: Buffer): SavedState => {
    const table = readTable(bytes);
    tables.set(stateFile(place), table);
    removeOthers(place, table.files);
    return {
      nextOffset: table.nextOffset,
      restore: (store, later) => restoreParts(place, table, store, later),
      inOnePiece: null,
    };
  };

  return {
    async load(view, generation, end) {
      const place = { directory, view, generation };
      const file = stateFile(place);
      tables.delete(file);
      let bytes: Buffer | null = null;
      try {
        bytes = readIfThere(file);
      } catch (error) {
        warn(`the saved state ${file} cannot be read, and is built again: ${messageOf(error)}`);
      }
      if (bytes === null || formOf(bytes) === 'without checksum') return null;
      const why = await flawOfState(place, bytes, platform, end);
      if (why !== null) {
        warn(`the saved state ${file} is not used, and is built again from the log: ${why}.`);
        return null;
      }
      if (formOf(bytes) === 'parts') return loadParts(place, bytes);
      const inOnePiece = bytes.subarray(STATE_HEADER_BYTES);
      return {
        nextOffset: nextOffsetOf(bytes),
        restore: (store) => restoreSnapshot(store, inOnePiece),
        inOnePiece,
      };
    },
    async save(view, generation, request) {
      const place = { directory, view, generation };
      const before = tables.get(stateFile(place)) ?? null;
      const table = await saveState(place, platform, before, request, limits);
      if (table === null) return false;
      tables.set(stateFile(place), table);
      const { store } = request;
      const all = store.entities + store.parts.missingEntities;
      const load = loaderOf(place, store, nothingLater);
      store.parts.loadFrom({ tiles: table.tiles / Math.max(1, all), load });
      return true;
    },
    drop(view, generation) {
      const place = { directory, view, generation };
      tables.delete(stateFile(place));
      removeState(place);
    },
    async erase(view, generation, keys) {
      const place = { directory, view, generation };
      const table = tables.get(stateFile(place));
      if (table === undefined || !stateHas(place, table, keys)) return false;
      tables.set(stateFile(place), await rewriteWithout(place, platform, table, keys));
      return true;
    },
  };
};

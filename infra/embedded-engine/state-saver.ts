/** Saves a generation's state, one save after the other. */
import type { TileStore } from '#domain/tiles/tile-store.ts';
import { evictEntities, isOverQuota } from './evict-entities.ts';
import type { RebuiltTiles } from './rebuild-tiles.ts';
import type { SaveRequest } from './save-state.ts';

interface StateSaverOptions {
  /** what can be saved; null while the tiles are built again */
  readonly current: () => RebuiltTiles | null;
  /** next offset of features.<view> */
  readonly end: () => Promise<number>;
  /** Called before the state is written: from then on, the updates before it may be trimmed. */
  readonly beforeSave: (store: TileStore) => Promise<void>;
  /** @returns whether it was saved */
  readonly save: (request: SaveRequest) => Promise<boolean>;
  readonly onSaved: (nextOffset: number) => void;
}

export interface StateSaver {
  /**
   * Saves where features.<view> has grown by at least `leastUpdates` since the last save, or there
   * are too many entities in memory: some leave it then.
   */
  readonly save: (leastUpdates: number) => Promise<void>;
  /** Resolves when no save is under way. */
  readonly settled: () => Promise<void>;
}

export const stateSaver = (options: StateSaverOptions): StateSaver => {
  const { current, end, beforeSave, save, onSaved } = options;
  let saving: Promise<void> = Promise.resolve();

  const saveNow = async (leastUpdates: number): Promise<void> => {
    // The tiles contain at least the topic up to this end. Updates are absolute, so applying one
    // again after a restart changes nothing.
    const nextOffset = await end();
    const tiles = current();
    if (tiles === null) return;
    const { store, loadPending, savedOffset } = tiles;
    if (nextOffset - savedOffset < leastUpdates && !isOverQuota(store)) return;
    const isCurrent = (): boolean => current()?.store === store;
    await loadPending(isCurrent);
    if (!isCurrent()) return;
    await beforeSave(store);
    if (!isCurrent() || !(await save({ store, nextOffset, isCurrent }))) return;
    onSaved(nextOffset);
    if (isOverQuota(store)) await evictEntities(store, isCurrent);
  };

  return {
    save(leastUpdates) {
      saving = saving.catch(() => {}).then(() => saveNow(leastUpdates));
      return saving;
    },
    settled: () => saving.catch(() => {}),
  };
};

/**
 * Brings a store that has more entities than its quota back below it: those that were not used for
 * long stay in the saved state, and are loaded when they are used again.
 */
import type { TileStore } from '#domain/tiles/tile-store.ts';
import { turns } from './turns.ts';

/** Some more leave than have to, so that not each save is followed by this. */
const ENOUGH = 0.9;
const LOOKS_AT_ONCE = 500;

export const isOverQuota = ({ entities, quota }: TileStore): boolean => entities > quota;

/**
 * @param isCurrent false: it does not matter any more
 * @param most entities that stay
 */
export const evictEntities = async (
  store: TileStore,
  isCurrent: () => boolean,
  most = Math.floor(store.quota * ENOUGH),
): Promise<void> => {
  const turn = turns();
  // Each is looked at twice at most: the first look lets a used one pass.
  for (let looks = 2 * store.entities; looks > 0 && store.entities > most; looks -= LOOKS_AT_ONCE) {
    store.evictEntities(most, LOOKS_AT_ONCE);
    await turn();
    if (!isCurrent()) return;
  }
};

/**
 * Brings a store that has more entities than its quota back below it: parts that were not used for
 * long stay in the saved state, and are loaded when they are used again.
 */
import type { TileStore } from '#domain/tiles/tile-store.ts';
import { membersOf } from './members.ts';
import { turns } from './turns.ts';

/** Some more leave than have to, so that not each save is followed by this. */
const ENOUGH = 0.9;

export const isOverQuota = ({ entities, quota }: TileStore): boolean => entities > quota;

/**
 * @param isCurrent false: it does not matter any more
 * @param most entities that stay, about
 */
export const evictParts = async (
  store: TileStore,
  isCurrent: () => boolean,
  most = Math.floor(store.quota * ENOUGH),
): Promise<void> => {
  const members = membersOf(store);
  const tooMany = store.entities - most;
  const cold = store.parts
    .coldParts(tooMany, (part) => members(part).length)
    .map((part) => {
      const keys = Array.from(members(part), (entity) => store.keys[entity] as string);
      return { part, keys };
    });
  const turn = turns();
  for (const { part, keys } of cold) {
    store.evictPart(part, keys);
    await turn();
    if (!isCurrent()) return;
  }
};

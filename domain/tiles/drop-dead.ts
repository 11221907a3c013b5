/**
 * Drops entities from memory that no read of tiles needs. An entity is **dead** if the tile of its
 * newest event is out of reach of every window that ends at the watermark or later. Its tiles then
 * change no present value; reads before the watermark use raw events in any case. Raw events also
 * answer what a dead entity still has: that it exists, its newest event time, a value of nothing.
 *
 * A view with a feature of all time has no dead entities, even with a ttl: the next event of an
 * expired entity makes its old tiles count again.
 */

import type { TileGroup } from './tile-group.ts';

/** What is read of a store. */
interface Tiles {
  readonly groups: readonly TileGroup[];
  /** epoch ms */
  readonly watermark: number;
}

interface Entities extends Tiles {
  readonly entities: number;
  /** by entity index, epoch ms */
  readonly newest: Float64Array;
}

/** Whether an entity would be dead if its newest event were of `eventTime` (epoch ms). */
export const isDead = ({ groups, watermark }: Tiles, eventTime: number): boolean => {
  for (let g = 0; g < groups.length; g++) {
    const group = groups[g] as TileGroup;
    // A group without an end keeps from −∞.
    if (group.numberOf(eventTime) >= group.lowestKept(watermark)) return false;
  }
  return groups.length > 0;
};

const hasDead = ({ groups }: Tiles): boolean =>
  groups.length > 0 &&
  groups.every(({ hop }) => hop.hopMs > 0 && hop.reachMs < Number.POSITIVE_INFINITY);

/**
 * The dead entities, by index in rising order, without those with changed tiles, which have to be
 * written first.
 */
export const deadEntities = (store: Entities): readonly number[] => {
  if (!hasDead(store)) return [];
  const changed = new Set<number>();
  for (const group of store.groups)
    for (const slot of group.changed) changed.add(group.entity[slot] as number);
  const dead: number[] = [];
  for (let entity = 0; entity < store.entities; entity++)
    if (!changed.has(entity) && isDead(store, store.newest[entity] as number)) dead.push(entity);
  return dead;
};

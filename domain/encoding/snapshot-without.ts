/**
 * A saved state, in the form of an earlier release, without some entities: all else in it is as
 * before, its watermark too.
 */
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { TileGroup } from '#domain/tiles/tile-group.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import { restoreSnapshot } from './tile-snapshot.ts';

/** @returns `misfit` where the state is of another plan; null where it does not have an entity */
export const snapshotWithout = (
  plan: ViewPlan,
  state: Uint8Array,
  keys: readonly string[],
): TileStore | 'misfit' | null => {
  const store = createTileStore(plan);
  if (!restoreSnapshot(store, state)) return 'misfit';
  if (!keys.some((key) => store.indexOf.has(key))) return null;
  const kept = createTileStore(plan);
  kept.watermark = store.watermark;
  kept.newestOfAll = store.newestOfAll;
  kept.dropped.addHashes(store.dropped.hashes());
  store.keys.forEach((key, entity) => {
    if (!keys.includes(key)) kept.newest[kept.intern(key)] = store.newest[entity] as number;
  });
  store.groups.forEach((from, g) => {
    const to = kept.groups[g] as TileGroup;
    const { nums, refs } = from.hop;
    for (const slot of from.all()) {
      const entity = kept.indexOf.get(store.keys[from.entity[slot] as number] as string);
      if (entity === undefined) continue;
      const target = to.slotFor(entity, from.tileNo[slot] as number);
      to.newest[target] = from.newest[slot] as number;
      to.nums.set(from.nums.subarray(slot * nums, (slot + 1) * nums), target * nums);
      for (let r = 0; r < refs; r++) to.refs[target * refs + r] = from.refs[slot * refs + r];
    }
  });
  return kept;
};

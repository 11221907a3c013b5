/**
 * Reads the entities of a store at one time, as they were when the scan began, while the store
 * takes in further events: before an entity changes, its values are kept for the scan. So a scan of
 * many entities can leave turns to others, and all that it reads was known at one moment.
 */
import type { FeatureStatus } from '#domain/plan/plan.ts';
import type { Value } from '#domain/values/value.ts';
import type { TileStore } from './tile-store.ts';

export interface StoreScan {
  /** The index of an entity; −1: it did not exist when the scan began. */
  readonly indexOf: (key: string) => number;
  /** The values of an entity by its index; over nothing for −1. */
  readonly read: (entity: number, out: Value[], status: FeatureStatus[]) => void;
  /** Whether indexes have changed since it began: what it reads now is of no use. */
  readonly isLost: () => boolean;
  readonly end: () => void;
}

/** Whether the tiles have the values at this time, and do not count later events. */
export const answersAt = ({ watermark, newest, entities }: TileStore, at: number): boolean => {
  if (at < watermark) return false;
  for (let entity = 0; entity < entities; entity++)
    if ((newest[entity] as number) > at) return false;
  return true;
};

const copyTo = <T>(from: readonly T[], to: T[]): void => {
  for (let i = 0; i < from.length; i++) to[i] = from[i] as T;
};

/** @param at a time that `answersAt`, epoch ms */
export const scanStore = (store: TileStore, at: number): StoreScan => {
  const { entities } = store;
  const kept = new Map<
    number,
    { readonly values: readonly Value[]; readonly status: readonly FeatureStatus[] }
  >();
  let lost = false;
  const end = store.watchers.add({
    entity(entity) {
      if (entity >= entities || kept.has(entity)) return;
      const values: Value[] = [];
      const status: FeatureStatus[] = [];
      store.readEntity(entity, at, values, status);
      kept.set(entity, { values, status });
    },
    any() {
      lost = true;
    },
  });
  return {
    indexOf(key) {
      const entity = store.indexOf.get(key);
      return entity === undefined || entity >= entities ? -1 : entity;
    },
    read(entity, out, status) {
      if (entity < 0) return store.readNothing(out, status);
      const before = kept.get(entity);
      if (before === undefined) return store.readEntity(entity, at, out, status);
      copyTo(before.values, out);
      copyTo(before.status, status);
    },
    isLost: () => lost,
    end,
  };
};

/**
 * Online stores: the tiles of entities, by key.
 *
 * Promises (tests/contracts/online-store.contract.ts):
 * - An answer is a state that the entity had: every tile as some update left it, none older than in
 *   an earlier answer of the same store while it was up. It may lag; it never mixes two states.
 * - `nothing` means that the entity had no event. A store that cannot say so (emptied, expired,
 *   half filled) answers `unknown`, and the read goes on to the next store.
 */
import type { PackedEntity } from '#domain/encoding/packed-entity.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';

export interface TilesTarget {
  readonly plan: ViewPlan;
  readonly generation: number;
}

export type TilesAnswer =
  | { readonly found: 'tiles'; readonly entity: PackedEntity }
  | { readonly found: 'nothing' }
  /**
   * `part`: what the store has, where that is not everything. `expired`: the store is complete and
   * the entity is absent because it had no update within the store's time to live; otherwise
   * nothing is known of the entity.
   */
  | { readonly found: 'unknown'; readonly part: PackedEntity | null; readonly expired: boolean };

/** The answer of a store that knows nothing of the entity: always this object. */
export const UNKNOWN: TilesAnswer = { found: 'unknown', part: null, expired: false };

export interface OnlineStore {
  readonly name: string;
  /**
   * One answer a key, in their order.
   * @param at the time (epoch ms) of the read: tiles that it does not reach may be left out
   * @throws MR_STORE_UNAVAILABLE
   */
  readonly read: (
    target: TilesTarget,
    keys: readonly string[],
    at: number,
  ) => Promise<readonly TilesAnswer[]>;
  readonly close: () => Promise<void>;
}

export interface CacheEntry {
  readonly key: string;
  readonly entity: PackedEntity;
}

export interface CachePosition {
  /**
   * next offset of the partition of features.<view> to write to the store; null: it never began, or
   * was emptied
   */
  readonly offset: number | null;
  /** epoch ms: when it started at the topic's beginning */
  readonly begun: number;
}

/** How far a generation's cached copy is, over all partitions. */
export interface CacheProgress {
  /** by partition */
  readonly offsets: readonly (number | null)[];
  /** every partition has reached the topic's end since it began */
  readonly ready: boolean;
  /** newest event time in the store, epoch ms */
  readonly newestEventTime: number | null;
}

/**
 * The cache tier: a store that keeps a copy for fast reads. Its position is stored with its data,
 * so that both are lost together: a store without a position is filled again from the topic's
 * beginning.
 */
export interface CacheStore extends OnlineStore {
  readonly position: (target: TilesTarget, partition: number) => Promise<CachePosition>;
  readonly load: (
    target: TilesTarget,
    keys: readonly string[],
  ) => Promise<readonly (PackedEntity | null)[]>;
  /**
   * Writes entities and moves the position, atomically.
   * @returns false where the position is not `from`: another process took the partition over, or
   * the store was emptied
   */
  readonly store: (
    target: TilesTarget,
    partition: number,
    from: number | null,
    to: number,
    entries: readonly CacheEntry[],
    progress: {
      readonly ready: boolean;
      readonly newestEventTime: number;
      readonly now: number;
      readonly partitions: number;
    },
  ) => Promise<boolean>;
  /**
   * Replaces an incomplete entity by a complete one, unless it has changed since it was read.
   */
  readonly repair: (
    target: TilesTarget,
    key: string,
    read: PackedEntity,
    whole: PackedEntity,
  ) => Promise<void>;
  readonly progress: (target: TilesTarget) => Promise<CacheProgress>;
  /** Deletes a generation that is retired. */
  readonly drop: (view: string, generation: number) => Promise<void>;
}

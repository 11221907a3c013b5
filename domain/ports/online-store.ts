/**
 * Online stores: the tiles of entities, by key.
 *
 * Promises (tests/contracts/online-store.contract.ts):
 * - What a store answers is a state that the entity had: every tile as some update left it, none
 *   older than an answer given before by the same store while it was up. It may lag; it is never
 *   made up of halves.
 * - `nothing` is said only where the entity had no event. A store that cannot tell (emptied,
 *   expired, half filled) says `unknown`, and the next store is asked.
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
   * `part`: what the store has, where that is not all. `letGo`: it has all that it was given
   * lately, and this entity had no update within the store's time to live; otherwise nothing is
   * known of it.
   */
  | { readonly found: 'unknown'; readonly part: PackedEntity | null; readonly letGo: boolean };

/** A store that can tell nothing answers this very object. */
export const UNKNOWN: TilesAnswer = { found: 'unknown', part: null, letGo: false };

export interface OnlineStore {
  readonly name: string;
  /**
   * One answer a key, in their order.
   * @param at the time (epoch ms) of the read that asks: tiles that it does not reach may be left
   * out
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
   * next offset of the partition of features.<view> that the store has taken in; null: it never
   * began, or was emptied
   */
  readonly offset: number | null;
  /** epoch ms when it began at the topic's beginning */
  readonly begun: number;
}

/** How far a generation's cached copy is, over all partitions. */
export interface CacheProgress {
  /** by partition */
  readonly offsets: readonly (number | null)[];
  /** every partition has come to the topic's end since it began */
  readonly ready: boolean;
  /** newest event time taken in, epoch ms */
  readonly newestEventTime: number | null;
}

/**
 * A store that keeps a copy of what is asked for often. Its position stands beside its data, so
 * that what empties the one empties the other: a store without a position is filled again from the
 * topic's beginning.
 */
export interface CacheStore extends OnlineStore {
  readonly position: (target: TilesTarget, partition: number) => Promise<CachePosition>;
  readonly load: (
    target: TilesTarget,
    keys: readonly string[],
  ) => Promise<readonly (PackedEntity | null)[]>;
  /**
   * Writes entities and moves the position, whole or not at all.
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
   * Replaces a block that was not whole by one that is, unless it has changed since it was read.
   */
  readonly repair: (
    target: TilesTarget,
    key: string,
    read: PackedEntity,
    whole: PackedEntity,
  ) => Promise<void>;
  readonly progress: (target: TilesTarget) => Promise<CacheProgress>;
  /** Forgets a generation that is retired. */
  readonly drop: (view: string, generation: number) => Promise<void>;
}

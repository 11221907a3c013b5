/**
 * The online store: the newest tiles of a view's generation.
 * Promises (tests/contracts/online-store.contract.ts): `apply` is idempotent and takes updates of one tile in their log order;
 * `tiles` returns every kept tile of the entity that overlaps [from, to], oldest first; an unknown entity has none.
 */
import type { TileUpdate } from '#domain/views/tile-update.ts';

export interface StoredTile {
  readonly tileStart: number;
  readonly newestEventTime: number;
  readonly nums: Float64Array;
  readonly refs: readonly unknown[];
}

export interface OnlineStore {
  apply(view: string, generation: number, updates: readonly TileUpdate[]): Promise<void>;
  tiles(view: string, generation: number, key: string, hopMs: number, from: number, to: number): Promise<readonly StoredTile[]>;
  drop(view: string, generation: number): Promise<void>;
}

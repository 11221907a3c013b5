/**
 * One record of features.<view>: how one tile of one entity stands after a commit. Cumulative, so
 * applying it twice, or applying only the newest, gives the same tile.
 */
import type { Position } from '#domain/values/value.ts';

export interface TileUpdate {
  /** encoded entity key */
  readonly key: string;
  readonly hopMs: number;
  /** epoch ms; 0 for the all-time tile */
  readonly tileStart: number;
  /** newest event time in the tile, epoch ms */
  readonly newestEventTime: number;
  /** the raw event (the last of the commit, in its partition) that caused it */
  readonly cause: Position;
  readonly version: number;
  readonly generation: number;
  /** the tile's slots, in the plan's order for that hop */
  readonly nums: Float64Array;
  readonly refs: readonly unknown[];
}

/**
 * One record of features.<view>: the state of one tile of one entity after a commit. Updates are
 * cumulative: applying one twice, or only the newest, gives the same tile.
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
  /** the raw event that caused the update: the last of the commit, in its partition */
  readonly cause: Position;
  readonly version: number;
  readonly generation: number;
  /** the tile's slots, in the plan's order for that hop */
  readonly nums: Float64Array;
  readonly refs: readonly unknown[];
}

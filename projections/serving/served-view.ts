/**
 * What a read needs of the generation that answers it; the compute engine of the profile provides
 * it.
 */

import type { FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import type { Degraded } from '#domain/ports/degraded.ts';
import type { Position, Value } from '#domain/values/value.ts';

/** The tiles of the entities of one read, in hand: reading them awaits nothing. */
export interface FetchedTiles {
  /** Of the row-th key; as `ServedView.read`. */
  readonly read: (
    row: number,
    at: number,
    out: Value[],
    status: FeatureStatus[],
  ) => 'ok' | 'needs-history';
  /** event time (epoch ms) of the row-th entity's newest event; null: it has none */
  readonly newest: (row: number) => number | null;
  /** what the stores that were asked could not do */
  readonly degraded: Degraded;
}

export interface ServedView {
  readonly plan: ViewPlan;
  readonly version: number;
  readonly generation: number;
  /** of its updates in features.<view> */
  readonly schemaId: number;
  /**
   * Fills out and status, one place a feature of the plan; `needs-history` where the tiles do not
   * suffice (see TileStore).
   */
  readonly read: (
    key: string,
    at: number,
    out: Value[],
    status: FeatureStatus[],
  ) => 'ok' | 'needs-history';
  /**
   * event time (epoch ms) of an entity's newest event; null: it has none. Asked for only after an
   * `ok` of `read`.
   */
  readonly newest: (key: string) => number | null;
  /**
   * Where the tiles are in a store and not in this process: asked for before the rows are read.
   * `read` is then not called.
   */
  readonly fetch?: (keys: readonly string[], at: number) => Promise<FetchedTiles>;
  /** next offsets of the raw topic that the generation has taken in */
  readonly positions: () => readonly Position[];
  /** the same as text */
  readonly position: () => string;
  /** epoch ms; null before any event */
  readonly newestEventTime: () => number | null;
  /**
   * epoch ms: all events that the log had accepted by then are in what is read; null: not known
   * yet. `now`: as the read's.
   */
  readonly completeThrough: (now: number) => number | null;
  /** how its computation fares */
  readonly degraded: () => Degraded;
}

export interface ServingViews {
  /**
   * The generation that answers for a view (of that version, where a service pins one): null where
   * there is no such view, `filling` where its first generation is not promoted yet.
   */
  readonly live: (view: string, version?: number) => ServedView | 'filling' | null;
  /** The generation that was live at a past time (epoch ms); null where none was. */
  readonly liveAt: (view: string, time: number) => ServedView | null;
  /**
   * Changes whenever an answer of `live` could change: what is derived from it may be kept until
   * then.
   */
  readonly epoch: () => number;
}

/**
 * What a read needs of the generation that answers it. The engine provides it
 * (domain/ports/engine.ts); its contract suite tests the promises made here.
 */
import type { FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import type { Degraded } from '#domain/ports/degraded.ts';
import type { Position, Value } from '#domain/values/value.ts';

/** The tiles of the entities of one read, fetched: reading them is synchronous. */
export interface FetchedTiles {
  /** Reads the row-th key; otherwise as `ServedView.read`. */
  readonly read: (
    row: number,
    at: number,
    out: Value[],
    status: FeatureStatus[],
  ) => 'ok' | 'needs-history';
  /** event time (epoch ms) of the row-th entity's newest event; null: it has none */
  readonly newest: (row: number) => number | null;
  /** which stores could not answer */
  readonly degraded: Degraded;
}

export interface ServedView {
  readonly plan: ViewPlan;
  readonly version: number;
  readonly generation: number;
  /** of its updates in features.<view>; −1: they have more than one */
  readonly schemaId: number;
  /**
   * Fills `out` and `status`, one place a feature of the plan, with the values at event time `at`
   * (epoch ms). `needs-history` where the tiles do not suffice (see TileStore): the caller then
   * folds raw events.
   */
  readonly read: (
    key: string,
    at: number,
    out: Value[],
    status: FeatureStatus[],
  ) => 'ok' | 'needs-history';
  /**
   * event time (epoch ms) of an entity's newest event; null: it has none. Valid only after `read`
   * answered `ok`.
   */
  readonly newest: (key: string) => number | null;
  /**
   * Present where the tiles are in a store and not in this process: a read awaits it once for all
   * its keys, and uses its answer in place of `read` and `newest`.
   */
  readonly fetch?: (keys: readonly string[], at: number) => Promise<FetchedTiles>;
  /**
   * next offsets of the raw topic, by partition: every event before them is in what is read. They
   * never go back while the process runs.
   */
  readonly positions: () => readonly Position[];
  /** the same as text, `raw.<source>@0:123` */
  readonly position: () => string;
  /** epoch ms; null before any event */
  readonly newestEventTime: () => number | null;
  /**
   * epoch ms: every event that the log had accepted by then is in what is read; null: not known
   * yet. Never goes back from one read to a later one.
   * @param now the time of the read, epoch ms
   */
  readonly completeThrough: (now: number) => number | null;
  /** contains `engine-stalled` while its computation does not run */
  readonly degraded: () => Degraded;
}

export interface ServingViews {
  /**
   * The generation that answers for a view (of that version, where a service pins one): null where
   * there is no such view or version, `filling` where none of it has been promoted yet. An engine
   * whose fills take long may answer for a view of which no generation was promoted: with one whose
   * tiles answer nothing, so that raw events answer.
   */
  readonly live: (view: string, version?: number) => ServedView | 'filling' | null;
  /**
   * Changes whenever an answer of `live` could change: what a caller derives from an answer may be
   * kept as long as the epoch is the same.
   */
  readonly epoch: () => number;
}

/** Whether a read has an answer. */
export const isServed = (answer: ReturnType<ServingViews['live']>): answer is ServedView =>
  answer !== null && answer !== 'filling';

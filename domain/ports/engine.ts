/**
 * The engine: it computes feature views. The registry decides which generations of a view exist, in
 * which state each is, and which one answers reads; the engine makes what runs match that.
 *
 * A generation is one computation of one version of a view. It reads `raw.<source>` from the
 * beginning and writes each tile that it changes to `features.<view>`. It begins as `filling`,
 * becomes `ready`, is promoted to `live`, and stays as `standby` for rollback when another one is
 * promoted.
 *
 * Promises (each has a test in tests/contracts/engine.contract.ts):
 * - Every raw event that the log accepted is counted in every generation of its source's views,
 *   exactly once, whatever stops or crashes in between. An engine that is opened again goes on from
 *   the positions that it had committed; nothing is computed twice and nothing is skipped.
 * - `reconcile` starts the wanted generations that do not run and stops those that run and are not
 *   wanted. Calls are carried out one after the other, in the order in which they were made.
 *   Repeating a call changes nothing.
 * - `answers` is called exactly once in a `reconcile` that succeeds, before it resolves: from then
 *   on `live` and `generation` answer as `wanted` says. Jobs outside this process may start later,
 *   and starts that fail are repeated: reads do not wait for them, and `reconcile` only for those
 *   that replace a job of an earlier plan or of earlier columns.
 * - `onFilled` is called for a generation that is wanted as `filling`, once it has taken in
 *   everything that the log had accepted when it began, and reads of it see the result. It may be
 *   called again after a restart, or until the generation is no longer wanted as `filling`.
 * - The tiles of a generation that is `filling` or `ready` never answer `live`. They can be
 *   inspected through `generation`, with its positions and size. Where no generation of a view was
 *   promoted, `live` is `filling`, or what raw events answer (served-view.ts).
 * - A generation that stops computing keeps its values. `error` says why, and `served.degraded`
 *   contains `engine-stalled`.
 * - After `close` has resolved neither `onFilled` nor `onFailed` is called. What was computed
 *   stays.
 */

import type { EngineJob, ReadsByStore } from '#domain/api/operations.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { Degraded } from '#domain/ports/degraded.ts';
import type { ServedView, ServingViews } from '#domain/ports/served-view.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import type { Position } from '#domain/values/value.ts';

export interface GenerationSpec {
  readonly view: string;
  /** of the view's definition; rises without a new generation where the values stay the same */
  readonly version: number;
  readonly generation: number;
  readonly plan: ViewPlan;
  readonly source: SourceDefinition;
}

/**
 * A replay of some days or some entities: the rest of the new generation is a copy of the live one.
 */
export interface ReplayRange {
  /** event time, epoch ms, inclusive; null: no bound */
  readonly from: number | null;
  readonly to: number | null;
  /** encoded keys; null: all entities */
  readonly keys: readonly string[] | null;
}

export interface WantedGeneration {
  readonly spec: GenerationSpec;
  readonly state: 'filling' | 'ready' | 'live' | 'standby';
  /** null: everything is computed from raw events */
  readonly partial: ReplayRange | null;
}

/** All that the registry wants of one view. */
export interface WantedView {
  readonly view: string;
  /** oldest first */
  readonly generations: readonly WantedGeneration[];
  /**
   * generations that were wanted once and never will be again: retired, abandoned or failed. What
   * they left may be deleted.
   */
  readonly gone: readonly number[];
}

/** A generation that runs. */
export interface EngineGeneration {
  readonly spec: GenerationSpec;
  /** the generation as reads see it; a filling one can be read too */
  readonly served: ServedView;
  /**
   * All its tiles as they are now: from memory, or read together from `features.<view>`.
   * @throws MR_ENTITY_QUOTA where the memory may not have all of them
   */
  readonly tiles: () => Promise<TileStore>;
  /**
   * The tiles, where they have the values that raw events give at present: they count every event
   * that the log has accepted, and none was left out as late, or deleted since. null: they do not,
   * or not now. Absent: this engine has its tiles elsewhere.
   */
  readonly presentTiles?: () => TileStore | null;
  /** epoch ms; absent: only the tiles have it */
  readonly watermark?: () => number;
  /** its size where that is known without reading it; zeros where the tiles are in a store */
  readonly size: () => { readonly entities: number; readonly tiles: number };
  /** epoch ms; null before any event */
  readonly newestEventTime: () => number | null;
  /**
   * next offsets of the raw topic, by partition: every event before them is in what reads see, and
   * stays there; empty where that is not known yet
   */
  readonly positions: () => readonly Position[];
  /**
   * raw events that the log has accepted and that are not known to be computed; 0: none
   * @param ends of the raw topic, as the caller has just read them. An engine that polls the log
   * may not have seen the newest events yet, and would report 0
   */
  readonly lag: (ends?: readonly number[]) => number;
  /** raw events computed, for showing progress; where the count begins is up to the engine */
  readonly events: () => number;
  /**
   * the first offset of `features.<view>` from which it needs the updates, if the log keeps no more
   * of them than is needed; absent: it does not read them from this log
   */
  readonly updatesNeededFrom?: () => number;
  /** why it does not compute; null while it does */
  readonly error: () => Error | null;
  /** the job that computes it, in an engine outside this process; null: not known yet */
  readonly job?: () => EngineJob | null;
}

/** What an engine reports to its owner. */
export interface EngineEvents {
  readonly onFilled: (view: string, generation: number) => Promise<void>;
  /**
   * A filling generation failed for good. An engine whose jobs restart by themselves never says
   * so: `error` then says what is wrong, and clears when the job runs again.
   */
  readonly onFailed: (view: string, generation: number, error: Error) => Promise<void>;
}

export interface Engine extends ServingViews {
  /**
   * Makes what runs match `wanted`, which lists every view: a view that is left out is stopped.
   * @param answers called once reads are answered accordingly; see the promises above
   * @throws where a generation could not be started; the call may be repeated
   */
  readonly reconcile: (wanted: readonly WantedView[], answers: () => void) => Promise<void>;
  /** null: it is not wanted, or not started yet */
  readonly generation: (view: string, generation: number) => EngineGeneration | null;
  readonly running: () => readonly EngineGeneration[];
  /**
   * The listener is called when `positions` of a generation have moved. Returns the function that
   * ends the subscription.
   */
  readonly onProgress: (listener: () => void) => () => void;
  /** jobs that serve all views, in an engine outside this process */
  readonly jobs?: () => readonly EngineJob[];
  /** where reads go to stores: how many each has answered */
  readonly readsByStore?: () => ReadsByStore;
  /** modes that concern every view; absent: none ever */
  readonly degraded?: () => Degraded;
  /** Waits for work under way. Jobs outside this process go on. */
  readonly close: () => Promise<void>;
}

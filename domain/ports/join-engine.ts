/**
 * Runs the point-in-time joins of a data set on an engine of its own, which may have many machines.
 * The platform reads the spine before, and orders and writes the rows afterwards: so a data set has
 * the same rows, and the same bytes, whichever engine has joined it.
 *
 * Promises (tests/contracts/join-engine.contract.ts):
 * - Each row of a task's spine is in the task's results once, with the values and statuses that
 *   `joinPointInTime` gives it.
 * - Where `join` rejects, or its signal is aborted, nothing runs any more when it settles.
 * - The directory is the engine's; whoever called `join` deletes it. `discard` ends what a process
 *   that was killed has left running for a directory, and deletes what lies elsewhere.
 */
import type { JoinEngineName } from '#domain/datasets/data-set-engine.ts';
import type { DatasetMode } from '#domain/datasets/spine.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { JoinPlan } from '#domain/training-sets/join-plan.ts';
import type { RawFiles, TrainingSetProgress } from './training-set-builder.ts';

/** Files of equal columns. */
export interface FileGroup {
  /** paths on the local disk */
  readonly files: readonly string[];
  readonly columns: readonly string[];
}

/** The raw events that a join reads. */
export interface JoinEvents {
  readonly source: SourceDefinition;
  readonly mode: DatasetMode;
  /** as served: whether the known times of imported events count */
  readonly knownTimes: boolean;
  readonly raw: Omit<RawFiles, 'files'>;
  /** the files of the pinned snapshot of the source's table; none: there are no events */
  readonly groups: readonly FileGroup[];
  /** how many events the files have */
  readonly count: number;
}

/** The join of one view. Plain data. */
export interface JoinTask {
  readonly view: string;
  readonly plan: JoinPlan;
  readonly withStatus: boolean;
  readonly events: JoinEvents;
  /**
   * Path of a Parquet file with the rows: `row_no` (long), `ms` (long, epoch), `key` (text, the
   * encoded key of the entity)
   */
  readonly spine: string;
  /** how many it has */
  readonly rows: number;
}

export interface JoinOptions {
  /** a path on the local disk for files of this call, which exists */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TrainingSetProgress) => void;
}

/**
 * The results of a task: paths of Parquet files with `row_no`, the outputs of the plan as `c0`,
 * `c1`, …, and where statuses are wanted, their codes (statuses.ts) as `s0`, `s1`, …
 */
export type JoinedFiles = readonly string[];

export interface JoinEngine {
  readonly name: JoinEngineName;
  /**
   * By task, its results.
   * @throws MR_ENGINE_UNAVAILABLE, MR_ENGINE_FAILED; the reason of the signal
   */
  readonly join: (
    tasks: readonly JoinTask[],
    options: JoinOptions,
  ) => Promise<readonly JoinedFiles[]>;
  readonly discard: (directory: string) => Promise<void>;
}

/** The columns of the results, in order. */
export const resultColumns = ({
  plan: { outputs },
  withStatus,
}: Pick<JoinTask, 'plan' | 'withStatus'>): readonly string[] => [
  'row_no',
  ...outputs.map((_, i) => `c${i}`),
  ...(withStatus ? outputs.map((_, i) => `s${i}`) : []),
];

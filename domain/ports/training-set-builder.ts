/**
 * Builds training sets and batch scores from the history's files.
 *
 * Promises:
 * - All that decides the values is in the job: the same job gives the same rows, in the order of
 *   the spine.
 * - The output appears whole under its name, or not at all; a file that it replaces stays until
 *   then.
 * - Building does not delay reads: it runs in a thread of its own, with a limit on its memory.
 */

import type { DatasetBatches } from '#domain/api/datasets.ts';
import type { DatasetEngine } from '#domain/datasets/data-set-engine.ts';
import type { DatasetContent, GivenSpineRecord, SpineRecord } from '#domain/datasets/manifest.ts';
import type { RowDiff } from '#domain/datasets/row-diff.ts';
import type { BuilderSpine, DatasetMode, GridSpine } from '#domain/datasets/spine.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { Imports } from '#domain/sources/knowledge.ts';
import type { ResultValues } from '#domain/training-sets/columns.ts';
import type { StatusCodes } from '#domain/training-sets/statuses.ts';
import type {
  NamedType,
  TrainingSetPlan,
  TrainingSetTarget,
  ViewDefinitions,
} from '#domain/training-sets/training-set-plan.ts';
import type { Position, Row, Value } from '#domain/values/value.ts';

/**
 * The raw events of one source, as Parquet files with its fields, _partition, _offset and
 * _log_time.
 */
export interface RawFiles {
  /** URIs */
  readonly files: readonly string[];
  /** by partition: only events with offsets below these are known at the pinned `known` */
  readonly below: readonly number[];
  /** epoch ms: events before it were deleted, and rows that need them are refused; absent: none */
  readonly horizon?: number;
  /** the snapshot of the table that has the files; absent: there is none */
  readonly snapshot?: string;
  /** of a source that takes imported events; `known`: the pinned time, epoch ms */
  readonly imports?: Imports & {
    readonly known: number;
    /** by partition: events at these offsets and later are no part of it; absent: all are */
    readonly end?: readonly number[];
  };
}

/**
 * The time that a generation answers, with the definitions of its version. The times of a view's
 * generations follow each other without a gap.
 */
export interface AnsweringGeneration {
  readonly generation: number;
  readonly version: number;
  readonly definitions: ViewDefinitions;
  /** epoch ms; null: since ever */
  readonly from: number | null;
  /** exclusive, epoch ms; null: it still answers */
  readonly to: number | null;
  /** raw events that it left out as late */
  readonly late?: readonly Position[];
}

/** Plain data: it can be sent to a worker thread. */
export interface TrainingSetJob {
  readonly target: TrainingSetTarget;
  /** a file is a path on the local disk */
  readonly spine: BuilderSpine;
  /** of a spine of events */
  readonly spineSource?: SourceDefinition;
  /** a path on the local disk that ends in .parquet or .csv */
  readonly out: string;
  /** whether a file `out` that exists is replaced; absent: that is refused */
  readonly overwrite?: boolean | undefined;
  readonly mode: DatasetMode;
  /** a column of statuses after each feature */
  readonly withStatus?: boolean;
  /** by source name */
  readonly sources: Readonly<Record<string, RawFiles>>;
  /** by view name, oldest first; required for `as-served` */
  readonly timelines?: Readonly<Record<string, readonly AnsweringGeneration[]>>;
  /**
   * The output's bytes follow from the rest of the job, and the result describes them.
   * `content`: what they must be; null: whatever they are. `spine`: what a file must be.
   */
  readonly reproducible?: {
    readonly content: DatasetContent | null;
    readonly spine: SpineRecord;
  };
  /**
   * Of one view, over a grid: the rows are the ends of half-open periods. An event at exactly a
   * row's time does not count in it, and entities have rows only at ends at which one of their
   * windows has an event. `late`: raw events that do not count. `maxRows`: more are refused
   * (MR_DATASET_TOO_LARGE); absent: as many as fit in memory.
   */
  readonly periods?: { readonly late: readonly Position[]; readonly maxRows?: number };
  /** DuckDB's limit, such as '384MB'; what does not fit spills to the disk of `out` */
  readonly memoryLimit?: string;
  /** bytes for the rows while they are joined; absent: ROW_MEMORY_BYTES. More rows are refused. */
  readonly rowMemory?: number;
  /** what joins the rows; absent: the builder itself. It does not decide what the rows are. */
  readonly engine?: DatasetEngine | undefined;
}

/** A job whose rows are ends of periods. No two with one id run at a time. */
export type PeriodsJob = Omit<TrainingSetJob, 'spine' | 'out' | 'periods'> &
  Required<Pick<TrainingSetJob, 'periods'>> & { readonly id: string; readonly grid: GridSpine };

/** Rows of one time whose values are computed already. */
export interface ValuesJob
  extends Pick<TrainingSetJob, 'target' | 'out' | 'overwrite' | 'withStatus' | 'memoryLimit'> {
  /** the time of all rows, epoch ms */
  readonly at: number;
  readonly rows: number;
  /** columns of the entities' keys */
  readonly keys: readonly NamedType[];
}

/** The values of one planned value; `statuses` where they are wanted. */
export interface PlannedValues {
  readonly values: ResultValues;
  readonly statuses?: StatusCodes;
}

/** Some of the rows, by columns. */
export interface ValuesChunk {
  readonly rows: number;
  /** in the order of the job's keys */
  readonly keys: readonly (readonly Value[])[];
  /** by planned value of the target; those of on-demand features are computed by the builder */
  readonly values: readonly PlannedValues[];
}

export interface TrainingSetProgress {
  readonly stage: string;
  /** 0 to 1 */
  readonly progress: number;
}

export interface TrainingSetResult {
  readonly rows: number;
  readonly features: readonly string[];
  readonly events: number;
  /** of a reproducible one */
  readonly content?: DatasetContent;
}

export interface BuildOptions {
  /** `partialPath` of the output; default: another name beside it */
  readonly partial?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingSetProgress) => void;
}

/** The rows of a SQL statement, kept as a spine. */
export interface StoredSpine {
  readonly rows: number;
  /** hexadecimal, of the columns' names and types, and of the values of the rows in their order */
  readonly sha256: string;
}

export interface RowDiffRequest {
  /** paths of outputs of one format, whose columns have all keys and the rows' times */
  readonly files: readonly [string, string];
  /** columns by which a row is found again, beside its time */
  readonly keys: readonly string[];
  /** of each kind of difference, at most */
  readonly examples: number;
  readonly signal?: AbortSignal;
}

export interface TrainingSetBuilder {
  /** Identity on this machine of the directory of the builder's own outputs: a copy has another. */
  readonly home: string;
  /**
   * The absolute path of an output: the requested one, or one of the builder's own for this id.
   * @param requested absolute, or relative to the working directory
   * @throws MR_REFUSED where it is in the platform's own directory, where it exists and is no
   * regular file, or exists without `overwrite`
   */
  readonly outputPath: (id: string, requested?: string, overwrite?: boolean) => string;
  /** Where the file of an output is written before it gets its name, for this id. */
  readonly partialPath: (id: string, out: string) => string;
  /** Removes a file, and what a build of it spilled to the disk, if they exist. */
  readonly discard: (path: string) => Promise<void>;
  /** @throws MR_REFUSED where the platform has no such engine */
  readonly checkEngine: (engine: DatasetEngine | undefined) => void;
  /** @throws MR_REFUSED where the file is in the platform's own directory */
  readonly checkSpine: (file: string) => void;
  /** What a spine is, so that it can be recognized. @throws MR_SPINE_INVALID */
  readonly identify: (spine: BuilderSpine) => Promise<GivenSpineRecord>;
  /** The file of a spine in the builder's own directory, by its name; null: it is not there. */
  readonly storedSpine: (name: string) => Promise<string | null>;
  /**
   * Keeps rows under a name that is not taken. The file has all of them, or does not exist.
   * @throws MR_SPINE_INVALID where a wanted column is missing, or there is no row
   */
  readonly storeSpine: (
    name: string,
    rows: DatasetBatches,
    wanted: Pick<TrainingSetPlan, 'keys' | 'request'>,
  ) => Promise<StoredSpine>;
  readonly removeSpine: (name: string) => Promise<void>;
  /**
   * Removes stored spines and what comparisons spilled, which processes have left that ended.
   * @param kept names of spines that are needed
   * @param before epoch ms: what was changed later is kept
   */
  readonly removeLeft: (kept: ReadonlySet<string>, before: number) => Promise<void>;
  /**
   * Writes the training set to `job.out`.
   * @throws MR_DATASET_CHANGED where a reproducible one would have other bytes: nothing is written
   * @throws MillraceError where the spine is invalid, the disk is full or the thread fails; a
   * DOMException AbortError where the signal was aborted before the output took its name
   */
  readonly build: (job: TrainingSetJob, options?: BuildOptions) => Promise<TrainingSetResult>;
  /**
   * Writes values that are computed already, as `build` writes those of a spine. It asks for a
   * chunk when the one before is taken in.
   * @throws as `build`
   */
  readonly write: (
    job: ValuesJob,
    chunks: AsyncIterable<ValuesChunk>,
    options?: BuildOptions,
  ) => Promise<TrainingSetResult>;
  /**
   * The same as `build`, in memory: column → value for each row of the spine, in its order. No file
   * is left.
   * @throws as `build`
   */
  readonly values: (
    job: Omit<TrainingSetJob, 'spine' | 'out'>,
    spine: readonly Row[],
    options?: BuildOptions,
  ) => Promise<readonly ReadonlyMap<string, Value>[]>;
  /**
   * The same as `build`, as a Parquet file, which is there until `use` has settled. Its columns are
   * the entity's keys, the rows' time and the features, in the order of the definitions.
   * @throws as `build`
   */
  readonly periods: <T>(
    job: PeriodsJob,
    use: (file: string, rows: number) => Promise<T>,
    options?: BuildOptions,
  ) => Promise<T>;
  /** The rows of a Parquet output, in order; a few batches of them are in memory. */
  readonly batches: (out: string) => Promise<DatasetBatches>;
  /**
   * How the rows of two outputs differ, in memory that does not depend on their size.
   * @throws MR_DISK_FULL; a DOMException AbortError
   */
  readonly diffRows: (request: RowDiffRequest) => Promise<RowDiff>;
  /** Bytes of an output; null where there is none. */
  readonly outputBytes: (out: string) => Promise<number | null>;
}

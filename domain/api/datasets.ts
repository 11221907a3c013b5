/**
 * What data scientists can request: files and tables of values. Times are epoch ms; refusals are
 * thrown as MillraceError.
 */
import type { DatasetEngine } from '#domain/datasets/data-set-engine.ts';
import type { DatasetDiff } from '#domain/datasets/diff.ts';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import type { RowDiff } from '#domain/datasets/row-diff.ts';
import type { DatasetMode, DatasetSpine } from '#domain/datasets/spine.ts';
import { fail, type Problem } from '#domain/errors.ts';
import type { RollupPeriod } from '#domain/rollups/rollup-name.ts';
import type { SqlBatch, SqlColumn } from '#domain/sql-results/sql-type.ts';
import type { Caller } from './caller.ts';
import type { RunStatement } from './sql.ts';

export interface DatasetRequest {
  readonly target: { readonly service: string } | { readonly view: string };
  readonly spine: DatasetSpine;
  /** its manifest is kept under this name; absent: it has none */
  readonly name?: string;
  /** whether another request than the name's newest is a new version of it; absent: refused */
  readonly newVersion?: boolean;
  /** local path to write; absent: kept for GET /v1/datasets/{id}/data */
  readonly out?: string;
  /** whether a file `out` that exists is replaced; absent: that is refused */
  readonly overwrite?: boolean;
  readonly mode: DatasetMode;
  readonly known?: number;
  /** a column `<feature>__status` after each feature: the status that an online read answers */
  readonly withStatus?: boolean;
  /** what joins the rows; absent: `embedded`. It changes no value: the file has the same bytes. */
  readonly engine?: DatasetEngine;
}

/** Another build of a version of a named data set. */
export interface RerunRequest {
  readonly out?: string;
  readonly overwrite?: boolean;
  /** the same spine, where it was given as rows or its file has moved */
  readonly spine?: DatasetSpine;
  /** it may be another than the one that built it before */
  readonly engine?: DatasetEngine;
}

export interface DatasetStatus {
  readonly id: string;
  /** absent: it has none */
  readonly name?: string;
  /** of the name; absent: not known yet */
  readonly version?: number;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  /** 0 to 1 */
  readonly progress: number;
  readonly stage: string;
  readonly rows: number | null;
  readonly out: string;
  readonly mode: DatasetMode;
  readonly features: readonly string[];
  readonly views: readonly {
    readonly view: string;
    readonly version: number;
    readonly generation: number | null;
  }[];
  readonly known: number;
  readonly error: Problem | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
}

/** Rows in batches, with their types. */
export interface DatasetBatches {
  readonly columns: readonly SqlColumn[];
  /** to be read to the end, or returned */
  readonly batches: AsyncIterable<SqlBatch>;
}

export interface RowDiffWish {
  /** of each kind of difference, at most; absent: DEFAULT_EXAMPLES */
  readonly examples?: number;
  /** ends the comparison */
  readonly signal?: AbortSignal;
}

/** A file on this machine. */
export interface DatasetFile {
  readonly path: string;
  readonly bytes: number;
}

export interface RollupRequest {
  readonly view: string;
  readonly every: RollupPeriod;
  /**
   * a time in the first period; absent: the periods after those that the table has, or the last one
   */
  readonly from?: number;
  /** the end of the last period, or a time in it; absent: the last one that has ended */
  readonly to?: number;
  /** absent: all */
  readonly features?: readonly string[];
  /** whether periods that the table has are written again; absent: that is up to the profile */
  readonly again?: boolean;
}

/** What was written: whole periods, so `from` and `to` may lie outside the requested range. */
export interface RollupResult {
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  readonly every: RollupPeriod;
  readonly from: number;
  readonly to: number;
  readonly features: readonly string[];
  readonly table: string;
  /** that were written: not those that were there */
  readonly rows: number;
}

export interface BatchRequest {
  readonly target: { readonly service: string } | { readonly view: string };
  readonly at?: number;
  readonly out: string;
  /** as in DatasetRequest */
  readonly withStatus?: boolean;
  /** whether a file `out` that exists is replaced; absent: that is refused */
  readonly overwrite?: boolean;
}

export interface BatchResult {
  readonly rows: number;
  readonly out: string;
}

/** @throws MR_NOT_FOUND */
export const noDataset = (reference: string): never =>
  fail(
    'MR_NOT_FOUND',
    `there is no data set "${reference}": \`millrace dataset list\` lists them`,
    {
      id: reference,
    },
  );

/** What decides, beside its views, who may have a data set. */
export interface DatasetOrigin {
  /** id of the principal that started it; null: there was none */
  readonly owner: string | null;
  /** what its rows come from, as kind/name */
  readonly from: readonly string[];
}

/**
 * Refuses a data set by throwing.
 * @param reference what the caller requested: its id, or its name
 */
export type CheckDataset = (
  status: DatasetStatus,
  origin: DatasetOrigin,
  reference: string,
) => void;

/**
 * Values written to files and tables: training sets, batches, rollups. A `check` is called with the
 * data set that was found, before anything else is done with it.
 */
export interface Datasets {
  /**
   * With a name that is taken: the same request builds the same again, and another one is refused,
   * unless it asks for a new version.
   * @param run answers the statement of a spine; absent: with no limit to what it may read
   * @throws MR_SPINE_INVALID where the rows of a statement have not the columns of a spine
   */
  start(request: DatasetRequest, caller: Caller, run?: RunStatement): Promise<DatasetStatus>;
  /**
   * Builds a version of a named data set again; without `@VERSION`, the newest one.
   * @throws MR_DATASET_CHANGED where its spine, or the definitions, are not there as they were. The
   * build fails with it where the bytes would be others.
   */
  rerun(
    reference: string,
    request: RerunRequest,
    caller: Caller,
    run?: RunStatement,
  ): Promise<DatasetStatus>;
  /** @param reference NAME, NAME@VERSION or the id of a build @throws MR_NOT_FOUND */
  manifest(reference: string, caller?: Caller): Promise<DatasetManifest>;
  /** How the second differs from the first. @throws MR_NOT_FOUND */
  diff(first: string, second: string, caller?: Caller): Promise<DatasetDiff>;
  /**
   * How the rows of the second differ from those of the first, by the files of their newest builds.
   * @throws as `file`; MR_REFUSED where the files have not the same format and entity keys
   */
  diffRows(
    first: string,
    second: string,
    request: RowDiffWish,
    caller?: Caller,
    check?: CheckDataset,
  ): Promise<RowDiff>;
  /** @param id or a name: its newest build @throws MR_NOT_FOUND */
  get(id: string, caller?: Caller, check?: CheckDataset): Promise<DatasetStatus>;
  /**
   * The newest first, of the last 1,000.
   * @param visible absent: all are
   */
  list(
    caller?: Caller,
    visible?: (status: DatasetStatus, origin: DatasetOrigin) => boolean,
  ): Promise<readonly DatasetStatus[]>;
  /**
   * The file of one that is done.
   * @throws MR_NOT_FOUND, MR_REFUSED while it has none, MR_DATASET_FAILED; MR_DATASET_ELSEWHERE
   * where only another gateway can read it
   */
  file(id: string, caller?: Caller, check?: CheckDataset): Promise<DatasetFile>;
  /**
   * The rows of one that is done, from its Parquet file.
   * @throws as `file`; MR_REFUSED where it is a CSV file
   */
  batches(id: string, caller?: Caller, check?: CheckDataset): Promise<DatasetBatches>;
  /** Resolves when it is built, cancelled or failed. @throws MR_NOT_FOUND */
  ended(id: string): Promise<void>;
  /** Resolves when it has ended; where another gateway builds it, after some seconds at most. */
  cancel(id: string, caller?: Caller, check?: CheckDataset): Promise<DatasetStatus>;
  /** Writes the values of every entity to a file. */
  batch(request: BatchRequest, caller: Caller): Promise<BatchResult>;
  /**
   * Writes a view's values at the end of each period, one row per entity, to a table.
   * @throws MR_PARAMETER_INVALID where no period of the range has ended; MR_REFUSED for features
   * that the table cannot have; MR_HISTORY_TRIMMED
   */
  rollup(request: RollupRequest, caller: Caller): Promise<RollupResult>;
}

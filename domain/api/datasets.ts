/**
 * What data scientists can request: files and tables of values. Times are epoch ms; refusals are
 * thrown as MillraceError.
 */
import { fail, type Problem } from '#domain/errors.ts';
import type { Row } from '#domain/values/value.ts';
import type { Caller } from './caller.ts';

export interface DatasetRequest {
  readonly target: { readonly service: string } | { readonly view: string };
  /** local path of a Parquet or CSV file, for callers on the same machine; else rows */
  readonly spine: { readonly file: string } | { readonly rows: readonly Row[] };
  /** local path to write; absent: kept for GET /v1/datasets/{id}/data */
  readonly out?: string;
  /** whether a file `out` that exists is replaced; absent: that is refused */
  readonly overwrite?: boolean;
  readonly mode: 'event-time' | 'as-served';
  readonly known?: number;
  /** a column `<feature>__status` after each feature: the status that an online read answers */
  readonly withStatus?: boolean;
}

export interface DatasetStatus {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  /** 0 to 1 */
  readonly progress: number;
  readonly stage: string;
  readonly rows: number | null;
  readonly out: string;
  readonly mode: 'event-time' | 'as-served';
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

/** A file on this machine. */
export interface DatasetFile {
  readonly path: string;
  readonly bytes: number;
}

export interface RollupRequest {
  readonly view: string;
  readonly every: 'day' | 'hour';
  /** a time in the first period; absent: the last whole period */
  readonly from?: number;
  /** the end of the last period, or a time in it; absent: now */
  readonly to?: number;
  /** absent: all */
  readonly features?: readonly string[];
}

/** What was written: whole periods, so `from` and `to` may lie outside the requested range. */
export interface RollupResult {
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  readonly every: 'day' | 'hour';
  readonly from: number;
  readonly to: number;
  readonly features: readonly string[];
  readonly table: string;
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
export const noDataset = (id: string): never =>
  fail('MR_NOT_FOUND', `there is no data set "${id}"`, { id });

/**
 * Refuses a data set by throwing.
 * @param owner id of the principal that started it; null: there was none
 */
export type CheckDataset = (status: DatasetStatus, owner: string | null) => void;

/**
 * Values written to files and tables: training sets, batches, rollups. A `check` is called with the
 * data set that was found, before anything else is done with it.
 */
export interface Datasets {
  start(request: DatasetRequest, caller: Caller): Promise<DatasetStatus>;
  /** @throws MR_NOT_FOUND */
  get(id: string, caller?: Caller, check?: CheckDataset): Promise<DatasetStatus>;
  /**
   * The newest first, of the last 1,000.
   * @param visible by the owner's id; absent: all are
   */
  list(
    caller?: Caller,
    visible?: (status: DatasetStatus, owner: string | null) => boolean,
  ): Promise<readonly DatasetStatus[]>;
  /**
   * The file of one that is done.
   * @throws MR_NOT_FOUND, MR_REFUSED while it has none, MR_DATASET_FAILED; MR_DATASET_ELSEWHERE
   * where only another gateway can read it
   */
  file(id: string, caller?: Caller, check?: CheckDataset): Promise<DatasetFile>;
  /** Resolves when it is built, cancelled or failed. @throws MR_NOT_FOUND */
  ended(id: string): Promise<void>;
  /** Resolves when it has ended; where another gateway builds it, after some seconds at most. */
  cancel(id: string, caller?: Caller, check?: CheckDataset): Promise<DatasetStatus>;
  /** Writes the values of every entity to a file. */
  batch(request: BatchRequest, caller: Caller): Promise<BatchResult>;
  /**
   * Writes a view's values at the end of each period, one row per entity, to a table. A period that
   * is written again is replaced.
   */
  rollup(request: RollupRequest, caller: Caller): Promise<RollupResult>;
}

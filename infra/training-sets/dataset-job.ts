/**
 * A data set to build, as plain data: it crosses into the worker thread. All that decides its
 * values is in it.
 */

import type { DatasetTarget, ViewDefinitions } from '#domain/training-sets/dataset-plan.ts';
import type { Position, Row } from '#domain/values/value.ts';

/**
 * The raw events of one source: Parquet files with its fields, _partition, _offset and _log_time.
 */
export interface RawFiles {
  readonly files: readonly string[];
  /** by partition: only offsets below (the pinned `known`) */
  readonly below: readonly number[];
}

/** A generation while it was live, with the definitions of its version. */
export interface LiveGeneration {
  readonly generation: number;
  readonly version: number;
  readonly definitions: ViewDefinitions;
  /** epoch ms; null: since ever */
  readonly from: number | null;
  /** exclusive; null: still live */
  readonly to: number | null;
  /** raw events that it left out as late */
  readonly late?: readonly Position[];
}

export interface ServedView {
  readonly generations: readonly LiveGeneration[];
  /** Parquet files of features.<view>: cause_partition, cause_offset, generation, _log_time */
  readonly updates: readonly string[];
}

export interface DatasetJob {
  readonly target: DatasetTarget;
  readonly spine: { readonly file: string } | { readonly rows: readonly Row[] };
  readonly out: string;
  readonly mode: 'event-time' | 'as-served';
  /** by source name */
  readonly sources: Readonly<Record<string, RawFiles>>;
  /** by view name; needed for as-served */
  readonly served?: Readonly<Record<string, ServedView>>;
  /** DuckDB's cap, such as '384MB'; what does not fit spills beside `out` */
  readonly memoryLimit?: string;
}

export interface DatasetProgress {
  readonly stage: string;
  /** 0 to 1 */
  readonly progress: number;
}

export interface DatasetResult {
  readonly rows: number;
  readonly features: readonly string[];
  readonly events: number;
}

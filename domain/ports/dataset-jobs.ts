/**
 * The data sets that gateways build or have built, for all gateways and kept over restarts.
 *
 * Promises (tests/contracts/dataset-jobs.contract.ts):
 * - What a call changed is durable, and seen by every process, when it resolves.
 * - A data set ends once: of several calls of `end`, one returns true, and nothing changes later.
 * - Ages of heartbeats go by one clock, that of the store: clocks of gateways may differ.
 * - A job has no value of a spine and no entity key. What is stored of an error must have none
 *   either (projections/training-sets/stored-error.ts).
 */
import type { DatasetRequest, DatasetStatus } from '#domain/api/datasets.ts';
import type { BuilderSpine } from '#domain/datasets/spine.ts';

/** Ended data sets that are kept; the oldest are removed first. */
export const KEPT_DATASETS = 10_000;

/**
 * What it takes to ask for the same again. Of rows in a request, only their number; of those of a
 * statement, also what they came from, as kind/name.
 */
export interface KeptRequest
  extends Pick<
    DatasetRequest,
    'target' | 'out' | 'overwrite' | 'mode' | 'known' | 'withStatus' | 'engine'
  > {
  readonly spine:
    | Exclude<BuilderSpine, { readonly rows: unknown }>
    | { readonly rows: number; readonly from?: readonly string[] };
}

/** Plain data. */
export interface DatasetJob {
  /** its `known` and `views` are what was pinned */
  readonly status: DatasetStatus;
  readonly request: KeptRequest;
  readonly kind: 'dataset' | 'batch';
  readonly actor: string;
  /** id of the principal that asked; null: there was none */
  readonly principal: string | null;
  /** id of the gateway that builds it: another one after each start */
  readonly gateway: string;
  /** name of that gateway's machine */
  readonly host: string;
  /** path of the file that is written before the output gets its name */
  readonly partial: string;
  /** the builder's `home` */
  readonly home: string;
  /** size of the output; null until it is done */
  readonly bytes: number | null;
}

export interface FoundDatasetJob {
  readonly job: DatasetJob;
  /** age of its gateway's last heartbeat, ms */
  readonly quietMs: number;
}

export interface BuildProgress extends Pick<DatasetStatus, 'progress' | 'stage'> {
  readonly id: string;
}

/**
 * Who ends a data set: the gateway that builds it, or one that found its heartbeat older than this,
 * ms; null: however old it is, because no other gateway uses the store.
 */
export type EndedBy = { readonly gateway: string } | { readonly quietMs: number | null };

export interface DatasetJobs {
  /** whether other gateways use the store, too */
  readonly shared: boolean;
  /** @returns false where the id is taken: nothing was stored */
  readonly begin: (job: DatasetJob) => Promise<boolean>;
  readonly find: (id: string) => Promise<FoundDatasetJob | null>;
  /** The data sets being built. */
  readonly running: () => Promise<readonly FoundDatasetJob[]>;
  /** The data sets that were started last, newest first. */
  readonly newest: (limit: number) => Promise<readonly FoundDatasetJob[]>;
  /** Asks the gateway that builds it to cancel it; no effect on one that has ended. */
  readonly wishCancel: (id: string) => Promise<void>;
  /**
   * The heartbeat of a gateway, with the progress of what it builds.
   * @returns those of these data sets that have not ended: id → whether a cancellation is wished
   */
  readonly renew: (
    gateway: string,
    progress: readonly BuildProgress[],
  ) => Promise<ReadonlyMap<string, boolean>>;
  /**
   * Stores the ended job, if it is being built, and `by` may end it.
   * @returns whether it was stored
   */
  readonly end: (job: DatasetJob, by: EndedBy) => Promise<boolean>;
}

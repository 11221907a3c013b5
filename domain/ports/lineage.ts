/** What lineage needs from outside: a receiver for its events, and the runs that it reports on. */

import type { DatasetRequest, DatasetStatus } from '#domain/api/datasets.ts';
import type { FeatureServiceDefinition } from '#domain/definitions/model.ts';

/** A table of the history as it was read. */
export interface ReadSnapshot {
  /** raw.<source> or features.<view> */
  readonly topic: string;
  /** Iceberg's snapshot id; null: the table had no snapshot yet */
  readonly snapshot: string | null;
  /** by partition, the first offset that was not known at `known` */
  readonly below: readonly number[];
}

/** A data set that began or ended, as lineage reports it. */
export interface DatasetChange {
  readonly status: DatasetStatus;
  readonly request: Pick<DatasetRequest, 'target' | 'spine' | 'withStatus'>;
  readonly kind: 'dataset' | 'batch';
  readonly actor: string;
  /** empty until they are pinned */
  readonly snapshots: readonly ReadSnapshot[];
  /** whose features are its columns */
  readonly members: FeatureServiceDefinition['features'];
  /** raw sources of its views */
  readonly sources: readonly string[];
  /** size of the output file; null until it exists */
  readonly bytes: number | null;
}

/**
 * What became of one event. delivered; refused: the receiver will never accept this event;
 * unavailable: try again later.
 */
export type Delivered =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'refused' | 'unavailable'; readonly reason: string };

/** A way to a receiver. `send` tries once and never rejects. */
export interface LineageTransport {
  /** the receiver's address, for messages */
  readonly to: string;
  /** @param json one event @param signal aborted when the platform stops */
  readonly send: (json: string, signal: AbortSignal) => Promise<Delivered>;
  readonly close: () => Promise<void>;
}

/**
 * Data sets that this process is making, kept across its death: the next process reports the end of
 * those that it left.
 */
export interface OpenRuns {
  /** @throws where it could not be kept */
  readonly begun: (change: DatasetChange) => void;
  readonly ended: (id: string) => void;
}

/** @param onAbandoned called for each run that a process which no longer lives has left */
export type OpenRunsFile = (onAbandoned: (change: DatasetChange) => void) => OpenRuns;

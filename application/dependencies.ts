/** What a platform is made of: adapters of ports, and parts that only a profile can build. */
import type { Retention } from '#commands/retention/retention.ts';
import type { LimitedSource } from '#commands/retention/trim-history.ts';
import type { RollupRequest, RollupResult } from '#domain/api/datasets.ts';
import type { CatalogEntry } from '#domain/api/registry.ts';
import type { AuditAnchor } from '#domain/ports/audit-anchor.ts';
import type { AuditStore } from '#domain/ports/audit-store.ts';
import type { DatasetJobs } from '#domain/ports/dataset-jobs.ts';
import type { Engine, EngineEvents, EngineGeneration } from '#domain/ports/engine.ts';
import type { ErasureRunner } from '#domain/ports/erasure-runner.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';
import type { Metrics } from '#domain/ports/metrics.ts';
import type { ProducerOwners } from '#domain/ports/producer-owners.ts';
import type { RollupTables } from '#domain/ports/rollup-tables.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import type { SqlEngine } from '#domain/ports/sql-engine.ts';
import type { TableDocuments } from '#domain/ports/table-documents.ts';
import type { TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';
import type { UsageCounter } from '#domain/ports/usage-counter.ts';
import type { RawDecoders } from '#domain/sources/raw-decoders.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { DecodeUpdate } from '#projections/explain/recent-updates.ts';
import type { LineageDependencies } from '#projections/lineage/lineage.ts';
import type { StorageSizes } from '#projections/status/storage.ts';
import type { Traces } from './traced-areas.ts';

export interface EngineContext extends EngineEvents {
  readonly catalog: Catalog;
  readonly decoders: RawDecoders;
}

export type Rollup = (request: RollupRequest, live: EngineGeneration) => Promise<RollupResult>;

/** Where the features of a view are stored, and how far. */
export type Materializations = (
  view: string,
  live: EngineGeneration,
) => Promise<NonNullable<CatalogEntry['materializations']>>;

export interface PlatformDependencies {
  readonly profile: string;
  /** of Millrace */
  readonly version: string;
  readonly dataDirectory: string;
  readonly now: () => number;
  readonly warn: (message: string) => void;
  readonly metrics: Metrics;
  /** absent: traces are off */
  readonly traces?: Traces;
  readonly log: Log;
  /**
   * The log as the outbox writes it, where its appends must not share a transaction with others.
   * It is closed with the platform. Absent: `log`.
   */
  readonly outboxLog?: Log;
  readonly schemas: SchemaRegistry;
  readonly eventStore: EventStore;
  readonly auditStore: AuditStore;
  /** absent: the head of the audit log is in the database only */
  readonly auditAnchor?: AuditAnchor;
  /** the secret that audit records are signed with; absent: they are not signed */
  readonly auditKey?: Uint8Array;
  readonly usage: UsageCounter;
  readonly producerOwners: ProducerOwners;
  readonly datasetJobs: DatasetJobs;
  /** name of this machine */
  readonly host: string;
  readonly history: HistoryTables;
  /** the same tables, for other engines */
  readonly tables: TableDocuments;
  /** a time, epoch ms, such that every later append gets a later log time */
  readonly readTime: () => number;
  /**
   * By how much stored times lead the machine's clock, ms, where that is more than the clock is
   * adjusted by: the default time of a read is then the clock's. Absent: 0.
   */
  readonly clockLead?: () => number;
  /** Whether the disk that takes events and commands is full. Absent: it is not known. */
  readonly diskFull?: () => boolean;
  /** Whether events are refused because they could exhaust the memory. Absent: they never are. */
  readonly memoryLow?: () => boolean;
  /** how long the follower waits for more commits before it reconciles the engine, ms */
  readonly gatherMs: number;
  /** an apply waits for the fill of a generation with at most so many events; null: for none */
  readonly shortFillEvents: number | null;
  readonly openEngine: (context: EngineContext) => Engine | Promise<Engine>;
  readonly decodeUpdate: DecodeUpdate;
  readonly materializations: Materializations;
  /** the SQL that Flink runs for a version of a view; null: its source does not fit it any more */
  readonly sql: (catalog: Catalog, view: string, version: number) => string | null;
  readonly trainingSetBuilder: TrainingSetBuilder;
  /** of POST /v1/sql, the default first */
  readonly sqlEngines: readonly SqlEngine[];
  /** absent: OpenLineage is off */
  readonly lineage?: Pick<
    LineageDependencies,
    'emitter' | 'everyMs' | 'transport' | 'openRuns' | 'leads'
  >;
  /** false: a replay always recomputes a whole view; absent: it can recompute a part */
  readonly partialReplays?: false;
  /** `tables`: where rollups that this process computes are stored; `write`: an engine's own way */
  readonly rollups: { readonly tables: RollupTables } | { readonly write: Rollup };
  /** absent: nothing trims the log, or it does so by itself */
  readonly openRetention?: (
    running: Engine['running'],
    limited: () => readonly LimitedSource[],
    isCurrent: () => boolean,
  ) => Pick<Retention, 'stop'>;
  /** true: its history keeps every event, and `keepHistory` is refused */
  readonly keepsHistory?: true;
  /**
   * The event time before which events of a source were deleted from its history, epoch ms; null:
   * none was. Absent: this profile deletes none.
   */
  readonly horizon?: (source: string) => number | null;
  /** absent: this profile cannot erase while it runs */
  readonly erasures?: ErasureRunner;
  /** sizes of what is stored, where this profile stores it */
  readonly storage?: StorageSizes;
  /** called after everything else has been closed */
  readonly close: () => Promise<void>;
}

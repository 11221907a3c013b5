/**
 * What the gateways (HTTP, command line, later gRPC) ask of a running Millrace, whichever profile
 * runs it. Shapes are those of the interface that users are promised; times are epoch ms. Refusals
 * are thrown as MillraceError.
 */
import type { AccessLimits, Principal } from '#domain/authorization/principal.ts';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import type { Problem } from '#domain/errors.ts';
import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import type { SkewReport, SkewRequest } from '#domain/feature-log/skew.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import type { Access, AccessOptions } from '#domain/ports/access.ts';
import type { DegradedMode } from '#domain/ports/degraded.ts';
import type { RequestMeters } from '#domain/ports/request-meter.ts';
import type { TraceContext, Tracing } from '#domain/ports/tracing.ts';
import type { FieldType, Row, Value } from '#domain/values/value.ts';

export interface Caller {
  readonly actor: string;
  /**
   * of the request that asks, as its answer's headers and every log line about it say; absent:
   * nobody gave it one
   */
  readonly requestId?: string;
  /**
   * who that is, and what it may do; absent: nobody was asked. Only the guard of the gateways looks
   * at it (`commands/access`).
   */
  readonly principal?: Principal;
  /** the span of that request; absent: it is not traced */
  readonly trace?: TraceContext;
}

export interface RejectedEvent extends Problem {
  /** index in the batch */
  readonly index: number;
  readonly field?: string;
}

export interface PublishRequest {
  readonly source: string;
  /** parsed JSON objects, not yet validated */
  readonly events: readonly unknown[];
  /** idempotent producing: the number of events[0] in the producer's own count */
  readonly producer?: { readonly id: string; readonly sequence: number };
  /** answered only when reads of the source's views have what was published */
  readonly untilReadable?: boolean;
}

export interface PublishResult {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly RejectedEvent[];
  /** wait for it with `after` */
  readonly position: string;
}

export interface ReadRequest {
  readonly service?: string;
  /** "view:feature" or the name of an on-demand feature */
  readonly features?: readonly string[];
  readonly entities: readonly EntityKey[];
  /** one a row, or one for all rows */
  readonly request?: readonly Row[];
  readonly at?: number;
  readonly known?: number;
  readonly after?: string;
  /**
   * how long `after` may be waited for, ms; absent: as long as the profile says. It is never longer
   * than that.
   */
  readonly waitMs?: number;
  /** whether the answer says where each column comes from, and each row's newest event */
  readonly origins?: boolean;
}

/** Of a read's columns and rows, for protocols that say it. */
export interface ReadOrigins {
  /** entity keys of the views, each once */
  readonly keys: readonly string[];
  /** [feature]: index into `views`; −1: computed on demand */
  readonly viewOf: readonly number[];
  /** [feature] */
  readonly types: readonly FieldType[];
  /** [view][row]: event time (epoch ms) of the entity's newest event; null: it has none */
  readonly newest: readonly (readonly (number | null)[])[];
}

export interface ViewAnswer {
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  /** newest event time that the generation has taken in */
  readonly eventTime: number | null;
  readonly position: string;
  /**
   * epoch ms: every event up to `at` that the log had accepted by then is in the values, and later
   * ones may be; null: not known yet
   */
  readonly completeThrough: number | null;
}

export interface ReadResult {
  readonly features: readonly string[];
  /** [row][feature] */
  readonly values: readonly (readonly Value[])[];
  readonly status: readonly (readonly FeatureStatus[])[];
  readonly entities: readonly EntityKey[];
  readonly views: readonly ViewAnswer[];
  readonly at: number;
  readonly known: number;
  /** the modes that the answer was made in, right all the same; absent: all was as usual */
  readonly degraded?: readonly DegradedMode[];
  readonly origins?: ReadOrigins;
}

export interface CommandRequest {
  readonly type: string;
  readonly data: unknown;
  readonly expectedVersion?: number;
  readonly reason?: string;
  readonly force?: boolean;
}

export interface CommandResult {
  readonly events: readonly { readonly type: string; readonly data: unknown }[];
  readonly position: string;
}

export type ChangeCost = 'none' | 'compatible' | 'replay' | 'breaking';

export interface PlannedChange {
  readonly kind: Kind;
  readonly name: string;
  readonly action: 'create' | 'revise' | 'unchanged';
  readonly cost: ChangeCost;
  /** path → before, after */
  readonly fields: readonly {
    readonly path: string;
    readonly before: unknown;
    readonly after: unknown;
    readonly cost: ChangeCost;
  }[];
  /** what would break, or what a replay is needed for, in sentences */
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
}

export interface PlanResult {
  readonly changes: readonly PlannedChange[];
}

export interface ApplyResult extends PlanResult {
  readonly position: string;
  readonly applied: number;
}

export interface CatalogEntry {
  readonly kind: Kind;
  readonly name: string;
  readonly version: number;
  readonly status: 'active' | 'deprecated' | 'retired';
  readonly namespace: string;
  readonly owner: string | null;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly definition: Definition;
  readonly versions: readonly {
    readonly version: number;
    readonly registeredAt: number;
    readonly actor: string;
    readonly reason: string | null;
  }[];
  /** name, type, window … of what it offers, and where each is materialized and how fresh */
  readonly features?: readonly {
    readonly name: string;
    readonly type: string;
    readonly description: string | null;
  }[];
  readonly materializations?: readonly {
    readonly store: string;
    readonly location: string;
    readonly generation: number;
    readonly position: string;
    readonly eventTime: number | null;
    /**
     * what fills it: a job of the engine, or a projection of ours; absent where the process itself
     * does
     */
    readonly job?: string;
  }[];
  /** of a feature view: the SQL that Flink runs for it on the stack profile */
  readonly sql?: string;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
}

export interface DatasetRequest {
  readonly target: { readonly service: string } | { readonly view: string };
  /** local path of a Parquet or CSV file, for callers on the same machine; else rows */
  readonly spine: { readonly file: string } | { readonly rows: readonly Row[] };
  /** local path to write; absent: kept for GET /v1/datasets/{id}/data */
  readonly out?: string;
  readonly mode: 'event-time' | 'as-served';
  readonly known?: number;
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

/** What was written: whole days, so that `from` and `to` may be wider than was asked. */
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

export interface ReplayRequest {
  readonly view: string;
  readonly from?: number;
  readonly to?: number;
  readonly reason?: string;
  /** only these entities are recomputed */
  readonly entities?: readonly EntityKey[];
}

export type ReplayState =
  | 'filling'
  | 'ready'
  | 'promoted'
  | 'rolled-back'
  | 'abandoned'
  | 'retired'
  | 'failed';

export interface ReplayStatus {
  readonly id: string;
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  readonly state: ReplayState;
  readonly from: number | null;
  readonly to: number | null;
  readonly reason: string | null;
  readonly actor: string;
  /** 0 to 1 */
  readonly progress: number;
  readonly events: number;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly error: string | null;
}

export interface ReplayComparison {
  readonly id: string;
  readonly view: string;
  readonly live: {
    readonly version: number;
    readonly generation: number;
    readonly entities: number;
  } | null;
  readonly candidate: {
    readonly version: number;
    readonly generation: number;
    readonly entities: number;
  };
  readonly at: number;
  readonly features: readonly {
    readonly name: string;
    readonly compared: number;
    readonly differing: number;
    /** largest |a − b|, of numbers */
    readonly largest: number | null;
    readonly examples: readonly {
      readonly entity: EntityKey;
      readonly live: Value;
      readonly candidate: Value;
    }[];
  }[];
  readonly onlyLive: readonly string[];
  readonly onlyCandidate: readonly string[];
}

export interface ExplainRequest {
  readonly view: string;
  readonly feature: string;
  readonly entity: EntityKey;
  readonly at?: number;
  readonly known?: number;
}

export interface Explanation {
  readonly view: string;
  readonly feature: string;
  readonly entity: EntityKey;
  readonly at: number;
  readonly known: number;
  readonly value: Value;
  readonly status: FeatureStatus;
  readonly version: number;
  readonly generation: number;
  readonly definition: unknown;
  /** the interval of event time that the value covers, both ends included; from null: all time */
  readonly covers: { readonly from: number | null; readonly to: number };
  readonly tiles: readonly {
    readonly start: number;
    readonly end: number | null;
    readonly newestEventTime: number;
    readonly state: unknown;
  }[];
  readonly updates: readonly {
    readonly position: string;
    readonly logTime: number;
    readonly tileStart: number;
    readonly cause: string;
  }[];
  readonly events: readonly {
    readonly position: string;
    readonly eventTime: number;
    readonly logTime: number;
    readonly row: Row;
    readonly counted: boolean;
    readonly why: string | null;
  }[];
  readonly eventsTotal: number;
  readonly recomputed: Value;
  readonly matches: boolean;
}

export interface AuditQuery {
  readonly since?: number;
  readonly until?: number;
  readonly actor?: string;
  readonly subject?: string;
  readonly kind?: string;
  /** pages: records after this sequence */
  readonly after?: number;
  readonly limit?: number;
}

export interface AuditRecord {
  readonly sequence: number;
  readonly time: number;
  readonly actor: string;
  readonly command: string;
  /** kind/name */
  readonly subject: string;
  readonly reason: string | null;
  readonly outcome: 'accepted' | 'refused';
  readonly refusal: { readonly code: string; readonly message: string } | null;
  readonly events: readonly { readonly type: string; readonly data: unknown }[];
  /**
   * SHA-256 of the command's id and data, which the registry's commit has; absent in records of
   * before it was kept
   */
  readonly commandHash?: string;
  readonly hash: string;
  readonly previous: string;
}

export type AuditVerification =
  | { readonly ok: true; readonly records: number; readonly head: string }
  | {
      readonly ok: false;
      readonly records: number;
      readonly firstBad: number;
      readonly message: string;
    };

export interface RejectedRecord {
  readonly position: string;
  readonly logTime: number;
  readonly code: string;
  readonly field: string | null;
  readonly message: string;
  readonly event: unknown;
}

export interface LateRecord {
  readonly position: string;
  readonly logTime: number;
  readonly eventTime: number;
  /** how far past its tile's end and the lateness the watermark stood, ms */
  readonly lateBy: number;
  readonly entity: EntityKey;
}

export interface LateReport {
  readonly view: string;
  readonly total: number;
  readonly records: readonly LateRecord[];
}

/** A job of an engine that runs apart from us. */
export interface EngineJob {
  readonly name: string;
  /** the engine's word for it; `gone` where it has none of that name */
  readonly state: string;
  readonly restarts: number;
  /** the newest failure's first line; null where there was none */
  readonly failure: string | null;
  /** of the newest checkpoint, epoch ms */
  readonly checkpointAt: number | null;
}

/**
 * Entity rows answered since the start, by what answered them: the cache tier, the durable tier, or
 * raw events, folded.
 */
export interface ReadsByStore {
  readonly cache: number;
  readonly durable: number;
  readonly history: number;
}

export interface KeyRequest {
  readonly name: string;
  /** as `reader@payments`, `admin@*` */
  readonly grants: readonly string[];
  readonly limits?: AccessLimits;
  /** epoch ms; absent: until it is revoked */
  readonly expiresAt?: number;
  readonly reason?: string;
}

export interface KeyInfo {
  readonly id: string;
  readonly name: string;
  readonly grants: readonly string[];
  readonly limits: AccessLimits;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly revokedBy: string | null;
}

export interface CreatedKey extends KeyInfo {
  /** the key itself: it is nowhere else, and not shown again */
  readonly key: string;
}

export interface PlatformStatus {
  readonly profile: string;
  readonly version: string;
  readonly startedAt: number;
  readonly dataDirectory: string;
  readonly memoryBytes: number;
  readonly sources: readonly {
    readonly source: string;
    readonly events: number;
    readonly rejected: number;
    readonly position: string;
    readonly historyPosition: string;
    readonly newestEventTime: number | null;
  }[];
  readonly views: readonly {
    readonly view: string;
    readonly version: number;
    readonly generation: number | null;
    readonly state: 'live' | 'filling' | 'stalled';
    readonly entities: number;
    readonly tiles: number;
    readonly late: number;
    readonly eventTime: number | null;
    readonly position: string;
    /** events accepted and not yet computed */
    readonly lag: number;
    readonly error: string | null;
    /** the engine's job that computes it, where an engine of its own does */
    readonly job?: EngineJob;
  }[];
  /** the engine's other jobs */
  readonly jobs?: readonly EngineJob[];
  /** of a gateway that reads from stores */
  readonly readsByStore?: ReadsByStore;
  /** the modes that a read would meet now */
  readonly degraded?: readonly DegradedMode[];
  readonly replays: readonly ReplayStatus[];
}

/**
 * `caller` absent: the platform asks itself. The one that gateways are given never asks itself: it
 * refuses where nobody is named.
 */
export interface Platform {
  publish(request: PublishRequest, caller: Caller): Promise<PublishResult>;
  producerSequence(source: string, producer: string, caller?: Caller): Promise<number>;
  read(request: ReadRequest, caller?: Caller): Promise<ReadResult>;

  command(request: CommandRequest, caller: Caller): Promise<CommandResult>;
  plan(definitions: readonly Definition[], caller?: Caller): Promise<PlanResult>;
  apply(
    definitions: readonly Definition[],
    options: { readonly reason?: string; readonly force?: boolean },
    caller: Caller,
  ): Promise<ApplyResult>;
  list(kind: Kind, caller?: Caller): Promise<readonly CatalogEntry[]>;
  show(kind: Kind, name: string, version?: number, caller?: Caller): Promise<CatalogEntry>;
  search(text: string, caller?: Caller): Promise<readonly CatalogEntry[]>;
  /** `name`: any registered name; absent: the whole graph */
  lineage(
    name?: string,
    caller?: Caller,
  ): Promise<{
    readonly nodes: readonly { readonly id: string; readonly kind: string }[];
    readonly edges: readonly { readonly from: string; readonly to: string }[];
  }>;

  /** OpenLineage events, oldest first; `after`: the `next` of the page before */
  lineageEvents(
    query: { readonly after?: number; readonly limit?: number },
    caller?: Caller,
  ): Promise<{ readonly events: readonly unknown[]; readonly next: number }>;

  startDataset(request: DatasetRequest, caller: Caller): Promise<DatasetStatus>;
  dataset(id: string, caller?: Caller): Promise<DatasetStatus>;
  cancelDataset(id: string, caller?: Caller): Promise<DatasetStatus>;
  /** the values of every entity, written to a file */
  batch(
    request: {
      readonly target: { readonly service: string } | { readonly view: string };
      readonly at?: number;
      readonly out: string;
    },
    caller: Caller,
  ): Promise<{ readonly rows: number; readonly out: string }>;

  /**
   * a view's values at the end of each period, a row an entity, into a table; made again, a period
   * is replaced
   */
  rollup(request: RollupRequest, caller: Caller): Promise<RollupResult>;

  startReplay(request: ReplayRequest, caller: Caller): Promise<ReplayStatus>;
  replays(caller?: Caller): Promise<readonly ReplayStatus[]>;
  replay(id: string, caller?: Caller): Promise<ReplayStatus>;
  compareReplay(id: string, caller?: Caller): Promise<ReplayComparison>;
  changeReplay(
    id: string,
    action: 'promote' | 'rollback' | 'abandon' | 'retire',
    options: { readonly reason?: string },
    caller: Caller,
  ): Promise<ReplayStatus>;

  /** what a service answered to a request, as far as it is logged: row by row, in order */
  featureLog(
    service: string,
    query: { readonly requestId: string },
    caller?: Caller,
  ): Promise<readonly FeatureLogRow[]>;
  /**
   * served values against event-time values, with the causes of what differs; seconds, as a data
   * set takes
   */
  skew(request: SkewRequest, caller?: Caller): Promise<SkewReport>;
  explain(request: ExplainRequest, caller?: Caller): Promise<Explanation>;
  auditLog(
    query: AuditQuery,
    caller?: Caller,
  ): Promise<{ readonly records: readonly AuditRecord[]; readonly next: number | null }>;
  verifyAudit(caller?: Caller): Promise<AuditVerification>;
  /** all accepted events of a source, in the form in which they can be published again */
  exportEvents(source: string, caller?: Caller): Promise<AsyncIterable<readonly Row[]>>;
  rejected(
    source: string,
    query: { readonly after?: string; readonly limit?: number },
    caller?: Caller,
  ): Promise<{
    readonly total: number;
    readonly records: readonly RejectedRecord[];
    readonly next: string | null;
  }>;
  /** publishes corrected events in place of rejected ones; without `events`, the same again */
  resendRejected(
    source: string,
    request: { readonly positions: readonly string[]; readonly events?: readonly unknown[] },
    caller: Caller,
  ): Promise<PublishResult>;
  late(view: string, query: { readonly limit?: number }, caller?: Caller): Promise<LateReport>;
  status(caller?: Caller): Promise<PlatformStatus>;
  freshness(caller?: Caller): Promise<
    readonly {
      readonly view: string;
      readonly generation: number;
      readonly eventTime: number | null;
      readonly lagMs: number | null;
      readonly target: string | null;
      readonly fresh: boolean | null;
    }[]
  >;
  createKey(request: KeyRequest, caller: Caller): Promise<CreatedKey>;
  /** oldest first, revoked ones too */
  keys(caller?: Caller): Promise<readonly KeyInfo[]>;
  revokeKey(id: string, options: { readonly reason?: string }, caller: Caller): Promise<KeyInfo>;
  /** This platform for gateways: behind who may do what. */
  access(options: AccessOptions): Access;

  /** Prometheus text */
  metrics(caller?: Caller): Promise<string>;
  /** where gateways tell of requests; absent: nobody counts them */
  readonly requests?: RequestMeters;
  /** where gateways tell what requests did; absent: traces are off */
  readonly tracing?: Tracing;
  ready(): boolean;
  /** the modes that a read would meet now */
  degraded(): readonly DegradedMode[];
  /** Drains and stops; idempotent. */
  close(): Promise<void>;
}

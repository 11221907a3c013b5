/**
 * What operators can request about the state of the platform. Times are epoch ms; refusals are
 * thrown as MillraceError.
 */
import type { EntityKey } from '#domain/plan/plan.ts';
import type { DegradedMode } from '#domain/ports/degraded.ts';
import type { Caller } from './caller.ts';
import type { ReplayStatus } from './replays.ts';

export interface LateRecord {
  readonly position: string;
  readonly logTime: number;
  readonly eventTime: number;
  /** how far the watermark was past the end of its tile plus the lateness, ms */
  readonly lateBy: number;
  /** the generation that left it out; each one decides for itself */
  readonly generation: number;
  readonly entity: EntityKey;
}

export interface LateReport {
  readonly view: string;
  readonly total: number;
  readonly records: readonly LateRecord[];
}

/** A job of an external engine. */
export interface EngineJob {
  readonly name: string;
  /**
   * as the engine names it; `starting`: the job of a new view does not run yet; `gone`: the engine
   * has no job of that name
   */
  readonly state: string;
  /** what the leading gateway is doing with it; absent: nothing, or another gateway leads */
  readonly doing?: string;
  readonly restarts: number;
  /** the newest failure's first line; null where there was none */
  readonly failure: string | null;
  /** time of the newest checkpoint, epoch ms */
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

export interface PlatformStatus {
  readonly profile: string;
  readonly version: string;
  readonly startedAt: number;
  readonly dataDirectory: string;
  readonly memoryBytes: number;
  readonly sources: readonly {
    readonly source: string;
    /** records: events accepted; not offsets, of which each transaction on the stack takes one */
    readonly events: number;
    /** events; on the stack, those that Kafka had at the gateway's start, and later ones */
    readonly rejected: number;
    readonly position: string;
    readonly historyPosition: string;
    /** why its table in the history cannot be read or written; null: it can */
    readonly historyError: string | null;
    readonly newestEventTime: number | null;
    /** of the newest snapshot's files; null: there is none, or it cannot be read */
    readonly historyBytes: number | null;
    /** as `historyBytes` */
    readonly historyRows: number | null;
    /** epoch ms: events before it were deleted (`keepHistory`); null: none was */
    readonly historyHorizon: number | null;
    /**
     * the events that the log itself has; the others are in the history only. On the stack,
     * offsets: up to two for an event
     */
    readonly kept?: {
      readonly events: number;
      /** log time of the oldest one, epoch ms; null: it has none */
      readonly oldest: number | null;
    };
  }[];
  readonly views: readonly {
    readonly view: string;
    readonly version: number;
    readonly generation: number | null;
    readonly state: 'live' | 'filling' | 'stalled';
    /** whether reads answer; a view that is filled for the first time may answer from raw events */
    readonly readable: boolean;
    readonly entities: number;
    readonly tiles: number;
    readonly late: number;
    readonly eventTime: number | null;
    readonly position: string;
    /** events accepted and not yet computed; on the stack, offsets: up to two for an event */
    readonly lag: number;
    readonly error: string | null;
    /** the job that computes it, in an external engine */
    readonly job?: EngineJob;
  }[];
  /** the engine's other jobs */
  readonly jobs?: readonly EngineJob[];
  /** of a gateway that reads from stores */
  readonly readsByStore?: ReadsByStore;
  /** the modes that a read would meet now */
  readonly degraded?: readonly DegradedMode[];
  readonly replays: readonly ReplayStatus[];
  readonly storage?: {
    /** the database file, which has the log; on the stack, the platform's topics in Kafka */
    readonly logBytes: number;
    /** of these, what new records will reuse */
    readonly logFreeBytes: number;
    /** the files of all newest snapshots */
    readonly historyBytes: number;
  };
}

export interface ViewFreshness {
  readonly view: string;
  readonly generation: number;
  /** epoch ms of the newest event; null: none yet */
  readonly eventTime: number | null;
  readonly lagMs: number | null;
  /** the declared target, as a duration */
  readonly target: string | null;
  readonly fresh: boolean | null;
}

/** The state of the platform, for operators and monitoring. */
export interface Operations {
  status(caller?: Caller): Promise<PlatformStatus>;
  freshness(caller?: Caller): Promise<readonly ViewFreshness[]>;
  late(view: string, query: { readonly limit?: number }, caller?: Caller): Promise<LateReport>;
  /** Prometheus text. */
  metrics(caller?: Caller): Promise<string>;
  ready(): boolean;
  /** The degraded modes that a read would be answered in now. */
  degraded(): readonly DegradedMode[];
}

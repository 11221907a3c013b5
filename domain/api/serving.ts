/**
 * What readers of features can request. Times are epoch ms; refusals are thrown as MillraceError.
 */
import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import type { SkewReport, SkewRequest } from '#domain/feature-log/skew.ts';
import type { EntityKey, FeatureStatus } from '#domain/plan/plan.ts';
import type { DegradedMode } from '#domain/ports/degraded.ts';
import type { FieldType, Row, Value } from '#domain/values/value.ts';
import type { Caller } from './caller.ts';

export interface ReadRequest {
  readonly service?: string;
  /** "view:feature" or the name of an on-demand feature */
  readonly features?: readonly string[];
  readonly entities: readonly EntityKey[];
  /** request inputs: one for each row, or one for all */
  readonly request?: readonly Row[];
  readonly at?: number;
  readonly known?: number;
  readonly after?: string;
  /** how long to wait for `after`, ms; absent, or longer: as long as the profile allows */
  readonly waitMs?: number;
  /** whether the answer has `origins` */
  readonly origins?: boolean;
}

/** Where the columns and rows of an answer come from, for protocols that report it. */
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
  /** newest event time that the generation has computed */
  readonly eventTime: number | null;
  readonly position: string;
  /**
   * epoch ms: the values include every event up to `at` that the log had accepted by then, and
   * possibly later ones; null: not known yet
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
  /** the degraded modes that the answer was made in; its values are right; absent: none */
  readonly degraded?: readonly DegradedMode[];
  readonly origins?: ReadOrigins;
}

export interface ExplainRequest {
  /** absent: `feature` is an on-demand feature */
  readonly view?: string;
  readonly feature: string;
  /** the keys of the view; of an on-demand feature, of every view that it reads */
  readonly entity: EntityKey;
  /** the request inputs of an on-demand feature */
  readonly request?: Row;
  readonly at?: number;
  readonly known?: number;
}

/** What explanations of all kinds of features say. */
interface Explained {
  readonly feature: string;
  readonly entity: EntityKey;
  readonly at: number;
  readonly known: number;
  readonly value: Value;
  readonly status: FeatureStatus;
  /** it ends with `?` if a read can answer null */
  readonly type: string;
  readonly version: number;
  readonly definition: unknown;
  /** the value computed again, from the raw events or from the inputs */
  readonly recomputed: Value;
  /** whether `recomputed` equals `value`; of an on-demand feature, also for every input */
  readonly matches: boolean;
}

/** Why a feature of a view has its value. */
export interface ViewExplanation extends Explained {
  readonly view: string;
  readonly generation: number;
  /** duration; null: all time */
  readonly window: string | null;
  /** duration: the default where the definition names none; null: all time */
  readonly hop: string | null;
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
    /** since when an imported event was known, by its import; null: a live event */
    readonly importedKnownTime: number | null;
    readonly row: Row;
    readonly counted: boolean;
    readonly why: string | null;
  }[];
  readonly eventsTotal: number;
}

export interface ExplainedInput {
  /** name in the expression */
  readonly parameter: string;
  readonly from: 'feature' | 'on-demand' | 'request';
  /** `view:feature`, or the name of the on-demand feature or of the request input */
  readonly name: string;
  readonly type: string;
  readonly value: Value;
  /**
   * why it has this value; null: it is a request input, it is explained before in this answer, or
   * the version of the view that was live at `known` did not have the feature
   */
  readonly explanation: Explanation | null;
}

/** Why an on-demand feature has its value, down to the raw events of its inputs. */
export interface OnDemandExplanation extends Explained {
  readonly request: Row;
  /** the definition's value, in words */
  readonly expression: string;
  readonly inputs: readonly ExplainedInput[];
}

export type Explanation = ViewExplanation | OnDemandExplanation;

/** A bound that a gateway sets on a read. */
export interface ReadBound {
  /** entities times features; absent: none */
  readonly maxCells?: number;
}

/** Feature values, explanations of them, and logged answers. */
export interface Serving {
  /** @throws MR_QUERY_TOO_LARGE for more than `maxCells` */
  read(request: ReadRequest & ReadBound, caller?: Caller): Promise<ReadResult>;
  explain(request: ExplainRequest, caller?: Caller): Promise<Explanation>;
  /** The logged answers of a service to one request, row by row, in order. */
  featureLog(
    service: string,
    query: { readonly requestId: string },
    caller?: Caller,
  ): Promise<readonly FeatureLogRow[]>;
  /** Logged answers compared with event-time values, with the causes. Takes seconds. */
  skew(request: SkewRequest, caller?: Caller): Promise<SkewReport>;
}

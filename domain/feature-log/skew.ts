/**
 * The result of `skew`: the values that a service returned, compared with the same values in
 * `event-time`, for each feature, with causes.
 */

import type { EntityKey } from '#domain/plan/plan.ts';
import type { Value } from '#domain/values/value.ts';
import type { AnsweredBy } from './answered-by.ts';

/**
 * Why a served value differs from the event-time value. The events of each cause, then the
 * definition, are added in this order to what the served value was computed from. Each addition
 * that changes the value is a cause:
 *
 *   lag: accepted before the read, and not yet computed
 *   left-out: accepted before the read, but late (`tiles/lateness.ts`), so in no read
 *   late: event time before the read's, accepted after it
 *   definition: the view or the on-demand feature is now computed differently
 *   unexplained: none of these, which is a bug
 */
export const SKEW_CAUSES = ['lag', 'left-out', 'late', 'definition', 'unexplained'] as const;
export type SkewCause = (typeof SKEW_CAUSES)[number];

export interface SkewRequest {
  readonly service: string;
  /** range of the reads' own times, epoch ms, both ends included */
  readonly since?: number;
  readonly until?: number;
  /** approximate maximum number of rows, in whole requests; default 10,000 */
  readonly sample?: number;
}

export interface SkewEvent {
  readonly cause: SkewCause;
  readonly position: string;
  /** epoch ms */
  readonly eventTime: number;
  readonly logTime: number;
}

export interface SkewExample {
  readonly requestId: string;
  readonly row: number;
  readonly entity: EntityKey;
  /** epoch ms */
  readonly at: number;
  readonly known: number;
  readonly served: Value;
  readonly eventTime: Value;
  readonly causes: readonly SkewCause[];
  /** some of the events that made the difference */
  readonly events: readonly SkewEvent[];
}

export interface FeatureSkew {
  readonly feature: string;
  readonly compared: number;
  readonly equal: number;
  readonly differing: number;
  /** the share of differing values among those compared, 0 to 1 */
  readonly share: number;
  /**
   * of |served − event-time| over rows where both are numbers and differ; null without such a row
   */
  readonly largest: number | null;
  readonly mean: number | null;
  /** null on one side only */
  readonly featureLogNull: number;
  readonly eventTimeNull: number;
  /** differing values by cause; a value with two causes counts for both */
  readonly causes: Readonly<Record<SkewCause, number>>;
  readonly examples: readonly SkewExample[];
}

export interface SkewReport {
  readonly service: string;
  /** the knowledge time of the event-time values, epoch ms */
  readonly known: number;
  /** rows logged in the range */
  readonly logged: { readonly requests: number; readonly rows: number };
  /** rows that were compared */
  readonly compared: { readonly requests: number; readonly rows: number };
  /** rows without a key or input that the service needs now */
  readonly incomparable: number;
  /** the definitions that computed the event-time values */
  readonly views: readonly {
    readonly view: string;
    readonly version: number;
    readonly generation: number | null;
  }[];
  /** the versions that gave the logged values of the compared rows */
  readonly answeredBy: readonly AnsweredBy[];
  readonly features: readonly FeatureSkew[];
  /** features served then that are no longer part of the service */
  readonly gone: readonly string[];
  /** differing values that no cause explains, over all features; more than 0 is a bug */
  readonly unexplained: number;
}

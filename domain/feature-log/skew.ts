/**
 * What `skew` answers: values as a service gave them, against the same values in `event-time`,
 * feature by feature, with the causes.
 */

import type { EntityKey } from '#domain/plan/plan.ts';
import type { Value } from '#domain/values/value.ts';

/**
 * Why a served value is not the event-time value. In this order the events (then the definition)
 * are added to what the served value was computed from, and each that changes it is a cause:
 *
 *   lag accepted before the read, and not computed yet
 *   left-out accepted before the read, past the view's lateness: kept out of the online values
 *   late of an event time before the read's, accepted after it
 *   definition the view, or the on-demand feature, is computed otherwise now
 *   unexplained none of these: a bug
 */
export const SKEW_CAUSES = ['lag', 'left-out', 'late', 'definition', 'unexplained'] as const;
export type SkewCause = (typeof SKEW_CAUSES)[number];

export interface SkewRequest {
  readonly service: string;
  /** of the reads' own times, epoch ms, both ends included */
  readonly since?: number;
  readonly until?: number;
  /** at most about so many rows, of whole requests; default 10,000 */
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
  /** those that made the difference, some of them */
  readonly events: readonly SkewEvent[];
}

export interface FeatureSkew {
  readonly feature: string;
  readonly compared: number;
  readonly equal: number;
  readonly differing: number;
  /** differing of compared, 0 to 1 */
  readonly share: number;
  /** of |served − event-time| where both are numbers and differ; null: there is no such row */
  readonly largest: number | null;
  readonly mean: number | null;
  /** null on one side only */
  readonly featureLogNull: number;
  readonly eventTimeNull: number;
  /** differing values by cause; a value with two causes counts under both */
  readonly causes: Readonly<Record<SkewCause, number>>;
  readonly examples: readonly SkewExample[];
}

export interface SkewReport {
  readonly service: string;
  /** what the event-time values knew, epoch ms */
  readonly known: number;
  /** logged in that time */
  readonly logged: { readonly requests: number; readonly rows: number };
  /** of these, compared */
  readonly compared: { readonly requests: number; readonly rows: number };
  /** rows that do not give what the service asks for now: keys or inputs */
  readonly incomparable: number;
  /** what the event-time values were computed by */
  readonly views: readonly {
    readonly view: string;
    readonly version: number;
    readonly generation: number | null;
  }[];
  readonly features: readonly FeatureSkew[];
  /** served then, and not part of the service any more */
  readonly gone: readonly string[];
  /** differing values that no cause explains, over all features: more than none is a bug */
  readonly unexplained: number;
}

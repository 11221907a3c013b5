/**
 * Definitions as plain JSON data: the builders make them, commands carry them, the registry stores
 * them.
 */
import type { Expr } from '#domain/expressions/ast.ts';
import type { ScalarType, Value } from '#domain/values/value.ts';

export type Kind = 'entity' | 'source' | 'feature-view' | 'on-demand-feature' | 'feature-service';

/** The namespace of a definition that names none. */
export const DEFAULT_NAMESPACE = 'default';

interface Described {
  readonly name: string;
  /**
   * the namespace, to which roles of callers apply; names are unique over all namespaces. Absent:
   * `default`
   */
  readonly namespace?: string;
  readonly owner?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

export interface EntityDefinition extends Described {
  readonly kind: 'entity';
  /** in order, because the order is part of the encoded key */
  readonly keys: Readonly<Record<string, ScalarType>>;
}

export interface SourceDefinition extends Described {
  readonly kind: 'source';
  /** field → type text: `double?`, `array<string>` */
  readonly fields: Readonly<Record<string, string>>;
  readonly eventTime: string;
  readonly eventId?: string;
  /** a field of type `timestamp?`, which only an import sets: when an imported event was known */
  readonly knownTime?: string;
  /** duration in log time within which events with the same eventId count once; default 1h */
  readonly dedupeWindow?: string;
  /** duration: older events are deleted from the history; absent: it keeps all */
  readonly keepHistory?: string;
  /** log partitions of raw.<source>; default 1 */
  readonly partitions?: number;
  /**
   * fields whose values decide an event's partition: name the entity's keys, so that its events
   * keep their order; default: the event id, or all fields
   */
  readonly partitionBy?: readonly string[];
  /** its events are rows of a table: each is the state of its key from its event time on */
  readonly dimension?: DimensionDefinition;
  /** events are change records of this format; they need `dimension` */
  readonly changes?: ChangeFormat;
}

export interface DimensionDefinition {
  /** the fields that identify a row */
  readonly key: readonly string[];
  /** a boolean field: true in a tombstone, which says that the row is gone from its time on */
  readonly deleted?: string;
}

export const CHANGE_FORMATS = ['debezium'] as const;
export type ChangeFormat = (typeof CHANGE_FORMATS)[number];

export interface FeatureDefinition {
  /** row of the aggregation table: 'count', 'sum', … */
  readonly aggregation: string;
  /** null for count(*) */
  readonly input: Expr | null;
  /** for example {k: 3}, {edges: [..]}, {limit: 1000} */
  readonly params?: Readonly<Record<string, Value>>;
  /** duration; absent: all time */
  readonly window?: string;
  readonly hop?: string;
  /** only events for which this is true count */
  readonly where?: Expr;
  readonly description?: string;
}

export interface FeatureViewDefinition extends Described {
  readonly kind: 'feature-view';
  readonly entity: string;
  readonly source: string;
  /** entity key → source field, where the names differ */
  readonly join?: Readonly<Record<string, string>>;
  readonly where?: Expr;
  readonly lateness?: string;
  readonly ttl?: string;
  readonly freshness?: string;
  /**
   * For values that change often and are read soon or not at all: the cache tier keeps them for
   * `ttl` after an entity's last event, and they are flushed to the durable tier, where they stay,
   * every `flush`. Only the stack profile has both tiers.
   */
  readonly ephemeral?: { readonly ttl: string; readonly flush: string };
  /** default true */
  readonly online?: boolean;
  /** default true */
  readonly offline?: boolean;
  readonly features: Readonly<Record<string, FeatureDefinition>>;
}

export type OnDemandInput =
  | { readonly from: 'feature'; readonly view: string; readonly feature: string }
  | { readonly from: 'request'; readonly name: string; readonly type: string }
  | { readonly from: 'on-demand'; readonly name: string };

export interface OnDemandFeatureDefinition extends Described {
  readonly kind: 'on-demand-feature';
  readonly type: ScalarType;
  /** parameter of `value` → its origin */
  readonly inputs: Readonly<Record<string, OnDemandInput>>;
  /** over {op:'input', name} leaves */
  readonly value: Expr;
}

export type ServiceMember =
  | {
      readonly from: 'view';
      readonly view: string;
      readonly features: readonly string[] /** pinned; absent: latest compatible */;
      readonly version?: number;
    }
  | { readonly from: 'on-demand'; readonly name: string };

export interface FeatureServiceDefinition extends Described {
  readonly kind: 'feature-service';
  readonly features: readonly ServiceMember[];
  /** logs the answers of this share of the requests (0 to 1); absent: no answer is logged */
  readonly logging?: { readonly sample: number };
}

export type Definition =
  | EntityDefinition
  | SourceDefinition
  | FeatureViewDefinition
  | OnDemandFeatureDefinition
  | FeatureServiceDefinition;

/**
 * The logical plan of a feature view, which every back end (TypeScript engine, SQL dialects,
 * offline join) executes. `planView` (plan-view.ts) makes it from the definitions. Only the plan
 * decides hops, partials and key order.
 */
import type { BoundAggregation, Partial } from '#domain/aggregations/aggregation.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import type { FieldType, Row, Scalar, Value } from '#domain/values/value.ts';

/** One partial aggregate kept in the tiles of one hop. */
export interface PlannedPartial {
  /**
   * name in records and tables, `p_<hash>`: unique in the view, and the same as long as the
   * partial's meaning is the same
   */
  readonly name: string;
  /** the names of the same state in records of earlier releases */
  readonly formerNames: readonly string[];
  readonly partial: Partial;
  readonly input: Expr | null;
  readonly where: Expr | null;
  /** compiled `input`; null for count(*) */
  readonly evaluate: ((row: Row) => Value) | null;
  /** compiled `where` */
  readonly filter: ((row: Row) => Value) | null;
  /** first slot in the tile's float and reference slots */
  readonly n: number;
  readonly r: number;
}

/**
 * All partials that share a hop; their tiles are [n·hop, (n+1)·hop). hopMs 0: one tile for all time
 * (tile number 0).
 */
export interface HopGroup {
  readonly hopMs: number;
  /** the widest window over these tiles, ms; Infinity for all time */
  readonly reachMs: number;
  readonly partials: readonly PlannedPartial[];
  /** float and reference slots of one tile */
  readonly nums: number;
  readonly refs: number;
}

/**
 * Whether an entity exists, where the source is a dimension: its newest event is a row, no
 * tombstone, and passes the view's filter. An entity that does not exist has the values and the
 * status of one that never had an event.
 */
export interface PlannedExistence {
  /** index into plan.hops of the hop of all time */
  readonly hop: number;
  /** index into that hop's partials: an ordered state of the last event's 1 or 0 */
  readonly partial: number;
  /** 1 or 0 for an event */
  readonly evaluate: (row: Row) => Value;
}

export interface PlannedFeature {
  readonly name: string;
  /**
   * of what reads answer: nullable if the aggregation can have no value, and for each feature of a
   * view with a ttl, whose values expire
   */
  readonly type: FieldType;
  readonly aggregation: BoundAggregation;
  /** null: all time */
  readonly windowMs: number | null;
  /** index into plan.hops */
  readonly hop: number;
  /** indices into that hop's partials, in the order of aggregation.partials */
  readonly partials: readonly number[];
}

export interface ViewPlan {
  readonly view: string;
  readonly source: string;
  readonly entity: string;
  /** entity keys in order, with the source field that each comes from */
  readonly keys: readonly {
    readonly name: string;
    readonly field: string;
    readonly type: FieldType;
  }[];
  /**
   * the encoded entity key of a row; null where a key field is null, because such an event belongs
   * to no entity
   */
  readonly keyOf: (row: Row) => string | null;
  /** only events for which it is true count; null: all do */
  readonly where: Expr | null;
  /** compiled `where` */
  readonly filter: ((row: Row) => Value) | null;
  /** null: an entity exists if it has an event */
  readonly existence: PlannedExistence | null;
  readonly hops: readonly HopGroup[];
  readonly features: readonly PlannedFeature[];
  readonly latenessMs: number | null;
  readonly ttlMs: number | null;
  readonly freshnessMs: number | null;
  /**
   * how long the cache tier keeps an entity, and how often changes are flushed to the durable tier;
   * null: the defaults
   */
  readonly ephemeral: { readonly ttlMs: number; readonly flushMs: number } | null;
  /** the widest window, ms; Infinity where a feature is of all time */
  readonly reachMs: number;
  /**
   * The source's fields that the plan reads, with the types that it was made with. Values of
   * features have these types, so a plan is made anew when a field is widened.
   */
  readonly reads: Readonly<Record<string, FieldType>>;
  /**
   * hash of everything in the definitions of the view and its entity that decides values (not
   * owner, description, tags, freshness, ephemeral): plans with equal hashes compute equal values
   * from one source, and keep the same states
   */
  readonly hash: string;
}

/** Whether two plans of one view compute and answer the same. */
export const samePlan = (a: ViewPlan, b: ViewPlan): boolean =>
  a.hash === b.hash && JSON.stringify(a.reads) === JSON.stringify(b.reads);

/** The status of a feature's value. */
export type FeatureStatus = 'present' | 'null' | 'not-found' | 'expired' | 'overflow';

export type EntityKey = Readonly<Record<string, Scalar>>;

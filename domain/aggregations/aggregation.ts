/**
 * The aggregation algebra.
 *
 * A partial aggregate is a commutative monoid: `identity`, `lift`, `combine`, `finalize`. So that
 * millions of tiles fit in memory and a hot loop allocates nothing, a partial's state is laid out
 * in SLOTS: a fixed number of float slots in one Float64Array and of reference slots in one array,
 * each from a base offset. The four operations work in place:
 *
 *   identity(s) the slots of s become the state over no events
 *   add(s, value, order) s := combine(s, lift(value))
 *   merge(into, from) into := combine(into, from); `from` is left alone and nothing mutable of it
 *   is shared
 *   finalize(s) → Value
 *
 * `algebra.ts` derives the pure, immutable monoid from these, which is what the laws are tested on.
 *
 * Laws (up to 1e-12 relative in float slots): merge is associative and commutative, identity is
 * neutral, and adding events one by one equals merging their lifts in any order. Ordered
 * aggregations use the total order (event time, partition, offset), so they too do not depend on
 * arrival.
 *
 * An aggregation's feature may need several partials (avg = sum + count); equal partials of several
 * features are kept once.
 */
import type { FieldType, Value } from '#domain/values/value.ts';

/**
 * A view on one partial's slots: floats at nums[n], nums[n+1] …; references at refs[r], refs[r+1]
 * ….
 */
export interface Slots {
  nums: Float64Array;
  n: number;
  refs: unknown[];
  r: number;
}

/**
 * Some tiles of one entity, packed: slot i of the list has its floats at nums[slots[i] · width].
 */
export interface TileRun {
  readonly nums: Float64Array;
  readonly width: number;
  readonly slots: readonly number[];
  /** [from, to) of `slots` */
  readonly from: number;
  readonly to: number;
}

/** The total order of events. */
export interface Order {
  readonly eventTime: number;
  readonly partition: number;
  readonly offset: number;
}

/**
 * A slot's name and the Avro type that it has in features.<view>. Floats are 'double' or 'long'
 * (whole numbers).
 */
export interface SlotField {
  readonly name: string;
  /** an Avro schema */
  readonly avro: unknown;
}

/**
 * What an aggregate function of Flink SQL is given: names of columns, and the filter clause (empty
 * where there is none).
 */
export interface FlinkInput {
  /** the input's column; null for count(*) */
  readonly value: string | null;
  /** ` FILTER (WHERE …)` or nothing */
  readonly filter: string;
  /** the filter's condition; null where there is none */
  readonly condition: string | null;
  /** the total order's columns */
  readonly eventTime: string;
  readonly partition: string;
  readonly offset: string;
}

/** A partial in Flink SQL: aggregates of a tile's events, and each slot from their results. */
export interface FlinkAggregate {
  /** aggregate expressions */
  readonly aggregates: readonly string[];
  /**
   * given the aggregates' column names, one expression a slot, floats first, then references, in
   * the partial's order
   */
  readonly slots: (columns: readonly string[]) => readonly string[];
}

export interface RefField extends SlotField {
  /** the reference as plain Avro-encodable data, and back */
  readonly encode: (ref: unknown) => unknown;
  readonly decode: (data: unknown) => unknown;
  /**
   * Where every state fits so many doubles: an online store keeps it so, which is read without
   * decoding.
   */
  readonly doubles?: {
    readonly width: number;
    /** from plain data */
    readonly write: (data: unknown, into: Float64Array, at: number) => void;
    /** to the reference itself */
    readonly read: (from: Float64Array, at: number) => unknown;
    /**
     * the plain data as a list of at most one record: its fields, in the order of the doubles, and
     * what stands where there is none
     */
    readonly record: { readonly fields: readonly string[]; readonly none: readonly number[] };
  };
}

/** One kind of partial aggregate, bound to its parameters and its input type. */
export interface Partial {
  /** canonical: two partials with equal id (and equal input, filter, hop) are the same partial */
  readonly id: string;
  readonly nums: readonly SlotField[];
  readonly refs: readonly RefField[];
  readonly identity: (s: Slots) => void;
  /**
   * `value` is never null (nulls are left out before), except for the partial of count(*), whose
   * value is ignored
   */
  readonly add: (s: Slots, value: Value, order: Order) => void;
  readonly merge: (into: Slots, from: Slots) => void;
  /**
   * `merge` of each tile of a run, the partial's floats being n places into a tile: one loop that
   * knows its operation is several times faster than as many calls. For partials of floats alone;
   * without it, `merge` is called for each.
   */
  readonly mergeRun?: (into: Slots, run: TileRun, n: number) => void;
  /**
   * the same state over a tile's events; MR_… are functions of the Java module, held to this one by
   * shared vectors
   */
  readonly flink: (input: FlinkInput) => FlinkAggregate;
  /**
   * `merge` of tiles in Flink SQL: given the columns of their slots, floats first, then references
   */
  readonly flinkMerge: (slots: readonly string[], filter: string) => FlinkAggregate;
}

/** What an aggregation's finalize may say beside a value. */
export type Finalized = Value | typeof OVERFLOW;
/**
 * The bounded domain overflowed (countDistinct, topK): the value is null and the status says
 * `overflow`.
 */
export const OVERFLOW: unique symbol = Symbol('overflow');

export interface AggregationParams {
  readonly [name: string]: Value;
}

/** An aggregation bound to its input type and parameters. */
export interface BoundAggregation {
  readonly type: FieldType;
  readonly partials: readonly Partial[];
  /** over the merged states of `partials`, in the same order */
  readonly finalize: (states: readonly Slots[]) => Finalized;
  /**
   * `finalize` over one state whose only reference lies in doubles: the same value, with nothing
   * made on the way.
   */
  readonly ofDoubles?: (from: Float64Array, at: number) => Finalized;
  /**
   * `finalize` in Flink SQL: given each partial's merged slots. Times are epoch ms there and dates
   * days; an overflow is null.
   */
  readonly flinkValue: (states: readonly (readonly string[])[]) => string;
}

/** One row of the aggregation table (`table.ts`); one file an aggregation owns all its answers. */
export interface Aggregation {
  readonly name: string;
  /** a sentence for docs and errors */
  readonly summary: string;
  /** whether the input may be absent (count) */
  readonly input: 'required' | 'optional';
  /**
   * @param input null for count(*)
   * @throws MillraceError MR_DEFINITION_INVALID where type or parameters do not fit, naming them
   */
  readonly bind: (input: FieldType | null, params: AggregationParams) => BoundAggregation;
}

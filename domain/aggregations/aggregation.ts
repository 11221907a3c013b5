/**
 * The aggregation algebra.
 *
 * A partial aggregate is a commutative monoid: `identity`, `lift`, `combine`, `finalize`. Millions
 * of tiles must fit in memory and the hot loop must not allocate, so a partial's state is laid out
 * in slots: a fixed number of floats in one Float64Array and of references in one array, each from
 * a base offset. The four operations work in place:
 *
 *   identity(s)            the slots of s become the state over no events
 *   add(s, value, order)   s := combine(s, lift(value))
 *   merge(into, from)      into := combine(into, from); `from` does not change, and `into` shares
 *                          nothing mutable with it
 *   finalize(s)            → Value
 *
 * `tests/laws/algebra.ts` derives the pure, immutable monoid, on which the laws are tested.
 *
 * Laws (up to 1e-12 relative in float slots): merge is associative and commutative, identity is
 * neutral, and adding events one by one equals merging their lifts in any order. Ordered
 * aggregations use the total order (event time, partition, offset), so they do not depend on the
 * order of arrival either.
 *
 * A feature may need several partials (avg = sum + count). Equal partials of several features are
 * kept once.
 */
import type { FieldType, Value } from '#domain/values/value.ts';
import type { AggregationName, PartialForm, StateField, ValueForm } from './forms.ts';

/** One partial's slots: floats at nums[n], nums[n+1] …; references at refs[r], refs[r+1] …. */
export interface Slots {
  nums: Float64Array;
  n: number;
  refs: unknown[];
  r: number;
}

/**
 * Some tiles of one entity, packed: the floats of slot slots[i] begin at nums[slots[i] · width].
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
  /** epoch ms */
  readonly eventTime: number;
  readonly partition: number;
  readonly offset: number;
}

/** A float slot; `long` holds whole numbers only. */
interface NumField {
  readonly name: string;
  readonly type: 'double' | 'long';
}

export interface RefField extends StateField {
  /** the reference as plain data of `type`, and back */
  readonly encode: (ref: unknown) => unknown;
  readonly decode: (data: unknown) => unknown;
  /**
   * Present where every state fits a fixed number of doubles: online stores then keep it as
   * doubles, and reads need no decoding.
   */
  readonly doubles?: {
    readonly width: number;
    /** from plain data */
    readonly write: (data: unknown, into: Float64Array, at: number) => void;
    /** to the reference itself */
    readonly read: (from: Float64Array, at: number) => unknown;
    /**
     * The plain data is a list of at most one record: the record's fields in the order of the
     * doubles, and the doubles that represent an empty list.
     */
    readonly record: { readonly fields: readonly string[]; readonly none: readonly number[] };
  };
}

/** One kind of partial aggregate, bound to its parameters and its input type. */
export interface Partial {
  /** canonical: two partials with equal id (and equal input, filter, hop) are the same partial */
  readonly id: string;
  /** ids under which earlier releases kept the same state */
  readonly formerIds?: readonly string[];
  /** the same state as data that names no engine, from which SQL dialects print */
  readonly form: PartialForm;
  readonly nums: readonly NumField[];
  readonly refs: readonly RefField[];
  readonly identity: (s: Slots) => void;
  /**
   * `value` is never null, because callers leave nulls out; the partial of count(*) ignores it.
   */
  readonly add: (s: Slots, value: Value, order: Order) => void;
  readonly merge: (into: Slots, from: Slots) => void;
  /**
   * `merge` of every tile of a run; the partial's floats begin n places into a tile. One loop that
   * is specialized on its operation is several times faster than as many calls. Only for partials
   * without references; without it, readers call `merge` for each tile.
   */
  readonly mergeRun?: (into: Slots, run: TileRun, n: number) => void;
}

/** A value, or OVERFLOW. */
export type Finalized = Value | typeof OVERFLOW;
/** A bounded domain overflowed (countDistinct, topK): the value is null, its status `overflow`. */
export const OVERFLOW: unique symbol = Symbol('overflow');

/** A parameter that a definition may or must give. */
interface Described {
  readonly name: string;
  /** for docs; it completes "k: …" */
  readonly says: string;
}

export interface NumberParameter extends Described {
  readonly kind: 'whole number' | 'number' | 'ascending numbers';
  /** the least and the greatest value; of a list, how many there are */
  readonly least: number;
  readonly most: number;
  /** null: required */
  readonly fallback: number | null;
}

/** One of some words. */
export interface WordParameter<Word extends string = string> extends Described {
  readonly kind: 'word';
  readonly words: readonly Word[];
  readonly fallback: Word;
}

export type AggregationParameter = NumberParameter | WordParameter;

export interface AggregationParams {
  readonly [name: string]: Value;
}

/** An aggregation bound to its input type and parameters. */
export interface BoundAggregation {
  readonly type: FieldType;
  /** how the value follows from the merged states, as data: SQL dialects print from it */
  readonly form: ValueForm;
  readonly partials: readonly Partial[];
  /**
   * by partial: what it aggregates, the input itself or whether the input is there (1 or 0, never
   * null). Absent: all aggregate the input
   */
  readonly inputs?: readonly ('input' | 'presence')[];
  /** @param states the merged states of `partials`, in the same order */
  readonly finalize: (states: readonly Slots[]) => Finalized;
  /**
   * `finalize` of one state whose only reference is kept as doubles: the same value, without
   * intermediate objects.
   */
  readonly ofDoubles?: (from: Float64Array, at: number) => Finalized;
}

/** One row of the aggregation table (`table.ts`). Each aggregation is one file. */
export interface Aggregation {
  readonly name: AggregationName;
  /** a sentence for docs and errors */
  readonly summary: string;
  /** how far the value can be from the exact one, for docs; null: exact */
  readonly error: string | null;
  readonly parameters: readonly AggregationParameter[];
  /** whether the input may be absent (count) */
  readonly input: 'required' | 'optional';
  /**
   * @param input null for count(*)
   * @throws MillraceError MR_DEFINITION_INVALID where type or parameters do not fit, naming them
   */
  readonly bind: (input: FieldType | null, params: AggregationParams) => BoundAggregation;
}

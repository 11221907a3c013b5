/**
 * Partial states and values as plain data that names no engine. An aggregation describes what it
 * keeps and what it answers with a form; SQL dialects (`domain/sql`) print from the form. Adding a
 * kind here without its row in every dialect does not compile.
 */
import type { FieldType } from '#domain/values/value.ts';

/**
 * The type of a reference slot as plain data: a value, a list, or a record. Bytes inside a state
 * are base64 text.
 */
export type StateType =
  | FieldType
  | { readonly list: StateType }
  | { readonly record: string; readonly fields: readonly StateField[] };

export interface StateField {
  readonly name: string;
  readonly type: StateType;
}

/** A slot that one aggregate function of SQL computes. */
export interface PlainSlot {
  /**
   * over a tile's events:
   * - `count`: how many inputs are not null (events, where the partial has no input); with `from`
   *   or `below`, how many inputs x have from ≤ x < below
   * - `min`, `max`: of the inputs as doubles, −0 counting as 0
   */
  readonly lift:
    | { readonly count: 'inputs' }
    | { readonly count: 'range'; readonly from: number | null; readonly below: number | null }
    | 'min'
    | 'max';
  /** over the slots of tiles */
  readonly combine: 'sum' | 'min' | 'max';
  /** the slot's value over no event */
  readonly empty: number;
}

/**
 * What a partial's state is. Slot names and types are in the partial itself. `numbers`: the values
 * are numbers, which the state keeps as doubles (kept-type.ts).
 */
export type PartialForm =
  /** each float slot is one SQL aggregate: count, histogram, min and max of numbers */
  | { readonly kind: 'plain'; readonly slots: readonly PlainSlot[] }
  /** hi + lo = Σ x, by compensated addition (Knuth's TwoSum) */
  | { readonly kind: 'sum' }
  /** n, mean, m2 = Σ (x − mean)², merged as Chan, Golub and LeVeque do */
  | { readonly kind: 'moments' }
  /** the least or greatest text by UTF-16 code unit; null over nothing */
  | { readonly kind: 'textExtreme'; readonly end: 'min' | 'max' }
  /** the k events nearest to one end of the total order (event time, partition, offset), sorted */
  | {
      readonly kind: 'ordered';
      readonly end: 'first' | 'last';
      readonly k: number;
      readonly numbers: boolean;
    }
  /** distinct values with their counts, ascending; `overflow` past `limit` distinct values */
  | { readonly kind: 'counts'; readonly limit: number; readonly numbers: boolean }
  /** `ordered` from the first, with `placeHash(partition, offset)` for the event time */
  | { readonly kind: 'sample'; readonly capacity: number; readonly numbers: boolean }
  /** `counts` of DDSketch bucket numbers */
  | { readonly kind: 'buckets'; readonly lnGamma: number; readonly limit: number }
  /** HyperLogLog registers as text (hyper-log-log.ts) */
  | { readonly kind: 'registers'; readonly precision: number };

export type PartialKind = PartialForm['kind'];

/** How a value follows from the merged states of its partials. */
export type ValueForm =
  | { readonly aggregation: 'count' }
  /** null over nothing; a whole sum outside ±(2^53 − 1) is null */
  | { readonly aggregation: 'sum'; readonly whole: boolean }
  | { readonly aggregation: 'avg' }
  | { readonly aggregation: 'min' | 'max' }
  /** of a sample: null under two values */
  | { readonly aggregation: 'variance' | 'stddev' }
  /**
   * `nulls: 'keep'`: the first state is of the values that are not null; the second, of 1 for each
   * value and 0 for each null, says whether the event at the end had a value
   */
  | { readonly aggregation: 'first' | 'last'; readonly nulls: 'skip' | 'keep' }
  | { readonly aggregation: 'firstK' | 'lastK' }
  /** null after an overflow */
  | { readonly aggregation: 'countDistinct' }
  /** null where every bucket is empty */
  | { readonly aggregation: 'histogram' }
  /** most frequent first, ties by value; null over nothing or after an overflow */
  | { readonly aggregation: 'topK'; readonly k: number }
  | { readonly aggregation: 'approxCountDistinct'; readonly precision: number }
  /** the value of the bucket at place ⌊q (n − 1)⌋ */
  | { readonly aggregation: 'approxPercentile'; readonly q: number; readonly lnGamma: number }
  | { readonly aggregation: 'approxTopK'; readonly k: number };

export type AggregationName = ValueForm['aggregation'];

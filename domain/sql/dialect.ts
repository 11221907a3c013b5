/**
 * What a SQL dialect implements. `flink/` prints all of it, for the jobs of the stack: types,
 * literals, expressions, partial states and values. `engines/` prints expressions, and views as
 * queries, for the engines that people ask; `duckdb/` is no dialect, it has the SQL that reads
 * users' files and writes data sets. Every table is keyed by a closed union, so a new base type,
 * function or aggregation without its row in every dialect does not compile. A dialect that cannot
 * express a row says so with `NotSupported`.
 *
 * Printed SQL must keep the one definition of a value:
 * - Null: as in `domain/expressions/ast.ts`. Aggregates ignore null inputs, except count(*).
 * - Overflow and division: arithmetic is in doubles. A result that is not finite, or a whole result
 *   outside ±(2^53 − 1), is null. −0 is 0.
 * - Representation: a timestamp is epoch ms in a 64-bit integer and a date is days since
 *   1970-01-01, so the time zone of a session cannot change a value. Bytes are base64 text.
 * - Time functions work in UTC.
 * - Text compares by UTF-16 code unit; lengths and positions count code points.
 * - Partial states equal those of the TypeScript aggregation, byte for byte in `features.<view>`,
 *   for any order of events and merges; float slots may differ in the last digits.
 *
 * `tests/vectors` holds inputs and results of each function and partial for tests of a dialect.
 */
import type {
  AggregationName,
  PartialForm,
  PartialKind,
  ValueForm,
} from '#domain/aggregations/forms.ts';
import type { Argument, FunctionName } from '#domain/expressions/function-row.ts';
import type { FieldType, Scalar, ScalarType } from '#domain/values/value.ts';

/** The dialect has no form for this; the reason completes "… is not supported in X SQL: ". */
export interface NotSupported {
  readonly notSupported: string;
}

/** A typed SQL expression that needs no parentheses around it. */
export interface TypedSql {
  readonly sql: string;
  readonly type: FieldType;
}

export interface SqlArgument extends Argument {
  readonly sql: string;
}

/** What surrounds an expression while it is printed. */
export interface PrintContext {
  /** a column of the rows, in the dialect's representation of its type */
  readonly column: (name: string, type: FieldType) => string;
  /** @returns SQL for a value that is used several times: a name, or the same SQL */
  readonly bind: (sql: string) => string;
  /** a sentence on how a printed value can differ from its definition */
  readonly note: (text: string) => void;
}

/** @param result the function's result type over these arguments */
export type SqlFunction = (
  args: readonly SqlArgument[],
  result: FieldType,
  context: PrintContext,
) => string | NotSupported;

/** What a partial aggregates: names of columns of the events. */
export interface LiftInput {
  /** null for count(*) */
  readonly value: string | null;
  /** a boolean column: only events where it is true count; null: all events count */
  readonly condition: string | null;
  /** the columns of the total order */
  readonly eventTime: string;
  readonly partition: string;
  readonly offset: string;
}

/** A partial in SQL: aggregate calls, and each slot as an expression over their results. */
export interface PartialSql {
  readonly aggregates: readonly string[];
  /**
   * @param columns the names given to the results of `aggregates`
   * @returns one expression for each slot, floats first, then references, in the partial's order
   */
  readonly slots: (columns: readonly string[]) => readonly string[];
}

export interface PartialPrinter<F extends PartialForm = PartialForm> {
  /** the state over a tile's events: `lift` and `combine` of the algebra */
  readonly lift: (form: F, input: LiftInput) => PartialSql;
  /**
   * `combine` over tiles
   * @param slots the columns of the tiles' slots, floats first, then references
   * @param condition which tiles count; null: all
   */
  readonly merge: (form: F, slots: readonly string[], condition: string | null) => PartialSql;
}

/**
 * `finalize`: the value of merged states.
 * @param states for each partial of the aggregation, its slots
 */
export type ValuePrinter<N extends AggregationName = AggregationName> = (
  form: ValueForm & { readonly aggregation: N },
  states: readonly (readonly string[])[],
  type: FieldType,
) => string;

/** What expressions are printed with. */
export interface ExpressionDialect {
  /** as in messages: "Flink" */
  readonly name: string;
  /** column types of scalars */
  readonly types: Readonly<Record<ScalarType, string>>;
  readonly type: (type: FieldType) => string;
  /** an identifier, quoted so that any name is safe */
  readonly identifier: (name: string) => string;
  /** @param type the type of the literal, which decides its representation */
  readonly literal: (value: Scalar | null, type: FieldType) => string;
  /** a lossless conversion between numeric types; the same SQL where the types are equal */
  readonly convert: (value: TypedSql, to: FieldType) => string;
  /** every expression function, `cast` included */
  readonly functions: Readonly<Record<FunctionName, SqlFunction | NotSupported>>;
}

export interface Dialect extends ExpressionDialect {
  readonly partials: {
    readonly [K in PartialKind]: PartialPrinter<PartialForm & { readonly kind: K }> | NotSupported;
  };
  readonly values: { readonly [N in AggregationName]: ValuePrinter<N> | NotSupported };
}

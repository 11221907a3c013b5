/**
 * Views over a dimension. An event of a dimension is the state of its key from its time on, or a
 * tombstone. A view is then over a table that changes:
 *
 * - Its filter chooses rows of the table. So an entity exists if its newest event is a row that
 *   passes the filter, and an event that does not pass removes the entity, as a tombstone does.
 * - Features aggregate the rows that pass, never tombstones.
 *
 * Both are expressions over one event. The state of the newest event's existence is an ordinary
 * partial state, which every back end has.
 */
import type {
  FeatureDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';

const call = (fn: string, ...args: readonly Expr[]): Expr => ({ op: 'call', fn, args });

export const both = (a: Expr | undefined, b: Expr | undefined): Expr | undefined =>
  a === undefined ? b : b === undefined ? a : call('and', a, b);

/** 1 where the condition is true, else 0 */
const oneIf = (condition: Expr): Expr => ({
  op: 'when',
  branches: [[condition, { op: 'lit', value: 1 }]],
  otherwise: { op: 'lit', value: 0 },
});

/** 1 where an expression has a value, 0 where it is null */
export const presenceOf = (input: Expr): Expr => oneIf(call('isNotNull', input));

/** Null: the source has no tombstones, and the view takes every row. */
export const existenceOf = (
  view: FeatureViewDefinition,
  { dimension }: SourceDefinition,
): { readonly condition: Expr; readonly presence: Expr } | null => {
  if (dimension === undefined) return null;
  const { deleted } = dimension;
  const kept =
    deleted === undefined
      ? undefined
      : call('not', call('coalesce', { op: 'col', name: deleted }, { op: 'lit', value: false }));
  const condition = both(kept, view.where);
  return condition === undefined ? null : { condition, presence: oneIf(condition) };
};

/** A null in a row of a dimension is the row's value: the first and last values keep it. */
export const paramsOver = (
  { dimension }: SourceDefinition,
  { aggregation, params = {} }: FeatureDefinition,
): NonNullable<FeatureDefinition['params']> =>
  dimension !== undefined && (aggregation === 'first' || aggregation === 'last')
    ? { nulls: 'keep', ...params }
    : params;

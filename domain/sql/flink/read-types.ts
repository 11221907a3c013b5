/**
 * The types with which a compute job reads its source, and with which it computes.
 *
 * A job reads every number as a double, and every field as one that may be null. So it also reads
 * what is written after a field is widened or becomes nullable, and its statements and its state
 * stay the same. A key is read in its entity's type.
 *
 * Expressions are computed with these types, too, unless the width of a number matters to one: if
 * it takes whole numbers only, or if a whole result may be outside ±(2^53 − 1), where it is null.
 * Then all are computed with longs and doubles.
 */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { infer } from '#domain/expressions/typecheck.ts';
import { differsWhenWidened } from '#domain/expressions/whole-range.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { formatFieldType, isNumeric, isWhole } from '#domain/values/field-type.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';

type Types = Readonly<Record<string, FieldType>>;

export interface ReadTypes {
  /** the source with the fields that the view uses, and the types in which they are read */
  readonly source: SourceDefinition;
  /** the types in which expressions are computed */
  readonly columns: Types;
}

const expressionsOf = (view: FeatureViewDefinition): readonly Expr[] =>
  [
    view.where ?? null,
    ...Object.values(view.features).flatMap(({ input, where }) => [input, where ?? null]),
  ].filter((expr) => expr !== null);

/** Whether the expressions give the same values over both types of the columns. */
const isSame = (view: FeatureViewDefinition, before: Types, after: Types): boolean =>
  expressionsOf(view).every((expr) => {
    try {
      const scope = { columns: after };
      infer(expr, scope);
      return differsWhenWidened(expr, { columns: before }, scope) === null;
    } catch {
      return false;
    }
  });

const as = (base: ScalarType): FieldType => ({ base, array: false, nullable: true });

export const readTypes = (
  source: SourceDefinition,
  view: FeatureViewDefinition,
  plan: Pick<ViewPlan, 'reads' | 'keys'>,
): ReadTypes => {
  const keys = new Map(plan.keys.map(({ field, type }) => [field, type.base]));
  const sorted = Object.entries(plan.reads).sort(([a], [b]) => (a < b ? -1 : 1));
  const typesOf = (numberOf: (type: FieldType) => ScalarType): Types =>
    Object.fromEntries(
      // By name, so that the order of the source's fields does not matter to the job.
      sorted.map(([field, type]) => {
        const key = keys.get(field);
        if (key !== undefined) return [field, as(key)];
        if (isNumeric(type)) return [field, as(numberOf(type))];
        return [field, field === source.eventTime ? type : { ...type, nullable: true }];
      }),
    );
  const widest = typesOf(() => 'double');
  const exact = typesOf((type) => (isWhole(type) ? 'long' : 'double'));
  return {
    source: {
      ...source,
      fields: Object.fromEntries(
        Object.entries(widest).map(([field, type]) => [field, formatFieldType(type)]),
      ),
    },
    columns: isSame(view, exact, widest) ? widest : exact,
  };
};

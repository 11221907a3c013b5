/** A feature of a view: its input in each event that counts, and its value over these. */
import type { FeatureDefinition, FeatureViewDefinition } from '#domain/definitions/model.ts';
import { MillraceError } from '#domain/errors.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { infer, type Scope } from '#domain/expressions/typecheck.ts';
import type { PlannedFeature, ViewPlan } from '#domain/plan/plan.ts';
import type { FieldType } from '#domain/values/value.ts';
import type { NotSupported } from '../dialect.ts';
import { AGGREGATES } from './aggregates.ts';
import type { Bounds } from './bounds.ts';
import { quoted, type Syntax } from './syntax.ts';

export interface ViewPrinting {
  readonly syntax: Syntax;
  readonly view: FeatureViewDefinition;
  readonly plan: ViewPlan;
  readonly scope: Scope;
  readonly bounds: Bounds;
  /** the event time, ms */
  readonly time: string;
  readonly print: (expr: Expr) => string;
  /** prints and forgets it @throws MillraceError MR_EXPRESSION_INVALID */
  readonly check: (expr: Expr) => void;
  /** gives SQL a name of its own where names of a query hide columns */
  readonly apart: (sql: string) => string;
  readonly note: (text: string) => void;
}

export interface FeatureSql {
  readonly feature: string;
  /** its column in `events`, with the name that its value is computed from; null: there is none */
  readonly input: string | null;
  readonly value: string | NotSupported;
}

/** The total order of events, as `events` names it. */
export const ORDER = ['__time', '__partition', '__offset'] as const;

const NULLABLE_ARRAY: NotSupported = { notSupported: 'an array cannot be null there' };

/** Why an expression is not supported; null: it is. */
const whyNot = (check: () => void): NotSupported | null => {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'MR_EXPRESSION_INVALID')
      return { notSupported: error.message };
    throw error;
  }
};

const inputOf = (
  printing: ViewPrinting,
  { input, where }: FeatureDefinition,
  type: FieldType | null,
  planned: PlannedFeature,
): string | NotSupported => {
  const { syntax, bounds, time, print, check, apart } = printing;
  const reason = whyNot(() => {
    if (input !== null) check(input);
    if (where !== undefined) check(where);
  });
  if (reason !== null) return reason;
  const from = bounds.of(planned);
  const conditions = [
    ...(from === null ? [] : [`${time} >= ${from}`]),
    ...(where === undefined ? [] : [print(where)]),
  ];
  const value = input === null ? '1' : apart(print(input));
  if (conditions.length === 0) return value;
  if (type?.array === true && !syntax.nullableArrays) return NULLABLE_ARRAY;
  return `CASE WHEN ${apart(conditions.join(' AND '))} THEN ${value} END`;
};

export const inputColumn = (syntax: Syntax, feature: string): string =>
  quoted(syntax, `__in_${feature}`);

export const featureSql = (printing: ViewPrinting, planned: PlannedFeature): FeatureSql => {
  const { syntax, view, plan, scope, note } = printing;
  const { name, aggregation } = planned;
  const definition = view.features[name] as FeatureDefinition;
  const type = definition.input === null ? null : infer(definition.input, scope);
  const input = inputOf(printing, definition, type, planned);
  if (typeof input !== 'string') return { feature: name, input: null, value: input };
  if (plan.existence !== null) {
    const notSupported = 'whether an entity exists depends on the newest row of its dimension';
    return { feature: name, input, value: { notSupported } };
  }
  const printer = AGGREGATES[aggregation.form.aggregation];
  const column = inputColumn(syntax, name);
  const value =
    typeof printer === 'function'
      ? printer({ syntax, column, type, bound: aggregation, order: ORDER, note })
      : printer;
  return { feature: name, input, value };
};

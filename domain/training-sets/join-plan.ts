/**
 * The point-in-time join of one view as plain data, for engines that run it elsewhere: Spark and
 * Flink, by the Java module (io.millrace.join). Windows, partials and their order are those of
 * `slidingView`, so that an engine does the same operations in the same order: its values are the
 * same to the last bit.
 */
import type { PartialForm, ValueForm } from '#domain/aggregations/forms.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { type TypedExpr, typedExpr } from '#domain/expressions/typed-expr.ts';
import type { PlannedFeature, PlannedPartial, ViewPlan } from '#domain/plan/plan.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import type { FieldType, Position } from '#domain/values/value.ts';

export interface JoinField {
  readonly name: string;
  readonly type: FieldType;
}

/**
 * How a value of a feature is written: numbers, times, dates and booleans (1, 0) as doubles, all
 * else as texts, bytes in base64; or lists of these.
 */
export type JoinOutput = 'number' | 'text' | 'numbers' | 'texts';

export interface JoinPlan {
  /** an event's values, in this order */
  readonly fields: readonly JoinField[];
  /** indices of the fields of the entity's key, in the order of the keys */
  readonly keys: readonly number[];
  readonly filter: TypedExpr | null;
  /** 1 where the event says that its entity exists, else 0; null: every event does */
  readonly existence: TypedExpr | null;
  readonly ttlMs: number | null;
  /** events that do not count: partition and offset */
  readonly excluded: readonly (readonly [partition: number, offset: number])[];
  readonly expressions: readonly TypedExpr[];
  readonly windows: readonly JoinWindow[];
  readonly outputs: readonly JoinOutput[];
}

export interface JoinWindow {
  readonly hopMs: number;
  /** null: all time */
  readonly windowMs: number | null;
  readonly partials: readonly {
    readonly form: PartialForm;
    /** indices into the expressions; −1: none */
    readonly input: number;
    readonly filter: number;
  }[];
  readonly features: readonly {
    /** index into the outputs */
    readonly output: number;
    readonly form: ValueForm;
    /** indices into the window's partials */
    readonly states: readonly number[];
  }[];
}

const outputOf = ({ base, array }: FieldType): JoinOutput => {
  const isText = base === 'string' || base === 'bytes';
  return array ? (isText ? 'texts' : 'numbers') : isText ? 'text' : 'number';
};

/** Features grouped by (hop, window), in the order of their outputs. */
const windowsOf = (
  plan: ViewPlan,
  features: readonly number[],
  indexOf: (expr: Expr | null) => number,
): readonly JoinWindow[] => {
  const groups = new Map<string, number[]>();
  features.forEach((feature, output) => {
    const { hop, windowMs } = plan.features[feature] as PlannedFeature;
    const id = `${hop}/${windowMs}`;
    groups.set(id, [...(groups.get(id) ?? []), output]);
  });
  return [...groups.values()].map((outputs) => {
    const featureOf = (output: number): PlannedFeature =>
      plan.features[features[output] as number] as PlannedFeature;
    const { hop, windowMs } = featureOf(outputs[0] as number);
    const { hopMs, partials } = plan.hops[hop] as ViewPlan['hops'][number];
    const used = [...new Set(outputs.flatMap((output) => featureOf(output).partials))];
    return {
      hopMs,
      windowMs,
      partials: used.map((p) => {
        const { partial, input, where } = partials[p] as PlannedPartial;
        return { form: partial.form, input: indexOf(input), filter: indexOf(where) };
      }),
      features: outputs.map((output) => {
        const { aggregation, partials: states } = featureOf(output);
        return { output, form: aggregation.form, states: states.map((p) => used.indexOf(p)) };
      }),
    };
  });
};

const existenceOf = ({ existence, hops }: ViewPlan): Expr | null =>
  existence === null ? null : (hops[existence.hop]?.partials[existence.partial]?.input ?? null);

/**
 * @param fields names of the source's fields that the view reads, without its keys
 * @param features indices of the plan's features, by output
 */
export const joinPlan = (
  { plan, source }: { readonly plan: ViewPlan; readonly source: SourceDefinition },
  fields: readonly string[],
  features: readonly number[],
  excluded: readonly Position[] = [],
): JoinPlan => {
  const columns = sourceFields(source);
  const names = [...new Set([...fields, ...plan.keys.map(({ field }) => field)])];
  const typed = (expr: Expr): TypedExpr =>
    typedExpr(expr, { columns }, (column) => names.indexOf(column));
  const expressions: TypedExpr[] = [];
  const known = new Map<string, number>();
  const indexOf = (expr: Expr | null): number => {
    if (expr === null) return -1;
    const id = canonical(expr);
    const found = known.get(id) ?? expressions.push(typed(expr)) - 1;
    known.set(id, found);
    return found;
  };
  const existence = existenceOf(plan);
  return {
    fields: names.map((name) => ({ name, type: columns[name] as FieldType })),
    keys: plan.keys.map(({ field }) => names.indexOf(field)),
    filter: plan.where === null ? null : typed(plan.where),
    existence: existence === null ? null : typed(existence),
    ttlMs: plan.ttlMs,
    excluded: excluded.map(({ partition, offset }) => [partition, offset]),
    windows: windowsOf(plan, features, indexOf),
    expressions,
    outputs: features.map((feature) => outputOf((plan.features[feature] as PlannedFeature).type)),
  };
};

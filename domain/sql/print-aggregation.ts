/**
 * A plan's partial states and values in SQL, by the rows of a dialect.
 *
 *   liftHop      events      → aggregate calls, and the slots of one hop's tiles
 *   mergeValues  tiles       → aggregate calls, and the values of features over merged tiles
 */
import type { BoundAggregation, Partial } from '#domain/aggregations/aggregation.ts';
import { slotColumns } from '#domain/encoding/features-schema.ts';
import { fail } from '#domain/errors.ts';
import type { HopGroup, PlannedFeature, PlannedPartial, ViewPlan } from '#domain/plan/plan.ts';
import type { Dialect, LiftInput, NotSupported, PartialPrinter, ValuePrinter } from './dialect.ts';

const unsupported = (dialect: Dialect, what: string, { notSupported }: NotSupported): never =>
  fail('MR_DEFINITION_INVALID', `${what} is not supported in ${dialect.name} SQL: ${notSupported}`);

const partialPrinter = (dialect: Dialect, { form }: Partial): PartialPrinter => {
  const printer = dialect.partials[form.kind];
  return 'notSupported' in printer
    ? unsupported(dialect, `a partial state of kind "${form.kind}"`, printer)
    : (printer as PartialPrinter);
};

const valueSql = (
  dialect: Dialect,
  { form, type }: BoundAggregation,
  states: readonly (readonly string[])[],
): string => {
  const printer = dialect.values[form.aggregation];
  if ('notSupported' in printer) return unsupported(dialect, form.aggregation, printer);
  return (printer as ValuePrinter)(form, states, type);
};

interface LiftedHop {
  /** aggregate calls with their names: `COUNT(*) AS a0` */
  readonly aggregates: readonly string[];
  /** slot column of features.<view> → expression over the names */
  readonly slots: ReadonlyMap<string, string>;
}

/** @param inputOf the columns that a partial aggregates */
export const liftHop = (
  dialect: Dialect,
  plan: ViewPlan,
  hop: number,
  inputOf: (planned: PlannedPartial) => LiftInput,
): LiftedHop => {
  const aggregates: string[] = [];
  const slots = new Map<string, string>();
  const names = slotColumns(plan, hop);
  let num = 0;
  let ref = 0;
  for (const planned of (plan.hops[hop] as HopGroup).partials) {
    const { partial } = planned;
    const made = partialPrinter(dialect, partial).lift(partial.form, inputOf(planned));
    const columns = made.aggregates.map((sql) => {
      const name = `a${aggregates.length}`;
      aggregates.push(`${sql} AS ${name}`);
      return name;
    });
    made.slots(columns).forEach((sql, i) => {
      const column = i < partial.nums.length ? names.nums[num++] : names.refs[ref++];
      slots.set((column as { readonly name: string }).name, sql);
    });
  }
  return { aggregates, slots };
};

interface MergedValues {
  /** aggregate calls with their names; equal calls are printed once */
  readonly aggregates: readonly string[];
  /** one expression for each feature, over the names */
  readonly values: readonly string[];
}

/** @param tilesOf a condition on tiles: those that belong to the feature's window */
export const mergeValues = (
  dialect: Dialect,
  plan: ViewPlan,
  features: readonly PlannedFeature[],
  tilesOf: (feature: PlannedFeature, hop: HopGroup) => string,
): MergedValues => {
  const columns = new Map<string, string>();
  const columnOf = (sql: string): string => {
    const column = columns.get(sql) ?? `a${columns.size}`;
    columns.set(sql, column);
    return column;
  };
  const values = features.map((feature) => {
    const hop = plan.hops[feature.hop] as HopGroup;
    const condition = tilesOf(feature, hop);
    const states = feature.partials.map((at) => {
      const { name, partial } = hop.partials[at] as PlannedPartial;
      const merged = partialPrinter(dialect, partial).merge(
        partial.form,
        [...partial.nums, ...partial.refs].map((slot) =>
          dialect.identifier(`${name}__${slot.name}`),
        ),
        condition,
      );
      return merged.slots(merged.aggregates.map(columnOf));
    });
    return valueSql(dialect, feature.aggregation, states);
  });
  return { aggregates: [...columns].map(([sql, column]) => `${sql} AS ${column}`), values };
};

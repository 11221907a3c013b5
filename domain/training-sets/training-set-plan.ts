/**
 * What a training set consists of: which features of which views, for which keys, under which
 * column names. A view's plan is reduced to the requested features, so that no others are computed.
 */
import type {
  EntityDefinition,
  FeatureViewDefinition,
  OnDemandFeatureDefinition,
  ServiceMember,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { compileInputs } from '#domain/expressions/compile.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { fieldType, formatFieldType, parseFieldType } from '#domain/values/field-type.ts';
import type { FieldType, Row, Value } from '#domain/values/value.ts';
import { statusColumn } from './statuses.ts';

export interface ViewDefinitions {
  readonly view: FeatureViewDefinition;
  readonly source: SourceDefinition;
  readonly entity: EntityDefinition;
}

export interface TrainingSetTarget {
  /** in order; a view alone is one member with all its features */
  readonly members: readonly ServiceMember[];
  /** every view that a member or an on-demand feature reads, as the target reads it */
  readonly views: readonly ViewDefinitions[];
  readonly onDemand: readonly OnDemandFeatureDefinition[];
}

/** A value computed for each row; the columns of the training set are some of these. */
export type PlannedValue =
  | {
      readonly from: 'feature';
      readonly view: string;
      readonly feature: string;
      readonly type: FieldType;
    }
  | {
      readonly from: 'on-demand';
      readonly name: string;
      readonly type: FieldType;
      readonly inputs: readonly { readonly parameter: string; readonly from: InputFrom }[];
      readonly evaluate: (inputs: Row) => Value;
    };

/** `value`: index of an earlier planned value */
export type InputFrom = { readonly value: number } | { readonly request: string };

export interface NamedType {
  readonly name: string;
  readonly type: FieldType;
}

export interface PlannedColumn extends NamedType {
  /** index into the plan's values */
  readonly value: number;
  /** the name of the column of its statuses; null: they are not wanted */
  readonly status: string | null;
}

export interface TrainingSetPlan {
  /** each follows those that it needs */
  readonly values: readonly PlannedValue[];
  readonly columns: readonly PlannedColumn[];
  readonly views: readonly {
    readonly definitions: ViewDefinitions;
    readonly features: readonly string[];
    readonly plan: ViewPlan;
  }[];
  /** columns that the spine must have in addition to event_timestamp */
  readonly keys: readonly NamedType[];
  readonly request: readonly NamedType[];
}

/** The view's plan with only these features; names that it does not have are ignored. */
export const planFeatures = (
  { view, source, entity }: ViewDefinitions,
  names: readonly string[],
): ViewPlan => {
  const features = Object.fromEntries(
    names.flatMap((name) =>
      Object.hasOwn(view.features, name) ? [[name, view.features[name] as never]] : [],
    ),
  );
  return planView({ ...view, features }, source, entity);
};

const addNamed = (
  into: Map<string, FieldType>,
  name: string,
  type: FieldType,
  what: string,
): void => {
  const found = into.get(name);
  if (found !== undefined && found.base !== type.base) {
    fail(
      'MR_DEFINITION_INVALID',
      `the data set needs the ${what} "${name}" as ${formatFieldType(found)} and as ${formatFieldType(type)}: make two data sets`,
      { column: name },
    );
  }
  into.set(name, type);
};

/** A feature's own name where it is unique, else `view__feature`. */
const nameColumns = (
  values: readonly PlannedValue[],
  wanted: readonly number[],
): readonly Omit<PlannedColumn, 'status'>[] => {
  const plain = wanted
    .map((i) => values[i] as PlannedValue)
    .map((value) => (value.from === 'feature' ? value.feature : value.name));
  return wanted.map((index, i) => {
    const value = values[index] as PlannedValue;
    const name = plain[i] as string;
    const shared = value.from === 'feature' && plain.filter((other) => other === name).length > 1;
    return { name: shared ? `${value.view}__${name}` : name, type: value.type, value: index };
  });
};

const nameStatuses = (columns: ReturnType<typeof nameColumns>): readonly PlannedColumn[] => {
  const names = new Set(columns.map(({ name }) => name));
  return columns.map((column) => {
    const status = statusColumn(column.name);
    if (names.has(status))
      fail(
        'MR_REFUSED',
        `the data set has a feature "${status}", and the statuses of "${column.name}" would have the same name: make a data set without statuses, or two data sets`,
        { column: status },
      );
    return { ...column, status };
  });
};

/** @param withStatus a column of statuses after each feature */
export const planTrainingSet = (
  { members, views, onDemand }: TrainingSetTarget,
  withStatus = false,
): TrainingSetPlan => {
  const definitionsOf = new Map(views.map((definitions) => [definitions.view.name, definitions]));
  const onDemandOf = new Map(onDemand.map((definition) => [definition.name, definition]));
  const full = new Map<string, ViewPlan>();
  const values: PlannedValue[] = [];
  const indexOf = new Map<string, number>();
  const request = new Map<string, FieldType>();

  const featureValue = (view: string, feature: string): number => {
    const id = `${view}:${feature}`;
    const found = indexOf.get(id);
    if (found !== undefined) return found;
    const definitions =
      definitionsOf.get(view) ??
      fail('MR_NOT_FOUND', `there is no feature view "${view}"`, { view });
    const plan =
      full.get(view) ?? planView(definitions.view, definitions.source, definitions.entity);
    full.set(view, plan);
    const planned = plan.features.find((f) => f.name === feature);
    if (planned === undefined) {
      return fail(
        'MR_NOT_FOUND',
        `view "${view}" has no feature "${feature}"; it has ${plan.features.map((f) => f.name).join(', ')}`,
        { view, feature },
      );
    }
    const index = values.push({ from: 'feature', view, feature, type: planned.type }) - 1;
    indexOf.set(id, index);
    return index;
  };

  const onDemandValue = (name: string): number => {
    const found = indexOf.get(name);
    if (found !== undefined) return found;
    const definition =
      onDemandOf.get(name) ??
      fail('MR_NOT_FOUND', `there is no on-demand feature "${name}"`, { feature: name });
    const scope: Record<string, FieldType> = {};
    const inputs = Object.entries(definition.inputs).map(([parameter, input]) => {
      let from: InputFrom;
      let type: FieldType;
      if (input.from === 'request') {
        type = parseFieldType(input.type);
        addNamed(request, input.name, type, 'request input');
        from = { request: input.name };
      } else {
        const index =
          input.from === 'feature'
            ? featureValue(input.view, input.feature)
            : onDemandValue(input.name);
        type = (values[index] as PlannedValue).type;
        from = { value: index };
      }
      scope[parameter] = { ...type, nullable: true };
      return { parameter, from };
    });
    const type = fieldType(definition.type, true);
    const index =
      values.push({
        from: 'on-demand',
        name,
        type,
        inputs,
        evaluate: compileInputs(definition.value, { inputs: scope }),
      }) - 1;
    indexOf.set(name, index);
    return index;
  };

  const wanted = [
    ...new Set(
      members.flatMap((member) =>
        member.from === 'on-demand'
          ? [onDemandValue(member.name)]
          : member.features.map((f) => featureValue(member.view, f)),
      ),
    ),
  ];
  const needed = new Map<string, string[]>();
  for (const value of values)
    if (value.from === 'feature')
      needed.set(value.view, [...(needed.get(value.view) ?? []), value.feature]);
  const planned = [...needed].map(([name, features]) => {
    const definitions = definitionsOf.get(name) as ViewDefinitions;
    return { definitions, features, plan: planFeatures(definitions, features) };
  });
  const keys = new Map<string, FieldType>();
  for (const { plan } of planned)
    for (const { name, type } of plan.keys) addNamed(keys, name, type, 'entity key');
  const named = (types: Map<string, FieldType>): NamedType[] =>
    [...types].map(([name, type]) => ({ name, type }));
  const columns = nameColumns(values, wanted);
  return {
    values,
    columns: withStatus
      ? nameStatuses(columns)
      : columns.map((column) => ({ ...column, status: null })),
    views: planned,
    keys: named(keys),
    request: named(request),
  };
};

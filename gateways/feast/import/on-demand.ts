/**
 * On-demand feature views. Each of their features becomes an on-demand feature named
 * `view__feature`, like Feast's full names. Its Python is translated if it is simple arithmetic;
 * otherwise it has no counterpart, and a comment has its inputs, types and text.
 */

import { checkDefinition, type Lookups } from '#domain/definitions/check.ts';
import { request } from '#domain/definitions/index.ts';
import type {
  Definition,
  FeatureViewDefinition,
  OnDemandFeatureDefinition,
  OnDemandInput,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import type { FieldTypeText } from '#domain/values/field-type.ts';
import { formatFieldType, readFieldType } from '#domain/values/field-type.ts';
import type { ScalarType } from '#domain/values/value.ts';
import { described, type Import } from './common.ts';
import type { FeastField, FeastOnDemandView, FeastProject } from './model.ts';
import { LONGEST, nameFrom } from './names.ts';
import { translate } from './python.ts';
import { counterpartOf, typeName } from './types.ts';
import type { PlannedView } from './views.ts';

export interface ImportedOnDemand {
  readonly definitions: readonly OnDemandFeatureDefinition[];
  /** Feast's view and feature → its name in Millrace */
  readonly names: ReadonlyMap<string, string>;
  /** texts of what could not be imported, for comments */
  readonly lost: readonly string[];
}

/** The features of the imported views, with their types to check expressions. */
export interface Offered {
  readonly planned: readonly PlannedView[];
  readonly views: readonly FeatureViewDefinition[];
  readonly sources: readonly SourceDefinition[];
}

interface Input {
  /** its name in the function */
  readonly feast: string;
  readonly type: string;
  /** null: no counterpart */
  readonly input: OnDemandInput | null;
}

/** Values may be missing in Python, so inputs of a request may be null. */
const inputOfRequest = ({ name, valueType }: FeastField): Input => {
  const found = counterpartOf(valueType);
  const text =
    found === null ? null : (formatFieldType({ ...found.type, nullable: true }) as FieldTypeText);
  return {
    feast: name,
    type: typeName(valueType),
    input: text === null ? null : request(name, text),
  };
};

const inputsOf = (view: FeastOnDemandView, { planned }: Offered): Input[] =>
  Object.values(view.sources).flatMap((source): Input[] => {
    if (source.requestDataSource)
      return (source.requestDataSource.requestDataOptions?.schema ?? []).map(inputOfRequest);
    const name =
      source.featureViewProjection?.featureViewName ?? source.featureView?.spec.name ?? '';
    const columns =
      source.featureViewProjection?.featureColumns ?? source.featureView?.spec.features ?? [];
    const of = planned.find((candidate) => candidate.view.name === name);
    return columns.map((column) => {
      const feature = of?.features.find(({ feast }) => feast === column.name);
      const input =
        of === undefined || feature === undefined
          ? null
          : ({ from: 'feature', view: of.name, feature: feature.name } as const);
      return { feast: column.name, type: `${typeName(column.valueType)}, of ${name}`, input };
    });
  });

const namesIn = (expr: Expr): string[] =>
  expr.op === 'input' ? [expr.name] : expr.op === 'call' ? expr.args.flatMap(namesIn) : [];

const lookupsOf = ({ views, sources }: Offered): Lookups => ({
  entity: () => undefined,
  source: (name) => sources.find((source) => source.name === name),
  view: (name) => views.find((view) => view.name === name),
  onDemand: () => undefined,
  featureType(view, feature) {
    const { aggregation, input } = view.features[feature] ?? {};
    const column = aggregation === 'last' && input?.op === 'col' ? input.name : null;
    const fields = sources.find((source) => source.name === view.source)?.fields;
    return column === null ? undefined : readFieldType(fields?.[column] ?? '');
  },
});

const isSound = (definition: Definition, offered: Offered): boolean =>
  checkDefinition(definition, lookupsOf(offered)).length === 0;

const textOf = (view: FeastOnDemandView, inputs: readonly Input[], body: string): string => {
  const used = inputs.filter(({ feast }) =>
    new RegExp(`\\b${feast.replace(/\W/g, '.')}\\b`).test(body),
  );
  return [
    `${view.name}: an on-demand feature view in Python`,
    ...(view.description === '' ? [] : [view.description]),
    `inputs: ${(used.length > 0 ? used : inputs).map(({ feast, type }) => `${feast} (${type})`).join(', ')}`,
    `features: ${view.features.map(({ name, valueType }) => `${name} (${typeName(valueType)})`).join(', ')}`,
    ...(body === '' ? [] : ['', ...body.trimEnd().split('\n')]),
  ].join('\n');
};

const NONE =
  'write it as an onDemandFeature, with the expression of docs/guides, or compute it in the model';

export const importOnDemand = (
  project: FeastProject,
  offered: Offered,
  imp: Import,
): ImportedOnDemand => {
  const { notes, names: kinds } = imp;
  const definitions: OnDemandFeatureDefinition[] = [];
  const names = new Map<string, string>();
  const lost: string[] = [];
  for (const view of project.onDemandFeatureViews) {
    const inputs = inputsOf(view, offered);
    const fn = view.featureTransformation?.userDefinedFunction ?? view.userDefinedFunction;
    const body = fn?.bodyText ?? '';
    const plain =
      view.aggregations.length === 0 &&
      (view.mode === 'pandas' || view.mode === '' || (view.mode === 'python' && view.singleton));
    // The function cannot use a name that several inputs have.
    const once = inputs.filter(
      ({ feast }) => inputs.filter((other) => other.feast === feast).length === 1,
    );
    const known = new Map(
      once.filter(({ input }) => input !== null).map(({ feast }) => [feast, feast]),
    );
    const translated = plain ? translate(body, known) : null;
    let whole = true;
    for (const { name, valueType, description } of view.features) {
      const label = `${view.name}:${name}`;
      const value = translated?.get(name);
      const type = counterpartOf(valueType);
      const used = value === undefined ? [] : [...new Set(namesIn(value))];
      const definition: OnDemandFeatureDefinition | null =
        value === undefined || type === null || type.type.array || used.length === 0
          ? null
          : {
              kind: 'on-demand-feature',
              name: kinds.onDemand.of(
                label,
                `${nameFrom(view.name)}__${nameFrom(name)}`.slice(0, LONGEST),
              ),
              type: type.type.base as ScalarType,
              inputs: Object.fromEntries(
                used.map((input) => [
                  input,
                  once.find(({ feast }) => feast === input)?.input as OnDemandInput,
                ]),
              ),
              value,
              ...described({ ...view, description: description || view.description }),
            };
      if (definition === null || !isSound(definition, offered)) {
        whole = false;
        notes.lost(
          'on-demand feature',
          label,
          'is computed by a Python function that has no counterpart',
          NONE,
        );
        continue;
      }
      names.set(label, definition.name);
      definitions.push(definition);
      notes.changed(
        'on-demand feature',
        label,
        'is named view__feature, as in full names, and was translated from Python',
        'compare its values: a division by zero is infinity in pandas, and null in Millrace',
      );
    }
    if (view.writeToOnlineStore)
      notes.changed(
        'on-demand feature view',
        view.name,
        'is computed on read, not on write',
        'nothing',
      );
    if (!whole) lost.push(textOf(view, inputs, body));
  }
  return { definitions, names, lost };
};

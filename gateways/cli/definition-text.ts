/** Definitions in words, for `show`, `plan` and `explain`: what a feature computes, over what. */
import type {
  Definition,
  FeatureDefinition,
  FeatureViewDefinition,
  OnDemandFeatureDefinition,
  OnDemandInput,
} from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { formatExpr } from '#domain/expressions/format.ts';
import { featureCoverage, featureText } from '#domain/plan/feature-text.ts';

const isKind = <K extends Definition['kind']>(
  definition: unknown,
  kind: K,
): definition is Definition & { readonly kind: K } =>
  typeof definition === 'object' &&
  definition !== null &&
  'kind' in definition &&
  definition.kind === kind;

const inputText = (input: OnDemandInput): string => {
  switch (input.from) {
    case 'feature':
      return `${input.view}.${input.feature}`;
    case 'on-demand':
      return input.name;
    case 'request':
      return `request ${input.name} (${input.type})`;
  }
};

const inputsText = (inputs: OnDemandFeatureDefinition['inputs']): string =>
  Object.entries(inputs)
    .map(([parameter, input]) => `${parameter} = ${inputText(input)}`)
    .join(', ');

/** ` (covers 30 to 31 days)`; nothing for all time. */
const covers = (feature: FeatureDefinition): string => {
  const coverage = feature.window === undefined ? null : featureCoverage(feature);
  return coverage === null ? '' : ` (covers ${coverage})`;
};

/** The value of a changed field in words; null if it has no such form. */
export const changedValueText = (path: string, value: unknown): string | null => {
  if (value === null || typeof value !== 'object') return null;
  if (/^features\.\w+$/.test(path) && 'aggregation' in value)
    return featureText(value as FeatureDefinition) + covers(value as FeatureDefinition);
  if (path === 'inputs') return inputsText(value as OnDemandFeatureDefinition['inputs']);
  return (path === 'where' || path === 'value') && 'op' in value ? formatExpr(value as Expr) : null;
};

const viewText = ({ where, features }: FeatureViewDefinition): readonly string[] => [
  ...(where === undefined ? [] : [`where: ${formatExpr(where)}`]),
  ...Object.entries(features).map(
    ([name, feature]) => `${name}: ${featureText(feature)}${covers(feature)}`,
  ),
];

/** What a view or an on-demand feature computes, in lines; nothing for other definitions. */
export const computesText = (definition: unknown): readonly string[] => {
  if (isKind(definition, 'feature-view')) return viewText(definition);
  if (!isKind(definition, 'on-demand-feature')) return [];
  const { type, value, inputs } = definition;
  return [`value: ${formatExpr(value)} (${type})`, `inputs: ${inputsText(inputs)}`];
};

/** The feature of a view, with what the view says about all of its features. */
export const viewFeatureText = (definition: unknown, name: string): string => {
  const view = isKind(definition, 'feature-view') ? definition : undefined;
  const feature = view?.features[name];
  if (view === undefined || feature === undefined) return JSON.stringify(definition);
  const { where, ...unconditional } = feature;
  const conditions = [view.where, where].filter((condition) => condition !== undefined);
  // Each in parentheses where there are two, because one may be an `or`.
  const shown = conditions.map((condition) =>
    conditions.length > 1 ? `(${formatExpr(condition)})` : formatExpr(condition),
  );
  return [
    featureText(unconditional) + covers(feature),
    `of the events of ${view.source}${shown.length === 0 ? '' : ` where ${shown.join(' and ')}`}`,
    ...(view.lateness === undefined
      ? []
      : [`events that arrive more than ${view.lateness} after the end of their tile are left out`]),
    ...(view.ttl === undefined ? [] : [`expires after ${view.ttl} without an event`]),
  ].join('\n');
};

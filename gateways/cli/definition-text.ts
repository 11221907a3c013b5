/** A feature's definition in words, for `explain` and `plan`: aggregation, window, events. */
import type { FeatureDefinition, FeatureViewDefinition } from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { formatExpr } from '#domain/expressions/format.ts';

const isView = (definition: unknown): definition is FeatureViewDefinition =>
  typeof definition === 'object' &&
  definition !== null &&
  'kind' in definition &&
  definition.kind === 'feature-view';

/** What a feature computes, in one line. */
const aggregationText = ({
  aggregation,
  input,
  params,
  window,
  hop,
  where,
}: FeatureDefinition): string => {
  const parameters = Object.entries(params ?? {}).map(
    ([key, value]) => `${key} ${JSON.stringify(value)}`,
  );
  const over =
    window === undefined
      ? 'over all time'
      : `over ${window}${hop === undefined ? '' : ` in hops of ${hop}`}`;
  const of = [input === null ? '*' : formatExpr(input), ...parameters].join(', ');
  return `${aggregation}(${of}) ${over}${where === undefined ? '' : ` where ${formatExpr(where)}`}`;
};

/** The value of a changed field as a formula; null if it has no such form. */
export const changedValueText = (path: string, value: unknown): string | null => {
  if (value === null || typeof value !== 'object') return null;
  if (/^features\.\w+$/.test(path) && 'aggregation' in value)
    return aggregationText(value as FeatureDefinition);
  return (path === 'where' || path === 'value') && 'op' in value ? formatExpr(value as Expr) : null;
};

export const featureText = (definition: unknown, name: string): string => {
  const feature = isView(definition) ? definition.features[name] : undefined;
  if (!isView(definition) || feature === undefined) return JSON.stringify(definition);
  const { where, ...unconditional } = feature;
  const conditions = [definition.where, where]
    .filter((condition) => condition !== undefined)
    .map(formatExpr);
  return [
    aggregationText(unconditional),
    `of the events of ${definition.source}${conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`}`,
    ...(definition.lateness === undefined
      ? []
      : [
          `events that arrive more than ${definition.lateness} after the end of their tile are left out`,
        ]),
    ...(definition.ttl === undefined ? [] : [`expires after ${definition.ttl} without an event`]),
  ].join('\n');
};

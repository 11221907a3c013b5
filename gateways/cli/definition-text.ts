/** A feature's definition in words, as `explain` shows it: what is aggregated, over which window, of which events. */
import type { FeatureViewDefinition } from '#domain/definitions/model.ts';
import { formatExpr } from '#domain/expressions/format.ts';

const isView = (definition: unknown): definition is FeatureViewDefinition =>
  typeof definition === 'object' && definition !== null && 'kind' in definition && definition.kind === 'feature-view';

export const featureText = (definition: unknown, name: string): string => {
  const feature = isView(definition) ? definition.features[name] : undefined;
  if (!isView(definition) || feature === undefined) return JSON.stringify(definition);
  const { aggregation, input, params, window, hop, where } = feature;
  const parameters = Object.entries(params ?? {}).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  const over = window === undefined ? 'over all time' : `over ${window}${hop === undefined ? '' : ` in hops of ${hop}`}`;
  const conditions = [definition.where, where].filter((condition) => condition !== undefined).map(formatExpr);
  return [
    `${aggregation}(${[input === null ? '*' : formatExpr(input), ...parameters].join(', ')}) ${over}`,
    `of the events of ${definition.source}${conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`}`,
    ...(definition.lateness === undefined ? [] : [`later than ${definition.lateness} past its tile, an event is left out`]),
    ...(definition.ttl === undefined ? [] : [`without an event for ${definition.ttl} it expires`]),
  ].join('\n');
};

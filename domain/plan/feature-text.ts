/**
 * A feature of a view in words: `avg(delay) over 1d in hops of 1h where distance > 0`. Plans,
 * explanations, the catalog, lineage and messages use it.
 */
import type { FeatureDefinition } from '#domain/definitions/model.ts';
import { formatExpr } from '#domain/expressions/format.ts';
import { formatDuration, parseDuration } from '#domain/values/duration.ts';
import { hopOf } from './hop.ts';
import { coverageText, windowText } from './window-text.ts';

/** `approxPercentile(delay, q = 0.95)`; the input of count(*) is `*`. */
export const aggregationText = ({ aggregation, input, params }: FeatureDefinition): string => {
  const parameters = Object.entries(params ?? {}).map(
    ([name, value]) => `${name} = ${JSON.stringify(value)}`,
  );
  return `${aggregation}(${[input === null ? '*' : formatExpr(input), ...parameters].join(', ')})`;
};

interface FeatureWindow {
  /** ms; null: all time */
  readonly windowMs: number | null;
  /** ms, the default where the definition names none; 0: all time */
  readonly hopMs: number;
}

/** Null where the window or the hop is not valid. */
const featureWindow = ({ window, hop }: FeatureDefinition): FeatureWindow | null => {
  try {
    return {
      windowMs: window === undefined ? null : parseDuration(window),
      hopMs: hopOf('', window, hop),
    };
  } catch {
    return null;
  }
};

/** The hop, the default where the definition names none; null where it has no window. */
export const hopText = (feature: FeatureDefinition): string | null => {
  const found = featureWindow(feature);
  return found === null || found.hopMs === 0 ? null : formatDuration(found.hopMs);
};

const windowOf = (feature: FeatureDefinition): string => {
  const found = featureWindow(feature);
  if (found !== null) return windowText(found.windowMs, found.hopMs);
  return `${feature.window ?? 'all time'}${feature.hop === undefined ? '' : ` in hops of ${feature.hop}`}`;
};

export const featureText = (feature: FeatureDefinition): string => {
  const { where } = feature;
  const condition = where === undefined ? '' : ` where ${formatExpr(where)}`;
  return `${aggregationText(feature)} over ${windowOf(feature)}${condition}`;
};

/** `30 to 31 days`: how long an interval the feature covers; null where that is not known. */
export const featureCoverage = (feature: FeatureDefinition): string | null => {
  const found = featureWindow(feature);
  return found === null ? null : coverageText(found.windowMs, found.hopMs);
};

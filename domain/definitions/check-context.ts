/**
 * What every check needs: look-ups of registered definitions, and a function that reports problems.
 */
import type { ErrorCode } from '#domain/errors.ts';
import { parseDuration } from '#domain/values/duration.ts';
import type { FieldType } from '#domain/values/value.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  Kind,
  OnDemandFeatureDefinition,
  SourceDefinition,
} from './model.ts';

/** Definitions that are registered, or that the same `apply` registers. */
export interface Lookups {
  readonly entity: (name: string) => EntityDefinition | undefined;
  readonly source: (name: string) => SourceDefinition | undefined;
  readonly view: (name: string) => FeatureViewDefinition | undefined;
  readonly onDemand: (name: string) => OnDemandFeatureDefinition | undefined;
  /** whether the name has no definition because it is retired */
  readonly retired?: (kind: Kind, name: string) => boolean;
  /**
   * the type of a view's feature; if unknown, on-demand features are not checked against it
   */
  readonly featureType?: (view: FeatureViewDefinition, feature: string) => FieldType | undefined;
}

/** Reports that a definition refers to one that is not registered, or is retired. */
export function reportAbsent(
  what: string,
  kind: Kind,
  name: string,
  { retired }: Lookups,
  report: Report,
): void {
  const shown = `${KIND_TEXT[kind]} ${JSON.stringify(name)}`;
  report(
    'MR_UNKNOWN_REFERENCE',
    retired?.(kind, name) === true
      ? `${what}: ${shown} is retired: \`millrace restore ${name}\` brings it back.`
      : `${what}: there is no ${shown}.`,
  );
}

export type Report = (code: ErrorCode, message: string) => void;

export const KIND_TEXT: Readonly<Record<Kind, string>> = {
  entity: 'entity',
  source: 'source',
  'feature-view': 'feature view',
  'on-demand-feature': 'on-demand feature',
  'feature-service': 'feature service',
};

/** The duration in ms; null after reporting a problem. */
export function checkDuration(
  text: string,
  what: string,
  least: number,
  report: Report,
): number | null {
  try {
    const ms = parseDuration(text);
    if (ms >= least) return ms;
    report('MR_DURATION_INVALID', `${what} must be at least ${least}ms, is ${text}.`);
  } catch (error) {
    report('MR_DURATION_INVALID', `${what}: ${(error as Error).message}`);
  }
  return null;
}

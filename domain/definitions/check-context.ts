/**
 * What every check needs: look-ups of registered definitions, and a function that reports problems.
 */
import type { ErrorCode } from '#domain/errors.ts';
import { parseDuration } from '#domain/values/duration.ts';
import type { FieldType } from '#domain/values/value.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  OnDemandFeatureDefinition,
  SourceDefinition,
} from './model.ts';

/** Definitions that are registered, or that the same `apply` registers. */
export interface Lookups {
  readonly entity: (name: string) => EntityDefinition | undefined;
  readonly source: (name: string) => SourceDefinition | undefined;
  readonly view: (name: string) => FeatureViewDefinition | undefined;
  readonly onDemand: (name: string) => OnDemandFeatureDefinition | undefined;
  /**
   * the type of a view's feature; if unknown, on-demand features are not checked against it
   */
  readonly featureType?: (view: FeatureViewDefinition, feature: string) => FieldType | undefined;
}

export type Report = (code: ErrorCode, message: string) => void;

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

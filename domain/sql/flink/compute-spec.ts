/** What a compute job computes: one generation of one version of a view. */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';

export interface ComputeSpec {
  readonly plan: ViewPlan;
  readonly view: FeatureViewDefinition;
  readonly source: SourceDefinition;
  readonly version: number;
  readonly generation: number;
  /**
   * for each partition, the raw offset at which the generation started to run live; events below it
   * are never late, because a replay includes late events
   */
  readonly past?: readonly number[];
}

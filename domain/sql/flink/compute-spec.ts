/** What a compute job computes: one generation of one version of a view. */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { FieldType } from '#domain/values/value.ts';

export interface ComputeSpec {
  readonly plan: ViewPlan;
  readonly view: FeatureViewDefinition;
  /** the fields that are read, in the types in which they are read */
  readonly source: SourceDefinition;
  /** the types in which expressions are computed; absent: those of `source` */
  readonly columns?: Readonly<Record<string, FieldType>>;
  readonly version: number;
  readonly generation: number;
  /**
   * for each partition, the raw offset at which the generation started to run live; events below it
   * are never late, because a replay includes late events
   */
  readonly past?: readonly number[];
  /**
   * for each partition, the watermark of the events that are read from the history, epoch ms; null:
   * it has none
   */
  readonly marks?: readonly (number | null)[];
}

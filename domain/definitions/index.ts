/** The exports of `import … from 'millrace'`: what a file of definitions needs. */

export type { Expression, Operand, TimeUnit } from '#domain/expressions/build.ts';
export { col, lit, when } from '#domain/expressions/build.ts';
export type { DurationText } from '#domain/values/duration.ts';
export type { FieldTypeText } from '#domain/values/field-type.ts';
export type { FeatureOptions } from './aggregations.ts';
export {
  approxCountDistinct,
  approxPercentile,
  approxTopK,
  avg,
  count,
  countDistinct,
  first,
  firstK,
  histogram,
  last,
  lastK,
  max,
  min,
  stddev,
  sum,
  topK,
  variance,
} from './aggregations.ts';
export type { FeatureView, FeatureViewOptions } from './builders.ts';
export {
  entity,
  featureService,
  featureView,
  onDemandFeature,
  request,
  source,
} from './builders.ts';
export type {
  Definition,
  EntityDefinition,
  FeatureDefinition,
  FeatureServiceDefinition,
  FeatureViewDefinition,
  OnDemandFeatureDefinition,
  OnDemandInput,
  ServiceMember,
  SourceDefinition,
} from './model.ts';

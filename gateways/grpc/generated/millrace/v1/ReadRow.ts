// Original file: protos/millrace/v1/millrace.proto

import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';
import type { FeatureStatus as _millrace_v1_FeatureStatus, FeatureStatus__Output as _millrace_v1_FeatureStatus__Output } from '../../millrace/v1/FeatureStatus.ts';

export interface ReadRow {
  /**
   * One per feature, in the order of `features`.
   */
  'values'?: (_google_protobuf_Value)[];
  /**
   * One per feature, or none if all are present.
   */
  'statuses'?: (_millrace_v1_FeatureStatus)[];
}

export interface ReadRow__Output {
  /**
   * One per feature, in the order of `features`.
   */
  'values': (_google_protobuf_Value__Output)[];
  /**
   * One per feature, or none if all are present.
   */
  'statuses': (_millrace_v1_FeatureStatus__Output)[];
}

// Original file: protos/millrace/v1/millrace.proto

import type { ReadRow as _millrace_v1_ReadRow, ReadRow__Output as _millrace_v1_ReadRow__Output } from '../../millrace/v1/ReadRow.ts';
import type { ViewFreshness as _millrace_v1_ViewFreshness, ViewFreshness__Output as _millrace_v1_ViewFreshness__Output } from '../../millrace/v1/ViewFreshness.ts';
import type { Refusal as _millrace_v1_Refusal, Refusal__Output as _millrace_v1_Refusal__Output } from '../../millrace/v1/Refusal.ts';
import type { Long } from '@grpc/proto-loader';

export interface ReadResponse {
  'features'?: (string)[];
  /**
   * In the order of the request's entities.
   */
  'rows'?: (_millrace_v1_ReadRow)[];
  'views'?: (_millrace_v1_ViewFreshness)[];
  'at'?: (number | string | Long);
  'known'?: (number | string | Long);
  /**
   * In a stream only.
   */
  'error'?: (_millrace_v1_Refusal | null);
  /**
   * The degraded modes during the read; the answer is correct in all of them.
   */
  'degraded'?: (string)[];
}

export interface ReadResponse__Output {
  'features': (string)[];
  /**
   * In the order of the request's entities.
   */
  'rows': (_millrace_v1_ReadRow__Output)[];
  'views': (_millrace_v1_ViewFreshness__Output)[];
  'at': (number);
  'known': (number);
  /**
   * In a stream only.
   */
  'error': (_millrace_v1_Refusal__Output | null);
  /**
   * The degraded modes during the read; the answer is correct in all of them.
   */
  'degraded': (string)[];
}

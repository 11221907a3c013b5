// Original file: protos/millrace/v1/millrace.proto

import type { RejectedEvent as _millrace_v1_RejectedEvent, RejectedEvent__Output as _millrace_v1_RejectedEvent__Output } from '../../millrace/v1/RejectedEvent.ts';
import type { Refusal as _millrace_v1_Refusal, Refusal__Output as _millrace_v1_Refusal__Output } from '../../millrace/v1/Refusal.ts';
import type { Long } from '@grpc/proto-loader';

export interface PublishResponse {
  'accepted'?: (number | string | Long);
  'duplicates'?: (number | string | Long);
  'rejected'?: (_millrace_v1_RejectedEvent)[];
  /**
   * Use it as `after` of a read.
   */
  'position'?: (string);
  /**
   * In a stream only.
   */
  'error'?: (_millrace_v1_Refusal | null);
}

export interface PublishResponse__Output {
  'accepted': (number);
  'duplicates': (number);
  'rejected': (_millrace_v1_RejectedEvent__Output)[];
  /**
   * Use it as `after` of a read.
   */
  'position': (string);
  /**
   * In a stream only.
   */
  'error': (_millrace_v1_Refusal__Output | null);
}

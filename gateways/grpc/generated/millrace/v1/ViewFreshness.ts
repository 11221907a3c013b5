// Original file: protos/millrace/v1/millrace.proto

import type { Long } from '@grpc/proto-loader';

/**
 * How fresh a view's values are.
 */
export interface ViewFreshness {
  'view'?: (string);
  'version'?: (number);
  'generation'?: (number);
  /**
   * The newest event time that is in it, epoch ms; absent: there is none.
   */
  'eventTime'?: (number | string | Long);
  /**
   * The position that it has reached.
   */
  'position'?: (string);
  /**
   * Epoch ms: every event that the log had accepted by then is in the values, and later ones may
   * be; absent: not known yet.
   */
  'completeThrough'?: (number | string | Long);
  '_eventTime'?: "eventTime";
  '_completeThrough'?: "completeThrough";
}

/**
 * How fresh a view's values are.
 */
export interface ViewFreshness__Output {
  'view': (string);
  'version': (number);
  'generation': (number);
  /**
   * The newest event time that is in it, epoch ms; absent: there is none.
   */
  'eventTime'?: (number);
  /**
   * The position that it has reached.
   */
  'position': (string);
  /**
   * Epoch ms: every event that the log had accepted by then is in the values, and later ones may
   * be; absent: not known yet.
   */
  'completeThrough'?: (number);
  '_eventTime'?: "eventTime";
  '_completeThrough'?: "completeThrough";
}

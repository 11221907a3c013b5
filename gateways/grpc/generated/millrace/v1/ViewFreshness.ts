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
   * The newest event time in the values, epoch ms. Absent: none yet.
   */
  'eventTime'?: (number | string | Long);
  /**
   * The position that the values include.
   */
  'position'?: (string);
  /**
   * Epoch ms: the values include every event that the log accepted up to then, and may include
   * later ones. Absent: not known yet.
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
   * The newest event time in the values, epoch ms. Absent: none yet.
   */
  'eventTime'?: (number);
  /**
   * The position that the values include.
   */
  'position': (string);
  /**
   * Epoch ms: the values include every event that the log accepted up to then, and may include
   * later ones. Absent: not known yet.
   */
  'completeThrough'?: (number);
  '_eventTime'?: "eventTime";
  '_completeThrough'?: "completeThrough";
}

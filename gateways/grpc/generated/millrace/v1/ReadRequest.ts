// Original file: protos/millrace/v1/millrace.proto

import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from '../../google/protobuf/Struct.ts';
import type { Long } from '@grpc/proto-loader';

export interface ReadRequest {
  /**
   * A feature service. Either this or `features`.
   */
  'service'?: (string);
  /**
   * "view:feature", or the name of an on-demand feature.
   */
  'features'?: (string)[];
  /**
   * The keys of each entity.
   */
  'entities'?: (_google_protobuf_Struct)[];
  /**
   * Inputs of on-demand features: one per row, or one for all.
   */
  'request'?: (_google_protobuf_Struct)[];
  /**
   * Event time of the values, epoch ms. Absent: now.
   */
  'at'?: (number | string | Long);
  /**
   * Only events that the log accepted up to then, epoch ms. Absent: all.
   */
  'known'?: (number | string | Long);
  /**
   * A position from an answer of Publish: wait until the values include it, at most until the
   * deadline of the call.
   */
  'after'?: (string);
  '_at'?: "at";
  '_known'?: "known";
}

export interface ReadRequest__Output {
  /**
   * A feature service. Either this or `features`.
   */
  'service': (string);
  /**
   * "view:feature", or the name of an on-demand feature.
   */
  'features': (string)[];
  /**
   * The keys of each entity.
   */
  'entities': (_google_protobuf_Struct__Output)[];
  /**
   * Inputs of on-demand features: one per row, or one for all.
   */
  'request': (_google_protobuf_Struct__Output)[];
  /**
   * Event time of the values, epoch ms. Absent: now.
   */
  'at'?: (number);
  /**
   * Only events that the log accepted up to then, epoch ms. Absent: all.
   */
  'known'?: (number);
  /**
   * A position from an answer of Publish: wait until the values include it, at most until the
   * deadline of the call.
   */
  'after': (string);
  '_at'?: "at";
  '_known'?: "known";
}

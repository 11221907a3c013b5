// Original file: protos/millrace/v1/millrace.proto

import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from '../../google/protobuf/Struct.ts';
import type { Long } from '@grpc/proto-loader';

export interface ReadRequest {
  /**
   * A feature service; or `features`.
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
   * Inputs of on-demand features: one a row, or one for all.
   */
  'request'?: (_google_protobuf_Struct)[];
  /**
   * Epoch ms: the values as of then. Absent: now.
   */
  'at'?: (number | string | Long);
  /**
   * Epoch ms: what was known then. Absent: all that is known.
   */
  'known'?: (number | string | Long);
  /**
   * Wait until this position, of an answer of Publish, is in the values; at most until the call's
   * deadline.
   */
  'after'?: (string);
  '_at'?: "at";
  '_known'?: "known";
}

export interface ReadRequest__Output {
  /**
   * A feature service; or `features`.
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
   * Inputs of on-demand features: one a row, or one for all.
   */
  'request': (_google_protobuf_Struct__Output)[];
  /**
   * Epoch ms: the values as of then. Absent: now.
   */
  'at'?: (number);
  /**
   * Epoch ms: what was known then. Absent: all that is known.
   */
  'known'?: (number);
  /**
   * Wait until this position, of an answer of Publish, is in the values; at most until the call's
   * deadline.
   */
  'after': (string);
  '_at'?: "at";
  '_known'?: "known";
}

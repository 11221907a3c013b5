// Original file: protos/millrace/v1/millrace.proto

import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from '../../google/protobuf/Struct.ts';
import type { Long } from '@grpc/proto-loader';

export interface PublishRequest {
  'source'?: (string);
  'events'?: (_google_protobuf_Struct)[];
  /**
   * For idempotent producing: the producer, and the number of the first event in its own count.
   */
  'producer'?: (string);
  'sequence'?: (number | string | Long);
}

export interface PublishRequest__Output {
  'source': (string);
  'events': (_google_protobuf_Struct__Output)[];
  /**
   * For idempotent producing: the producer, and the number of the first event in its own count.
   */
  'producer': (string);
  'sequence': (number);
}

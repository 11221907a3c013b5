// Original file: protos/millrace/v1/millrace.proto

import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from '../../google/protobuf/Struct.ts';

export interface Refusal {
  'code'?: (string);
  'message'?: (string);
  'details'?: (_google_protobuf_Struct | null);
}

export interface Refusal__Output {
  'code': (string);
  'message': (string);
  'details': (_google_protobuf_Struct__Output | null);
}

// Original file: protos/millrace/v1/millrace.proto

import type { Long } from '@grpc/proto-loader';

export interface ProducerSequenceResponse {
  'next'?: (number | string | Long);
}

export interface ProducerSequenceResponse__Output {
  'next': (number);
}

// Original file: protos/millrace/v1/millrace.proto


export interface ProducerSequenceRequest {
  'source'?: (string);
  'producer'?: (string);
}

export interface ProducerSequenceRequest__Output {
  'source': (string);
  'producer': (string);
}

// Original file: protos/millrace/v1/millrace.proto


export interface RejectedEvent {
  /**
   * Index in the batch.
   */
  'index'?: (number);
  'field'?: (string);
  'code'?: (string);
  'message'?: (string);
}

export interface RejectedEvent__Output {
  /**
   * Index in the batch.
   */
  'index': (number);
  'field': (string);
  'code': (string);
  'message': (string);
}

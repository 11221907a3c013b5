// Original file: protos/millrace/v1/millrace.proto


export interface RejectedEvent {
  /**
   * In the batch.
   */
  'index'?: (number);
  'field'?: (string);
  'code'?: (string);
  'message'?: (string);
}

export interface RejectedEvent__Output {
  /**
   * In the batch.
   */
  'index': (number);
  'field': (string);
  'code': (string);
  'message': (string);
}

// Original file: protos/millrace/v1/millrace.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ProducerSequenceRequest as _millrace_v1_ProducerSequenceRequest, ProducerSequenceRequest__Output as _millrace_v1_ProducerSequenceRequest__Output } from '../../millrace/v1/ProducerSequenceRequest.ts';
import type { ProducerSequenceResponse as _millrace_v1_ProducerSequenceResponse, ProducerSequenceResponse__Output as _millrace_v1_ProducerSequenceResponse__Output } from '../../millrace/v1/ProducerSequenceResponse.ts';
import type { PublishRequest as _millrace_v1_PublishRequest, PublishRequest__Output as _millrace_v1_PublishRequest__Output } from '../../millrace/v1/PublishRequest.ts';
import type { PublishResponse as _millrace_v1_PublishResponse, PublishResponse__Output as _millrace_v1_PublishResponse__Output } from '../../millrace/v1/PublishResponse.ts';

export interface EventsClient extends grpc.Client {
  /**
   * The next sequence number of a producer.
   */
  ProducerSequence(argument: _millrace_v1_ProducerSequenceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_ProducerSequenceResponse__Output>): grpc.ClientUnaryCall;
  ProducerSequence(argument: _millrace_v1_ProducerSequenceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_millrace_v1_ProducerSequenceResponse__Output>): grpc.ClientUnaryCall;
  ProducerSequence(argument: _millrace_v1_ProducerSequenceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_ProducerSequenceResponse__Output>): grpc.ClientUnaryCall;
  ProducerSequence(argument: _millrace_v1_ProducerSequenceRequest, callback: grpc.requestCallback<_millrace_v1_ProducerSequenceResponse__Output>): grpc.ClientUnaryCall;
  /**
   * The next sequence number of a producer.
   */
  producerSequence(argument: _millrace_v1_ProducerSequenceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_ProducerSequenceResponse__Output>): grpc.ClientUnaryCall;
  producerSequence(argument: _millrace_v1_ProducerSequenceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_millrace_v1_ProducerSequenceResponse__Output>): grpc.ClientUnaryCall;
  producerSequence(argument: _millrace_v1_ProducerSequenceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_ProducerSequenceResponse__Output>): grpc.ClientUnaryCall;
  producerSequence(argument: _millrace_v1_ProducerSequenceRequest, callback: grpc.requestCallback<_millrace_v1_ProducerSequenceResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Raw events, durable when answered. Invalid ones are listed as rejected; the others are
   * accepted.
   */
  Publish(argument: _millrace_v1_PublishRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  Publish(argument: _millrace_v1_PublishRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_millrace_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  Publish(argument: _millrace_v1_PublishRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  Publish(argument: _millrace_v1_PublishRequest, callback: grpc.requestCallback<_millrace_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Raw events, durable when answered. Invalid ones are listed as rejected; the others are
   * accepted.
   */
  publish(argument: _millrace_v1_PublishRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  publish(argument: _millrace_v1_PublishRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_millrace_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  publish(argument: _millrace_v1_PublishRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  publish(argument: _millrace_v1_PublishRequest, callback: grpc.requestCallback<_millrace_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Any number of batches in one call, answered in order.
   */
  PublishStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_millrace_v1_PublishRequest, _millrace_v1_PublishResponse__Output>;
  PublishStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_millrace_v1_PublishRequest, _millrace_v1_PublishResponse__Output>;
  /**
   * Any number of batches in one call, answered in order.
   */
  publishStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_millrace_v1_PublishRequest, _millrace_v1_PublishResponse__Output>;
  publishStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_millrace_v1_PublishRequest, _millrace_v1_PublishResponse__Output>;
  
}

export interface EventsHandlers extends grpc.UntypedServiceImplementation {
  /**
   * The next sequence number of a producer.
   */
  ProducerSequence: grpc.handleUnaryCall<_millrace_v1_ProducerSequenceRequest__Output, _millrace_v1_ProducerSequenceResponse>;
  
  /**
   * Raw events, durable when answered. Invalid ones are listed as rejected; the others are
   * accepted.
   */
  Publish: grpc.handleUnaryCall<_millrace_v1_PublishRequest__Output, _millrace_v1_PublishResponse>;
  
  /**
   * Any number of batches in one call, answered in order.
   */
  PublishStream: grpc.handleBidiStreamingCall<_millrace_v1_PublishRequest__Output, _millrace_v1_PublishResponse>;
  
}

export interface EventsDefinition extends grpc.ServiceDefinition {
  ProducerSequence: MethodDefinition<_millrace_v1_ProducerSequenceRequest, _millrace_v1_ProducerSequenceResponse, _millrace_v1_ProducerSequenceRequest__Output, _millrace_v1_ProducerSequenceResponse__Output>
  Publish: MethodDefinition<_millrace_v1_PublishRequest, _millrace_v1_PublishResponse, _millrace_v1_PublishRequest__Output, _millrace_v1_PublishResponse__Output>
  PublishStream: MethodDefinition<_millrace_v1_PublishRequest, _millrace_v1_PublishResponse, _millrace_v1_PublishRequest__Output, _millrace_v1_PublishResponse__Output>
}

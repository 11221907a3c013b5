// Original file: protos/millrace/v1/millrace.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ReadRequest as _millrace_v1_ReadRequest, ReadRequest__Output as _millrace_v1_ReadRequest__Output } from '../../millrace/v1/ReadRequest.ts';
import type { ReadResponse as _millrace_v1_ReadResponse, ReadResponse__Output as _millrace_v1_ReadResponse__Output } from '../../millrace/v1/ReadResponse.ts';

export interface FeaturesClient extends grpc.Client {
  /**
   * Feature values of entities, now or at any past moment.
   */
  Read(argument: _millrace_v1_ReadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_ReadResponse__Output>): grpc.ClientUnaryCall;
  Read(argument: _millrace_v1_ReadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_millrace_v1_ReadResponse__Output>): grpc.ClientUnaryCall;
  Read(argument: _millrace_v1_ReadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_ReadResponse__Output>): grpc.ClientUnaryCall;
  Read(argument: _millrace_v1_ReadRequest, callback: grpc.requestCallback<_millrace_v1_ReadResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Feature values of entities, now or at any past moment.
   */
  read(argument: _millrace_v1_ReadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_ReadResponse__Output>): grpc.ClientUnaryCall;
  read(argument: _millrace_v1_ReadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_millrace_v1_ReadResponse__Output>): grpc.ClientUnaryCall;
  read(argument: _millrace_v1_ReadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_millrace_v1_ReadResponse__Output>): grpc.ClientUnaryCall;
  read(argument: _millrace_v1_ReadRequest, callback: grpc.requestCallback<_millrace_v1_ReadResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Any number of reads in one call, answered in order. The answer to a refused read has `error`;
   * the stream goes on.
   */
  ReadStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_millrace_v1_ReadRequest, _millrace_v1_ReadResponse__Output>;
  ReadStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_millrace_v1_ReadRequest, _millrace_v1_ReadResponse__Output>;
  /**
   * Any number of reads in one call, answered in order. The answer to a refused read has `error`;
   * the stream goes on.
   */
  readStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_millrace_v1_ReadRequest, _millrace_v1_ReadResponse__Output>;
  readStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_millrace_v1_ReadRequest, _millrace_v1_ReadResponse__Output>;
  
}

export interface FeaturesHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Feature values of entities, now or at any past moment.
   */
  Read: grpc.handleUnaryCall<_millrace_v1_ReadRequest__Output, _millrace_v1_ReadResponse>;
  
  /**
   * Any number of reads in one call, answered in order. The answer to a refused read has `error`;
   * the stream goes on.
   */
  ReadStream: grpc.handleBidiStreamingCall<_millrace_v1_ReadRequest__Output, _millrace_v1_ReadResponse>;
  
}

export interface FeaturesDefinition extends grpc.ServiceDefinition {
  Read: MethodDefinition<_millrace_v1_ReadRequest, _millrace_v1_ReadResponse, _millrace_v1_ReadRequest__Output, _millrace_v1_ReadResponse__Output>
  ReadStream: MethodDefinition<_millrace_v1_ReadRequest, _millrace_v1_ReadResponse, _millrace_v1_ReadRequest__Output, _millrace_v1_ReadResponse__Output>
}

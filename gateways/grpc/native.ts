/** Millrace's own services: millrace.v1.Features and millrace.v1.Events. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Caller } from '#domain/api/caller.ts';
import type { PublishRequest } from '#domain/api/publishing.ts';
import type { ReadResult } from '#domain/api/serving.ts';
import { bounded, checkBatch, checkRead } from '#gateways/shared/checks.ts';
import { duplex, remainingMs, unary } from './calls.ts';
import { createReadRequestDecoder } from './decode-read.ts';
import { encodeReadResponse, type RefusedAnswer } from './encode-read.ts';
import type { ProducerSequenceRequest__Output } from './generated/millrace/v1/ProducerSequenceRequest.ts';
import type { PublishRequest__Output } from './generated/millrace/v1/PublishRequest.ts';
import type { PublishResponse } from './generated/millrace/v1/PublishResponse.ts';
import { nativeProtos } from './native-protos.ts';
import { serviceOf } from './protos.ts';
import type { GrpcContext, GrpcService, IncomingCall, ServiceModule } from './service-module.ts';
import { plainRowOf, structOf } from './struct.ts';

type ReadAnswer = ReadResult | RefusedAnswer;

const publishRequestOf = (request: PublishRequest__Output): PublishRequest => ({
  source: request.source,
  events: request.events.map(plainRowOf),
  ...(request.producer === ''
    ? {}
    : { producer: { id: request.producer, sequence: request.sequence } }),
});

const features = (context: GrpcContext): GrpcService => {
  const { platform, limits } = context;
  const definition = serviceOf(nativeProtos, 'millrace.v1.Features');
  const decode = createReadRequestDecoder();
  // Decoding happens in the handler: grpc-js cannot answer a refusal of its deserializer.
  const serialized = {
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (answer: object) => encodeReadResponse(answer as ReadAnswer),
  };
  const read = (bytes: Buffer, call: IncomingCall, caller: Caller): Promise<ReadAnswer> => {
    const decoded = decode(bytes);
    checkRead(decoded, limits);
    const request = bounded(decoded, limits);
    if (request.after === undefined) return platform.serving.read(request, caller);
    const waitMs = remainingMs(call);
    return platform.serving.read(waitMs === null ? request : { ...request, waitMs }, caller);
  };
  const implementation: UntypedServiceImplementation = {
    Read: unary<Buffer, ReadAnswer>(context, read),
    ReadStream: duplex<Buffer, ReadAnswer>(context, read, (code, message, details) => ({
      error: { code, message, details },
    })),
  };
  const { Read, ReadStream } = definition;
  return {
    definition: {
      ...definition,
      Read: { ...Read, ...serialized },
      ReadStream: { ...ReadStream, ...serialized },
    } as GrpcService['definition'],
    implementation,
  };
};

const events = (context: GrpcContext): GrpcService => {
  const { platform, limits } = context;
  const publish = async (
    message: PublishRequest__Output,
    caller: Caller,
  ): Promise<PublishResponse> => {
    const request = publishRequestOf(message);
    checkBatch(request.events, limits);
    const { accepted, duplicates, rejected, position } = await platform.publishing.publish(
      request,
      caller,
    );
    return {
      accepted,
      duplicates,
      rejected: rejected.map(({ index, field = '', code, message: why }) => ({
        index,
        field,
        code,
        message: why,
      })),
      position,
    };
  };
  return {
    definition: serviceOf(nativeProtos, 'millrace.v1.Events'),
    implementation: {
      Publish: unary<PublishRequest__Output, PublishResponse>(context, (request, _call, caller) =>
        publish(request, caller),
      ),
      PublishStream: duplex<PublishRequest__Output, PublishResponse>(
        context,
        (request, _call, caller) => publish(request, caller),
        (code, message, details) => ({ error: { code, message, details: structOf(details) } }),
      ),
      ProducerSequence: unary<ProducerSequenceRequest__Output, { readonly next: number }>(
        context,
        async ({ source, producer }, _call, caller) => ({
          next: await platform.publishing.producerSequence(source, producer, caller),
        }),
      ),
    },
  };
};

export const nativeServices: ServiceModule = {
  name: 'millrace',
  services: (context) => [features(context), events(context)],
};

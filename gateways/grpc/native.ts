/** Millrace's own services: millrace.v1.Features and millrace.v1.Events. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { checkBatch, checkRead } from '#gateways/checks.ts';
import { timeOf } from '#gateways/http/parameters.ts';
import type { Caller, PublishRequest, ReadRequest, ReadResult } from '#gateways/platform.ts';
import { duplex, type IncomingCall, remainingMs, unary } from './calls.ts';
import { encodeReadResponse, type RefusedAnswer } from './encode-read.ts';
import type { ProducerSequenceRequest__Output } from './generated/millrace/v1/ProducerSequenceRequest.ts';
import type { PublishRequest__Output } from './generated/millrace/v1/PublishRequest.ts';
import type { PublishResponse } from './generated/millrace/v1/PublishResponse.ts';
import type { ReadRequest__Output } from './generated/millrace/v1/ReadRequest.ts';
import { nativeProtos } from './native-protos.ts';
import { serviceOf } from './protos.ts';
import type { GrpcContext, GrpcProtocol, GrpcService } from './service.ts';
import { plainRowOf, structOf } from './struct.ts';

type ReadAnswer = ReadResult | RefusedAnswer;

const readRequestOf = (request: ReadRequest__Output, waitMs: number | null): ReadRequest => ({
  ...(request.service === '' ? {} : { service: request.service }),
  ...(request.features.length === 0 && request.service !== '' ? {} : { features: request.features }),
  entities: request.entities.map(plainRowOf) as ReadRequest['entities'],
  ...(request.request.length === 0 ? {} : { request: request.request.map(plainRowOf) as NonNullable<ReadRequest['request']> }),
  ...(request._at === undefined ? {} : { at: timeOf('at', Number(request.at)) }),
  ...(request._known === undefined ? {} : { known: timeOf('known', Number(request.known)) }),
  ...(request.after === '' ? {} : { after: request.after, ...(waitMs === null ? {} : { waitMs }) }),
});

const publishRequestOf = (request: PublishRequest__Output): PublishRequest => ({
  source: request.source,
  events: request.events.map(plainRowOf),
  ...(request.producer === '' ? {} : { producer: { id: request.producer, sequence: request.sequence } }),
});

const features = (context: GrpcContext): GrpcService => {
  const { platform, limits } = context;
  const definition = serviceOf(nativeProtos, 'millrace.v1.Features');
  const serialized = { responseSerialize: (answer: object) => encodeReadResponse(answer as ReadAnswer) };
  const read = (message: ReadRequest__Output, call: IncomingCall, caller: Caller): Promise<ReadAnswer> => {
    const request = readRequestOf(message, remainingMs(call));
    checkRead(request, limits);
    return platform.read(request, caller);
  };
  const implementation: UntypedServiceImplementation = {
    Read: unary<ReadRequest__Output, ReadAnswer>(context, read),
    ReadStream: duplex<ReadRequest__Output, ReadAnswer>(context, read, (code, message, details) => ({
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
  const publish = async (message: PublishRequest__Output, caller: Caller): Promise<PublishResponse> => {
    const request = publishRequestOf(message);
    checkBatch(request.events, limits);
    const { accepted, duplicates, rejected, position } = await platform.publish(request, caller);
    return {
      accepted,
      duplicates,
      rejected: rejected.map(({ index, field = '', code, message: why }) => ({ index, field, code, message: why })),
      position,
    };
  };
  return {
    definition: serviceOf(nativeProtos, 'millrace.v1.Events'),
    implementation: {
      Publish: unary<PublishRequest__Output, PublishResponse>(context, (request, _call, caller) => publish(request, caller)),
      PublishStream: duplex<PublishRequest__Output, PublishResponse>(
        context,
        (request, _call, caller) => publish(request, caller),
        (code, message, details) => ({ error: { code, message, details: structOf(details) } }),
      ),
      ProducerSequence: unary<ProducerSequenceRequest__Output, { readonly next: number }>(
        context,
        async ({ source, producer }, _call, caller) => ({
          next: await platform.producerSequence(source, producer, caller),
        }),
      ),
    },
  };
};

export const nativeProtocol: GrpcProtocol = { services: (context) => [features(context), events(context)] };

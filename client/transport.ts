/** The gRPC calls as promises, with deadlines; refusals are thrown as MillraceError. */
import {
  type ChannelCredentials,
  type Client,
  credentials as grpcCredentials,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { ServiceDefinition } from '@grpc/proto-loader';
import { context, isSpanContextValid, trace } from '@opentelemetry/api';
import { MillraceError } from '#domain/errors.ts';
import type { EventsClient } from '#gateways/grpc/generated/millrace/v1/Events.ts';
import type { FeaturesClient } from '#gateways/grpc/generated/millrace/v1/Features.ts';
import type { ProducerSequenceResponse__Output } from '#gateways/grpc/generated/millrace/v1/ProducerSequenceResponse.ts';
import type { PublishRequest } from '#gateways/grpc/generated/millrace/v1/PublishRequest.ts';
import type { PublishResponse__Output } from '#gateways/grpc/generated/millrace/v1/PublishResponse.ts';
import type { ReadRequest } from '#gateways/grpc/generated/millrace/v1/ReadRequest.ts';
import type { ReadResponse__Output } from '#gateways/grpc/generated/millrace/v1/ReadResponse.ts';
import { nativeProtos } from '#gateways/grpc/native-protos.ts';
import { serviceOf } from '#gateways/grpc/protos.ts';
import { refusalOfServiceError } from '#gateways/grpc/refusal.ts';

export interface TransportOptions {
  /** host:port of the gRPC gateway */
  readonly address: string;
  /** an API key or a token */
  readonly key?: string;
  /** name of the caller, for a server without keys */
  readonly actor?: string;
  /** PEM of the authority that signed the server's certificate; with it, TLS is used */
  readonly ca?: Buffer;
  /** PEM of the client's certificate and its key, if the server requires one */
  readonly certificate?: { readonly cert: Buffer; readonly key: Buffer };
}

export interface Transport {
  readonly read: (request: ReadRequest, deadline: number) => Promise<ReadResponse__Output>;
  readonly publish: (request: PublishRequest, deadline: number) => Promise<PublishResponse__Output>;
  readonly producerSequence: (
    request: { readonly source: string; readonly producer: string },
    deadline: number,
  ) => Promise<ProducerSequenceResponse__Output>;
  readonly close: () => void;
}

const errorOf = (error: ServiceError, address: string): MillraceError => {
  const refusal = refusalOfServiceError(error);
  if (refusal !== null) return refusal;
  if (error.code === status.UNAVAILABLE)
    return new MillraceError(
      'MR_UNREACHABLE',
      `no gRPC server answers at ${address}: ${error.details}`,
      { address },
    );
  if (error.code === status.DEADLINE_EXCEEDED)
    return new MillraceError('MR_DEADLINE', `${address} did not answer before the deadline`, {
      address,
    });
  if (error.code === status.RESOURCE_EXHAUSTED)
    return new MillraceError('MR_BODY_TOO_LARGE', error.details, { address });
  return new MillraceError(
    'MR_INTERNAL',
    `${address} answered ${status[error.code]}: ${error.details}`,
    { address },
  );
};

type Call<Request, Answer> = (
  request: Request,
  metadata: Metadata,
  options: { readonly deadline: number },
  callback: (error: ServiceError | null, answer?: Answer) => void,
) => unknown;

const clientOf = <T extends Client>(
  definition: ServiceDefinition,
  address: string,
  credentials: ChannelCredentials,
): T =>
  new (makeGenericClientConstructor(definition, 'millrace'))(address, credentials, {
    // The channels of both services share their connections.
    'grpc.use_local_subchannel_pool': 0,
    'grpc.max_receive_message_length': 256 * 1024 * 1024,
    'grpc.enable_retries': 0,
    // Reconnect within a second after any outage: gRPC's default waits grow to two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
  }) as unknown as T;

/** Adds the trace context of the program to the call, if OpenTelemetry has an active span. */
const withTrace = (metadata: Metadata): Metadata => {
  const span = trace.getSpanContext(context.active());
  if (span === undefined || !isSpanContextValid(span)) return metadata;
  const { traceId, spanId, traceFlags, traceState } = span;
  const traced = metadata.clone();
  traced.set('traceparent', `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`);
  if (traceState !== undefined) traced.set('tracestate', traceState.serialize());
  return traced;
};

export const openTransport = ({
  address,
  key,
  actor,
  ca,
  certificate,
}: TransportOptions): Transport => {
  const credentials =
    ca === undefined && certificate === undefined
      ? grpcCredentials.createInsecure()
      : grpcCredentials.createSsl(ca, certificate?.key, certificate?.cert);
  const features = clientOf<FeaturesClient>(
    serviceOf(nativeProtos, 'millrace.v1.Features'),
    address,
    credentials,
  );
  const events = clientOf<EventsClient>(
    serviceOf(nativeProtos, 'millrace.v1.Events'),
    address,
    credentials,
  );
  const metadata = new Metadata();
  if (key !== undefined) metadata.set('authorization', `Bearer ${key}`);
  if (actor !== undefined) metadata.set('x-millrace-actor', actor);
  const asPromise =
    <Request, Answer>(call: Call<Request, Answer>) =>
    (request: Request, deadline: number): Promise<Answer> =>
      new Promise((resolve, reject) => {
        call(request, withTrace(metadata), { deadline }, (error, answer) =>
          error === null ? resolve(answer as Answer) : reject(errorOf(error, address)),
        );
      });
  return {
    read: asPromise<ReadRequest, ReadResponse__Output>((...args) => features.Read(...args)),
    publish: asPromise<PublishRequest, PublishResponse__Output>((...args) =>
      events.Publish(...args),
    ),
    producerSequence: asPromise((...args) => events.ProducerSequence(...args)),
    close() {
      features.close();
      events.close();
    },
  };
};

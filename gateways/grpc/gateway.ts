/**
 * The gRPC gateway: our own services and Feast's on one port, with reflection and health
 * (grpc.health.v1).
 *
 * Closing drains: health says NOT_SERVING, no new call is taken, those in flight end (at most
 * `drainMs`), then it stops.
 */
import { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { Platform } from '#domain/api/platform.ts';
import { fail } from '#domain/errors.ts';
import type { Access } from '#domain/ports/access.ts';
import type { Logger } from '#domain/ports/logger.ts';
import { createByteBudget } from '#gateways/byte-budget.ts';
import { feastProtocol } from '#gateways/feast/grpc.ts';
import type { FeastStatuses } from '#gateways/feast/online-features.ts';
import { DEFAULT_LIMITS, type HttpLimits } from '#gateways/http/limits.ts';
import { createRequestLog, logInternalError } from '#gateways/logging/request-log.ts';
import type { Tls } from '#gateways/tls.ts';
import { createScopes } from './call-scope.ts';
import { grpcCredentials } from './credentials.ts';
import { inFlightInterceptor } from './in-flight.ts';
import { nativeProtocol } from './native.ts';
import { addReflection } from './reflection.ts';

export interface GrpcGatewayOptions {
  /** the one of `access`, where that is given */
  readonly platform: Platform;
  /** absent: nobody is asked who he is */
  readonly access?: Access;
  /** default 127.0.0.1: others are let in only by naming an address */
  readonly host?: string;
  /** default 7412; 0: any free one */
  readonly port?: number;
  readonly limits?: Partial<HttpLimits>;
  readonly version?: string;
  readonly feastStatuses?: FeastStatuses;
  /** absent: without TLS */
  readonly tls?: Tls;
  /** absent: calls are not logged */
  readonly log?: Logger;
  /** a call that takes longer is logged, ms; default 1000 */
  readonly slowMs?: number;
  /** a cause that no caller is shown; default: to the log, or stderr without one */
  readonly onInternalError?: (error: unknown, request: string) => void;
}

export interface GrpcGateway {
  /** host:port */
  readonly address: string;
  /** all calls that it serves, but for health and reflection: `/millrace.v1.Features/Read` */
  readonly calls: readonly string[];
  /** Drains and stops; idempotent. */
  readonly close: () => Promise<void>;
}

const STREAMS = 1000;
/**
 * Of one connection, what waits to be sent to it above all: while it has more, new calls of it are
 * refused.
 */
const SESSION_MIB = 64;
/** A client that is gone without a word is found out by a ping, not by the next answer. */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 60_000, 'grpc.keepalive_timeout_ms': 20_000 };

export const createGrpcGateway = async (options: GrpcGatewayOptions): Promise<GrpcGateway> => {
  const {
    platform,
    host = '127.0.0.1',
    port = 7412,
    version = '0.1.0',
    feastStatuses = 'exact',
    log,
  } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { access } = options;
  const onInternalError = options.onInternalError ?? logInternalError(log);
  const openScope = createScopes({
    platform,
    log: log === undefined ? null : createRequestLog(log, options.slowMs),
  });
  const context = {
    platform,
    limits,
    onInternalError,
    openScope,
    ...(access === undefined ? {} : { access }),
  };
  const server = new Server({
    'grpc.max_receive_message_length': limits.bodyBytes,
    'grpc.max_concurrent_streams': STREAMS,
    'grpc-node.max_session_memory': SESSION_MIB,
    interceptors: [inFlightInterceptor(createByteBudget(limits.inFlightBytes))],
    // Nobody reads its counters here: the platform has its own.
    'grpc.enable_channelz': 0,
    ...KEEPALIVE,
  });
  const protocols = [nativeProtocol, feastProtocol(feastStatuses, version)];
  const services = protocols.flatMap((protocol) => protocol.services(context));
  for (const { definition, implementation } of services)
    server.addService(definition, implementation);
  const calls = services.flatMap(({ definition }) =>
    Object.values(definition).map(({ path }) => path),
  );
  const names = [...new Set(calls.map((path) => path.split('/')[1] as string))];
  const health = new HealthImplementation(
    Object.fromEntries(['', ...names].map((name) => [name, 'SERVING'] as const)),
  );
  health.addToServer(server);
  addReflection(server, [...names, 'grpc.health.v1.Health']);

  const bound = await new Promise<number>((resolve, reject) => {
    const named = host.includes(':') ? `[${host}]` : host;
    server.bindAsync(`${named}:${port}`, grpcCredentials(options.tls), (error, at) =>
      error === null ? resolve(at) : reject(error),
    );
  }).catch((error: Error) =>
    /EADDRINUSE/.test(error.message)
      ? fail('MR_REFUSED', `port ${port} of ${host} is taken: choose another with --grpc-port`, {
          host,
          port,
        })
      : Promise.reject(error),
  );

  let closing: Promise<void> | null = null;
  const drain = async (): Promise<void> => {
    for (const name of ['', ...names]) health.setStatus(name, 'NOT_SERVING');
    const deadline = setTimeout(() => server.forceShutdown(), limits.drainMs);
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    clearTimeout(deadline);
  };
  return {
    calls,
    address: `${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close() {
      closing ??= drain();
      return closing;
    },
  };
};

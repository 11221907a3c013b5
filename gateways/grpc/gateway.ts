/**
 * The gRPC gateway: the services that it is given, on one port, with reflection and health
 * (grpc.health.v1).
 *
 * Closing drains: health answers NOT_SERVING, the gateway takes no new call, calls in flight end,
 * within `drainMs`; then the gateway stops.
 */
import type { Server as NetServer } from 'node:net';
import { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { fail } from '#domain/errors.ts';
import { createRequestLog, logInternalError } from '#gateways/logging/request-log.ts';
import { clientAddress } from '#gateways/shared/client-address.ts';
import type { GatewayOptions } from '#gateways/shared/gateway-options.ts';
import { DEFAULT_LIMITS } from '#gateways/shared/limits.ts';
import { createCallBudgets } from './call-budgets.ts';
import { createScopes } from './call-scope.ts';
import { principalOf } from './caller.ts';
import { grpcCredentials } from './credentials.ts';
import { inFlightInterceptor } from './in-flight.ts';
import { addReflection } from './reflection.ts';
import type { ServiceModule } from './service-module.ts';

/** The default port is 7412. */
export interface GrpcGatewayOptions extends GatewayOptions {
  /** the services: `grpcModules()` for all of them */
  readonly modules: readonly ServiceModule[];
}

export interface GrpcGateway {
  /** host:port */
  readonly address: string;
  /** all calls except health and reflection: `/millrace.v1.Features/Read` */
  readonly calls: readonly string[];
  /** Drains and stops; idempotent. */
  readonly close: () => Promise<void>;
}

const STREAMS = 1000;
/**
 * Memory of one connection, mostly answers that wait to be sent. Above it, new calls of the
 * connection are refused.
 */
const SESSION_MIB = 64;
/** Pings find a client that is gone without closing its connection. */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 60_000, 'grpc.keepalive_timeout_ms': 20_000 };

/**
 * grpc-js has no option for it, and does not declare its servers. tests/access checks that it has
 * them.
 */
const limitConnections = (server: Server, connections: number): void => {
  const { http2Servers } = server as unknown as {
    readonly http2Servers: ReadonlyMap<NetServer, unknown>;
  };
  for (const listening of http2Servers.keys()) listening.maxConnections = connections;
};

export const createGrpcGateway = async (options: GrpcGatewayOptions): Promise<GrpcGateway> => {
  const { modules, platform, access, host = '127.0.0.1', port = 7412, log } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const onInternalError = options.onInternalError ?? logInternalError(log);
  const openScope = createScopes({
    platform,
    log: log === undefined ? null : createRequestLog(log, options.slowMs),
  });
  const budgets = createCallBudgets(limits);
  const context = {
    platform,
    budgets,
    limits,
    onInternalError,
    openScope,
    addressOf: clientAddress(options.trustedProxies),
    ...(access === undefined ? {} : { access }),
  };
  const server = new Server({
    'grpc.max_receive_message_length': limits.bodyBytes,
    'grpc.max_concurrent_streams': STREAMS,
    'grpc-node.max_session_memory': SESSION_MIB,
    interceptors: [
      inFlightInterceptor(budgets, (metadata, peer) => principalOf(context, metadata, peer)),
    ],
    // Its counters are not used: the platform has its own.
    'grpc.enable_channelz': 0,
    ...KEEPALIVE,
  });
  const services = modules.flatMap((module) => module.services(context));
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
      ? fail('MR_REFUSED', `port ${port} of ${host} is in use: choose another with --grpc-port`, {
          host,
          port,
        })
      : Promise.reject(error),
  );

  limitConnections(server, limits.connections);

  let closing: Promise<void> | null = null;
  const drain = async (): Promise<void> => {
    for (const name of ['', ...names]) health.setStatus(name, 'NOT_SERVING');
    const deadline = setTimeout(() => server.forceShutdown(), limits.drainMs);
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    clearTimeout(deadline);
    budgets.stop();
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

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
import type { Access, Platform } from '#domain/api/platform.ts';
import { fail } from '#domain/errors.ts';
import type { Logger } from '#domain/ports/logger.ts';
import { createRequestLog, logInternalError } from '#gateways/logging/request-log.ts';
import { clientAddress } from '#gateways/shared/client-address.ts';
import { DEFAULT_LIMITS, type GatewayLimits } from '#gateways/shared/limits.ts';
import type { Tls } from '#gateways/shared/tls.ts';
import { createCallBudgets } from './call-budgets.ts';
import { createScopes } from './call-scope.ts';
import { principalOf } from './caller.ts';
import { grpcCredentials } from './credentials.ts';
import { inFlightInterceptor } from './in-flight.ts';
import { addReflection } from './reflection.ts';
import type { ServiceModule } from './service-module.ts';

export interface GrpcGatewayOptions {
  /** the services: `grpcModules()` for all of them */
  readonly modules: readonly ServiceModule[];
  /** with `access`: its platform */
  readonly platform: Platform;
  /** absent: callers are not authenticated */
  readonly access?: Access;
  /** default 127.0.0.1: only this machine can connect */
  readonly host?: string;
  /** default 7412; 0: any free one */
  readonly port?: number;
  readonly limits?: Partial<GatewayLimits>;
  /** proxies whose `x-forwarded-for` counts, as addresses or CIDR */
  readonly trustedProxies?: readonly string[];
  /** absent: without TLS */
  readonly tls?: Tls;
  /** absent: calls are not logged */
  readonly log?: Logger;
  /** calls that take longer are logged, ms; default 1000 */
  readonly slowMs?: number;
  /**
   * gets the cause of an internal error, which callers do not see; default: the log, or stderr
   * without a log
   */
  readonly onInternalError?: (error: unknown, request: string) => void;
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

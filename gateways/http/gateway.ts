/**
 * The HTTP gateway: a thin layer over the platform. It reads requests, enforces limits, and gives
 * every answer and every refusal its documented form. The routes are given to it as modules.
 *
 * Closing drains: the gateway takes no new connection and answers new requests on open ones with
 * 503 MR_UNAVAILABLE; requests in flight end, within `drainMs`; then the gateway stops. It does not
 * close the platform.
 */
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { fail } from '#domain/errors.ts';
import { createRequestLog, logInternalError } from '#gateways/logging/request-log.ts';
import { createByteBudget } from '#gateways/shared/byte-budget.ts';
import { clientAddress } from '#gateways/shared/client-address.ts';
import type { GatewayOptions } from '#gateways/shared/gateway-options.ts';
import { DEFAULT_LIMITS } from '#gateways/shared/limits.ts';
import { REQUEST_ID } from '#gateways/shared/request-id.ts';
import { CIPHERS, MIN_TLS, type Tls } from '#gateways/shared/tls.ts';
import { createApp, refuseOtherOrigins } from './app.ts';
import { addAuthentication } from './authenticate.ts';
import { addJsonParser } from './body-parsers.ts';
import { addMeter } from './meter.ts';
import { addNotFound } from './not-found.ts';
import { addOpenApi } from './openapi.ts';
import { bodyReader } from './read-body.ts';
import { addRequestLog } from './request-log.ts';
import type { RouteContext, RouteModule } from './route-module.ts';
import { addTracing } from './tracing.ts';

/** The default port is 7411. */
export interface HttpGatewayOptions extends GatewayOptions {
  /** the routes: `httpModules()` for all of them */
  readonly modules: readonly RouteModule[];
  /** the directory in which requests may name files; absent: callers on this machine name any */
  readonly filesRoot?: string;
  readonly version?: string;
}

export interface HttpGateway {
  readonly url: string;
  /** all routes: `POST /v1/features` */
  readonly routes: readonly string[];
  /** Drains and stops; idempotent. */
  readonly close: () => Promise<void>;
}

const IDLE_SWEEP_MS = 20;

/**
 * Each module has a scope of its own, with its own error handler and body parsers if it adds any.
 */
const addModule = (app: FastifyInstance, module: RouteModule, context: RouteContext): void => {
  app.register(async (scope) => {
    scope.addHook('onRoute', ({ url }) => {
      if (!url.startsWith(module.prefix))
        throw new Error(`route ${url} of module ${module.name} is outside ${module.prefix}`);
    });
    module.register(scope, context);
  });
};

const urlOf = (app: FastifyInstance, tls: Tls | undefined): string => {
  const { address, family, port } = app.server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;
};

export const createHttpGateway = async (options: HttpGatewayOptions): Promise<HttpGateway> => {
  const { modules, platform, access, tls, log } = options;
  const { host = '127.0.0.1', port = 7411, version = '0.1.0' } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const addressOf = clientAddress(options.trustedProxies);
  const app = createApp(limits, options.onInternalError ?? logInternalError(log), tls, addressOf);
  let closing: Promise<void> | null = null;
  const readBody = bodyReader(
    limits,
    createByteBudget(limits.inFlightBytes, limits.callerInFlightBytes),
  );
  addJsonParser(app, readBody);

  app.addHook('onRequest', (request, reply, done) => {
    reply.header(REQUEST_ID, request.id);
    if (request.headers.origin !== undefined) refuseOtherOrigins(request, access);
    if (closing !== null) {
      reply.header('connection', 'close');
      if (request.url !== '/healthz' && request.url !== '/readyz')
        fail('MR_UNAVAILABLE', 'the server is stopping: try again shortly');
    }
    done();
  });
  const routes: string[] = [];
  app.addHook('onRoute', ({ method, url: path }) => {
    for (const one of [method].flat()) if (one !== 'HEAD') routes.push(`${one} ${path}`);
  });
  addAuthentication(app, access);
  addMeter(app, platform.requests);
  addTracing(app, platform.tracing);
  if (log !== undefined) addRequestLog(app, createRequestLog(log, options.slowMs));
  addNotFound(app);
  await addOpenApi(app, version);
  const { filesRoot } = options;
  const context = { platform, limits, filesRoot, draining: () => closing !== null, readBody };
  for (const module of modules) addModule(app, module, context);
  await app.listen({ host, port });
  tls?.onChange((pem) =>
    (app.server as unknown as TlsServer).setSecureContext({
      ...pem,
      minVersion: MIN_TLS,
      ciphers: CIPHERS,
    }),
  );

  const drain = async (): Promise<void> => {
    const sweep = setInterval(() => app.server.closeIdleConnections(), IDLE_SWEEP_MS);
    const deadline = setTimeout(() => app.server.closeAllConnections(), limits.drainMs);
    try {
      await app.close();
    } finally {
      clearInterval(sweep);
      clearTimeout(deadline);
    }
  };
  return {
    routes,
    url: urlOf(app, tls),
    close() {
      closing ??= drain();
      return closing;
    },
  };
};

/**
 * The HTTP gateway: a thin skin over the platform. It reads requests, enforces limits, and gives
 * every answer and every refusal its promised form; what things mean is the platform's business.
 *
 * Closing drains: no new connection is taken, a new request on an open one gets 503 MR_UNAVAILABLE,
 * those in flight end (at most `drainMs`), then it stops. The platform is its owner's to close.
 */
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Platform } from '#domain/api/platform.ts';
import { fail } from '#domain/errors.ts';
import type { Access } from '#domain/ports/access.ts';
import type { Logger } from '#domain/ports/logger.ts';
import { createByteBudget } from '#gateways/byte-budget.ts';
import type { FeastStatuses } from '#gateways/feast/online-features.ts';
import { feastRoutes } from '#gateways/feast/routes.ts';
import { createRequestLog, logInternalError } from '#gateways/logging/request-log.ts';
import { REQUEST_ID, requestIds } from '#gateways/request-id.ts';
import { MIN_TLS, type Tls } from '#gateways/tls.ts';
import { addAuthentication, sayHow } from './authenticate.ts';
import { addJsonParser } from './body-parsers.ts';
import { clientErrorHandler } from './client-error.ts';
import { watchConnections } from './connections.ts';
import { answerOf } from './errors.ts';
import { JSON_TYPE } from './json-type.ts';
import { DEFAULT_LIMITS, type HttpLimits } from './limits.ts';
import { addMeter } from './meter.ts';
import { addNotFound } from './not-found.ts';
import { addOpenApi } from './openapi.ts';
import { bodyReader } from './read-body.ts';
import { addRequestLog } from './request-log.ts';
import type { RouteContext } from './route.ts';
import { auditRoutes } from './routes/audit.ts';
import { datasetRoutes } from './routes/datasets.ts';
import { eventRoutes } from './routes/events.ts';
import { explainRoutes } from './routes/explain.ts';
import { featureLogRoutes } from './routes/feature-log.ts';
import { featureRoutes } from './routes/features.ts';
import { healthRoutes } from './routes/health.ts';
import { keyRoutes } from './routes/keys.ts';
import { readModelRoutes } from './routes/read-models.ts';
import { registryRoutes } from './routes/registry.ts';
import { replayRoutes } from './routes/replays.ts';
import { addTracing } from './tracing.ts';

export interface HttpGatewayOptions {
  /** the one of `access`, where that is given */
  readonly platform: Platform;
  /** absent: nobody is asked who he is */
  readonly access?: Access;
  /** absent: without TLS */
  readonly tls?: Tls;
  /** default 127.0.0.1: others are let in only by naming an address */
  readonly host?: string;
  /** default 7411; 0: any free one */
  readonly port?: number;
  readonly limits?: Partial<HttpLimits>;
  readonly version?: string;
  /**
   * how Feast's clients are told of nulls and of values past their ttl: `exact`, or as Feast itself
   * does; default exact
   */
  readonly feastStatuses?: FeastStatuses;
  /** absent: requests are not logged */
  readonly log?: Logger;
  /** a request that takes longer is logged, ms; default 1000 */
  readonly slowMs?: number;
  /** a cause that no caller is shown; default: to the log, or stderr without one */
  readonly onInternalError?: (error: unknown, request: string) => void;
}

export interface HttpGateway {
  readonly url: string;
  /** all that it serves: `POST /v1/features` */
  readonly routes: readonly string[];
  /** Drains and stops; idempotent. */
  readonly close: () => Promise<void>;
}

const ROUTES = [
  eventRoutes,
  featureRoutes,
  registryRoutes,
  datasetRoutes,
  replayRoutes,
  explainRoutes,
  auditRoutes,
  featureLogRoutes,
  keyRoutes,
  readModelRoutes,
  healthRoutes,
];
const MAX_PARAM = 500;
const IDLE_SWEEP_MS = 20;

/** A page from elsewhere that a browser on this machine has open must not command the platform. */
const refuseForeignPages = (request: FastifyRequest, access: Access | undefined): void => {
  const { origin, host } = request.headers;
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return;
  const message = `pages of ${origin} may not call this server`;
  access?.refused({
    actor: 'page',
    command: 'Call',
    subject: `origin/${origin}`,
    code: 'MR_ORIGIN_REFUSED',
    message,
  });
  fail('MR_ORIGIN_REFUSED', message, { origin });
};

/** An HTTP and an HTTPS server differ in their types only. */
const secured = (tls: Tls | undefined): object =>
  tls === undefined
    ? {}
    : {
        https: {
          ...tls.current(),
          minVersion: MIN_TLS,
          ...(tls.current().ca === undefined ? {} : { requestCert: true }),
        },
      };

const createApp = (
  limits: HttpLimits,
  onInternalError: (error: unknown, request: string) => void,
  tls: Tls | undefined,
): FastifyInstance => {
  const idOf = requestIds();
  const app: FastifyInstance = Fastify({
    ...secured(tls),
    bodyLimit: limits.bodyBytes,
    routerOptions: { maxParamLength: MAX_PARAM },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    genReqId: (raw) => idOf(raw.headers[REQUEST_ID]),
    clientErrorHandler: clientErrorHandler(limits),
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allErrors: false,
        allowUnionTypes: true,
      },
    },
    frameworkErrors(error, request, reply: FastifyReply) {
      const { status, body } = answerOf(error, request, limits);
      reply.code(status).type(JSON_TYPE).send(JSON.stringify(body));
    },
  });
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler((error, request, reply) => {
    const { status, body, internal } = answerOf(error, request, limits);
    reply.refusal = body.code;
    if (internal) onInternalError(error, request.id);
    sayHow(error, reply);
    reply.code(status).type(JSON_TYPE).serializer(JSON.stringify).send(body);
  });
  watchConnections(app, limits);
  return app;
};

export const createHttpGateway = async (options: HttpGatewayOptions): Promise<HttpGateway> => {
  const {
    platform,
    access,
    tls,
    host = '127.0.0.1',
    port = 7411,
    version = '0.1.0',
    log,
  } = options;
  const onInternalError = options.onInternalError ?? logInternalError(log);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const app = createApp(limits, onInternalError, tls);
  let closing: Promise<void> | null = null;
  const readBody = bodyReader(limits, createByteBudget(limits.inFlightBytes));
  addJsonParser(app, readBody);
  const context: RouteContext = { platform, limits, draining: () => closing !== null, readBody };

  app.addHook('onRequest', (request, reply, done) => {
    reply.header(REQUEST_ID, request.id);
    if (request.headers.origin !== undefined) refuseForeignPages(request, access);
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
  app.register(async (scope) => {
    for (const routes of [...ROUTES, feastRoutes(options.feastStatuses ?? 'exact')])
      routes(scope, context);
  });
  await app.listen({ host, port });
  tls?.onChange((pem) =>
    (app.server as unknown as TlsServer).setSecureContext({ ...pem, minVersion: MIN_TLS }),
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
  const address = app.server.address() as AddressInfo;
  const named = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    routes,
    url: `${tls === undefined ? 'http' : 'https'}://${named}:${address.port}`,
    close() {
      closing ??= drain();
      return closing;
    },
  };
};

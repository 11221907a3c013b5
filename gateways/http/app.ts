/** The Fastify instance of the gateway: its limits, its errors and its connections; no routes. */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Access } from '#domain/api/platform.ts';
import { fail } from '#domain/errors.ts';
import type { ClientAddress } from '#gateways/shared/client-address.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { REQUEST_ID, requestIds } from '#gateways/shared/request-id.ts';
import { CIPHERS, MIN_TLS, type Tls } from '#gateways/shared/tls.ts';
import { clientErrorHandler } from './client-error.ts';
import { compact } from './compact.ts';
import { watchConnections } from './connections.ts';
import { answerOf, setRefusalHeaders } from './errors.ts';
import { JSON_TYPE } from './json-type.ts';
import { setSecurityHeaders } from './security-headers.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** where the request comes from: its connection, or what a trusted proxy says */
    address: string | undefined;
  }
}

const MAX_PARAM = 500;

/**
 * A web page of another origin that is open in a browser on this machine must not send commands to
 * the platform.
 *
 * @throws MR_ORIGIN_REFUSED
 */
export const refuseOtherOrigins = (request: FastifyRequest, access: Access | undefined): void => {
  const { origin, host } = request.headers;
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return;
  const message = `pages of ${origin} may not call this server`;
  access?.refused({
    actor: 'page',
    command: 'Call',
    subject: `origin/${origin}`,
    code: 'MR_ORIGIN_REFUSED',
    message,
    beforeAuthentication: true,
    ...compact({ address: request.address }),
  });
  fail('MR_ORIGIN_REFUSED', message, { origin });
};

/** An HTTP and an HTTPS server differ in their types only. */
const tlsOptions = (tls: Tls | undefined): object =>
  tls === undefined
    ? {}
    : {
        https: {
          ...tls.current(),
          minVersion: MIN_TLS,
          ciphers: CIPHERS,
          ...(tls.current().ca === undefined ? {} : { requestCert: true }),
        },
      };

export const createApp = (
  limits: GatewayLimits,
  onInternalError: (error: unknown, request: string) => void,
  tls: Tls | undefined,
  addressOf: ClientAddress,
): FastifyInstance => {
  const idOf = requestIds();
  const app: FastifyInstance = Fastify({
    ...tlsOptions(tls),
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
      setSecurityHeaders(request.url, reply);
      reply.code(status).type(JSON_TYPE).send(JSON.stringify(body));
    },
  });
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler((error, request, reply) => {
    const { status, body, internal } = answerOf(error, request, limits);
    reply.refusal = body.code;
    if (internal) onInternalError(error, request.id);
    setRefusalHeaders(error, reply);
    reply.code(status).type(JSON_TYPE).serializer(JSON.stringify).send(body);
  });
  app.decorateRequest('address', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    setSecurityHeaders(request.url, reply);
    const forwarded = request.headers['x-forwarded-for'];
    request.address = addressOf(request.socket.remoteAddress, forwarded?.toString());
    done();
  });
  watchConnections(app, limits);
  return app;
};

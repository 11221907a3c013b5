/**
 * Limits of connections: how many may be open, how slow a request may be, and how long a client may
 * leave an answer unread. TCP keepalive finds half-open connections.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { hasCode } from '#domain/errors.ts';
import { RETRY_AFTER_S } from '#gateways/shared/byte-budget.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { watchUnread } from '#gateways/shared/unread.ts';
import { callerId } from './caller.ts';

const CHECK_MS = 1_000;
const KEEPALIVE_MS = 60_000;
/**
 * How long the rest of a refused body is read and discarded: a client often loses the answer if the
 * connection is closed at once.
 */
const LINGER_MS = 5_000;

/** Must come before the server listens, and before the routes. */
export const watchConnections = (app: FastifyInstance, limits: GatewayLimits): void => {
  const server = app.server as Server & { connectionsCheckingInterval: number };
  const unread = watchUnread<Socket>(limits, (socket) => socket.destroy());
  server.maxConnections = limits.connections;
  server.headersTimeout = limits.headMs;
  server.requestTimeout = limits.requestMs;
  server.connectionsCheckingInterval = CHECK_MS;
  const track = (socket: Socket): void => {
    unread.open(socket);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.once('close', () => unread.close(socket));
  };
  server.on('connection', track);
  // Over TLS, answers wait in the TLS socket, not in that of the connection.
  server.on('secureConnection', track);
  app.addHook('onClose', async () => unread.stop());

  app.decorateRequest('outgoing', null);
  app.addHook('onRequest', (request, reply, done) => {
    request.outgoing = reply.raw as ServerResponse;
    done();
  });
  // After the authentication, which is in `onRequest` of each route, and before the body.
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    const caller = callerId(request);
    unread.assign(request.raw.socket, caller);
    done(unread.refusal(caller, request.url === '/healthz') ?? undefined);
  });
  app.addHook('onError', (request, reply, error, done) => {
    if (hasCode(error, 'MR_OVERLOADED')) reply.header('retry-after', RETRY_AFTER_S);
    const { raw } = request;
    if (!raw.complete)
      reply.raw.once('finish', () => {
        setTimeout(() => raw.complete || raw.destroy(), LINGER_MS).unref();
      });
    done();
  });
};

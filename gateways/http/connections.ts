/**
 * Limits of connections: how many may be open, how slow a request may be, and how long a client may
 * leave an answer unread. TCP keepalive finds half-open connections.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { MillraceError } from '#domain/errors.ts';
import { overloaded, RETRY_AFTER_S } from '#gateways/shared/byte-budget.ts';
import type { GatewayLimits } from '#gateways/shared/limits.ts';
import { callerId } from './caller.ts';

const SWEEP_MS = 1_000;
const KEEPALIVE_MS = 60_000;
const SUM_MS = 5;
/**
 * How long the rest of a refused body is read and discarded: a client often loses the answer if the
 * connection is closed at once.
 */
const LINGER_MS = 5_000;

interface Reader {
  /** bytes that the client had read when it last read any */
  taken: number;
  since: number;
  /** who sent the latest request; undefined: it is not authenticated */
  caller: string | undefined;
}

/** The connections of one authenticated caller. */
interface Caller {
  readonly sockets: Set<Socket>;
  /** when the bytes were summed up */
  at: number;
  /** that the caller has not read yet */
  bytes: number;
}

/** Closes connections without progress. @returns the bytes that wait to be read, in all */
const sweepOf = (open: ReadonlyMap<Socket, Reader>, unreadMs: number): number => {
  const now = performance.now();
  let unread = 0;
  for (const [socket, reader] of open) {
    const waiting = socket.writableLength;
    const taken = socket.bytesWritten - waiting;
    unread += waiting;
    if (waiting === 0 || taken !== reader.taken) {
      reader.taken = taken;
      reader.since = now;
    } else if (now - reader.since > unreadMs) socket.destroy();
  }
  return unread;
};

/** Must come before the server listens, and before the routes. */
export const watchConnections = (app: FastifyInstance, limits: GatewayLimits): void => {
  const server = app.server as Server & { connectionsCheckingInterval: number };
  const open = new Map<Socket, Reader>();
  let unread = 0;
  server.maxConnections = limits.connections;
  server.headersTimeout = limits.headMs;
  server.requestTimeout = limits.requestMs;
  server.connectionsCheckingInterval = SWEEP_MS;
  /** the connections of each authenticated caller */
  const callers = new Map<string, Caller>();
  const assign = (socket: Socket, caller: string | undefined): void => {
    const reader = open.get(socket);
    if (reader === undefined || reader.caller === caller) return;
    const before = reader.caller === undefined ? undefined : callers.get(reader.caller);
    before?.sockets.delete(socket);
    if (reader.caller !== undefined && before?.sockets.size === 0) callers.delete(reader.caller);
    reader.caller = caller;
    if (caller === undefined) return;
    const own = callers.get(caller) ?? { sockets: new Set<Socket>(), at: 0, bytes: 0 };
    own.sockets.add(socket);
    callers.set(caller, own);
  };
  /** Summed up at most every few milliseconds: a caller may have many connections and requests. */
  const unreadOf = (name: string): number => {
    const caller = callers.get(name);
    if (caller === undefined) return 0;
    const now = performance.now();
    if (now - caller.at < SUM_MS) return caller.bytes;
    caller.at = now;
    caller.bytes = 0;
    for (const socket of caller.sockets) caller.bytes += socket.writableLength;
    return caller.bytes;
  };
  const track = (socket: Socket): void => {
    open.set(socket, { taken: 0, since: performance.now(), caller: undefined });
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.once('close', () => {
      assign(socket, undefined);
      open.delete(socket);
    });
  };
  server.on('connection', track);
  // Over TLS, answers wait in the TLS socket, not in that of the connection.
  server.on('secureConnection', track);
  const sweep = setInterval(() => {
    unread = sweepOf(open, limits.unreadMs);
  }, SWEEP_MS);
  sweep.unref();
  app.addHook('onClose', async () => clearInterval(sweep));

  app.decorateRequest('outgoing', null);
  app.addHook('onRequest', (request, reply, done) => {
    request.outgoing = reply.raw as ServerResponse;
    done();
  });
  // After the authentication, which is in `onRequest` of each route, and before the body.
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    const caller = callerId(request);
    assign(request.raw.socket, caller);
    const own = caller === undefined ? 0 : unreadOf(caller);
    if (own > limits.callerUnreadBytes)
      return done(
        overloaded('answers that this caller has not read yet', limits.callerUnreadBytes),
      );
    const most = caller !== undefined && own === 0 ? 2 * limits.unreadBytes : limits.unreadBytes;
    if (unread > most && request.url !== '/healthz')
      return done(overloaded('answers that clients have not read yet', limits.unreadBytes));
    done();
  });
  app.addHook('onError', (request, reply, error, done) => {
    if (error instanceof MillraceError && error.code === 'MR_OVERLOADED')
      reply.header('retry-after', RETRY_AFTER_S);
    const { raw } = request;
    if (!raw.complete)
      reply.raw.once('finish', () => {
        setTimeout(() => raw.complete || raw.destroy(), LINGER_MS).unref();
      });
    done();
  });
};

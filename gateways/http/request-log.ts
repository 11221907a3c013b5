/** Each answered request goes to the log, by its route. */
import type { FastifyInstance } from 'fastify';
import type { RequestLog } from '#gateways/logging/request-log.ts';
import { callerOf } from './caller.ts';

export const addRequestLog = (app: FastifyInstance, log: RequestLog): void => {
  app.addHook('onResponse', (request, reply, done) => {
    log({
      protocol: 'http',
      route: `${request.method} ${request.routeOptions.url ?? 'unmatched'}`,
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
      refusal: reply.refusal,
      failed: reply.statusCode >= 500 && reply.refusal !== 'MR_UNAVAILABLE',
      requestId: request.id,
      traceId: request.span?.traceId,
      // Who was not let in names himself only.
      actor: () => (reply.refusal === 'MR_UNAUTHENTICATED' ? 'unauthenticated' : callerOf(request).actor),
    });
    done();
  });
};

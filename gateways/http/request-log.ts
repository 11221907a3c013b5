/** Gives each answered request to the log, with its route. */
import type { FastifyInstance } from 'fastify';
import type { RequestLog } from '#gateways/logging/request-log.ts';
import { callerOf } from './caller.ts';

export const addRequestLog = (app: FastifyInstance, log: RequestLog): void => {
  app.addHook('onResponse', (request, reply, done) => {
    const { statusCode, elapsedTime, refusal } = reply;
    if (log.wants(elapsedTime, statusCode >= 400))
      log.add({
        protocol: 'http',
        route: `${request.method} ${request.routeOptions.url ?? 'unmatched'}`,
        status: statusCode,
        durationMs: elapsedTime,
        refusal,
        failed: statusCode >= 500 && refusal !== 'MR_UNAVAILABLE',
        requestId: request.id,
        traceId: request.span?.traceId,
        actor: () => callerOf(request).actor,
      });
    done();
  });
};

/**
 * Counts answered requests: duration, status, and the code of a refusal. Each route gets its meter
 * when it is registered; all unknown paths share one.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { ErrorCode } from '#domain/errors.ts';
import type { RequestMeters } from '#domain/ports/request-meter.ts';

declare module 'fastify' {
  interface FastifyReply {
    /** null: the request was not refused */
    refusal: ErrorCode | null;
  }
}

type Answered = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

/** Must come before the routes. */
export const addMeter = (app: FastifyInstance, meters: RequestMeters | undefined): void => {
  app.decorateReply('refusal', null);
  if (meters === undefined) return;
  const meterOf = (route: string): Answered => {
    const meter = meters.route('http', route);
    return (_request, reply, done) => {
      meter(reply.elapsedTime / 1000, reply.statusCode, reply.refusal);
      done();
    };
  };
  app.addHook('onRoute', (options: RouteOptions) => {
    const { method, url } = options;
    const counted = meterOf(`${[method].flat().join(',')} ${url}`);
    options.onResponse = [options.onResponse ?? []].flat().concat(counted as never);
  });
  const unmatched = meterOf('unmatched');
  app.addHook('onResponse', (request, reply, done) => {
    if (request.is404) unmatched(request, reply, done);
    else done();
  });
};

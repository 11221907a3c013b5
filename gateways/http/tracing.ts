/**
 * A span for each traced request, as a child of the caller's `traceparent` or as a new trace.
 * Probes and scrapes are not traced. A span has the route, but not the path and query, which may
 * name entities.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { inTrace, type Span, type Tracing } from '#domain/ports/tracing.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** null: not traced */
    span: Span | null;
  }
}

const UNTRACED = new Set(['/healthz', '/readyz', '/metrics', '/health']);

const endSpan = (span: Span, { raw, refusal }: FastifyReply): void => {
  const { statusCode, writableFinished } = raw;
  span.set({ 'http.response.status_code': statusCode });
  if (refusal !== null) span.set({ 'error.type': refusal });
  else if (!writableFinished) span.set({ 'error.type': 'client gone' });
  span.end({ failed: statusCode >= 500 });
};

/** Must come before the routes. */
export const addTracing = (app: FastifyInstance, tracing: Tracing | undefined): void => {
  app.decorateRequest('span', null);
  if (tracing === undefined) return;
  app.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    if (!UNTRACED.has(route)) {
      const span = tracing.start(`${request.method} ${route}`, {
        kind: 'server',
        parent: inTrace(request.headers),
        attributes: () => ({
          'http.request.method': request.method,
          'http.route': route,
          'url.scheme': request.protocol,
          'network.protocol.version': request.raw.httpVersion,
          'millrace.request_id': request.id,
        }),
      });
      if (span !== null) {
        request.span = span;
        reply.raw.once('close', () => endSpan(span, reply));
      }
    }
    done();
  });
};

import { fail } from '#domain/errors.ts';
import { callerOf } from '../caller.ts';
import { readiness } from '../read-schemas.ts';
import type { Routes } from '../route.ts';
import { answers, object, oneOf } from '../schemas.ts';

export const healthRoutes: Routes = (app, { platform, draining }) => {
  const about = (summary: string, state: string) => ({
    schema: {
      tags: ['operation'],
      summary,
      response: answers(200, object({ status: oneOf(state) })),
    },
  });
  app.get('/healthz', about('The process lives', 'ok'), async () => ({ status: 'ok' }));
  const ready = {
    tags: ['operation'],
    summary: 'Ready to serve, and in which degraded modes',
    response: answers(200, readiness),
  };
  app.get('/readyz', { schema: ready }, async () => {
    if (draining() || !platform.operations.ready())
      fail('MR_UNAVAILABLE', draining() ? 'the server is stopping' : 'the server is not ready yet');
    const degraded = platform.operations.degraded();
    return { status: 'ready', ...(degraded.length === 0 ? {} : { degraded }) };
  });
  app.get(
    '/metrics',
    { schema: { tags: ['operation'], summary: 'Prometheus metrics', produces: ['text/plain'] } },
    async (request, reply) => {
      const text = await platform.operations.metrics(callerOf(request));
      reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8');
      return text;
    },
  );
};

import { callerOf } from '../caller.ts';
import type { RouteModule } from '../route-module.ts';

export const metricsRoutes: RouteModule = {
  name: 'metrics',
  prefix: '/metrics',
  register(app, { platform }) {
    app.get(
      '/metrics',
      { schema: { tags: ['operation'], summary: 'Prometheus metrics', produces: ['text/plain'] } },
      async (request, reply) => {
        const text = await platform.operations.metrics(callerOf(request));
        reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8');
        return text;
      },
    );
  },
};

import { fail } from '#domain/errors.ts';
import type { RouteModule } from '../route-module.ts';
import { liveness, readiness } from '../schemas/operations.ts';
import { answers } from '../schemas/shapes.ts';

export const healthRoutes: RouteModule = {
  name: 'health',
  prefix: '/',
  register(app, { platform, draining }) {
    const schema = (summary: string, answer: object) => ({
      schema: { tags: ['operation'], summary, response: answers(200, answer) },
    });
    app.get('/healthz', schema('The process is alive', liveness), async () => ({ status: 'ok' }));
    app.get(
      '/readyz',
      schema('Ready to serve, and in which degraded modes', readiness),
      async () => {
        if (draining() || !platform.operations.ready())
          fail(
            'MR_UNAVAILABLE',
            draining() ? 'the server is stopping' : 'the server is not ready yet',
          );
        const degraded = platform.operations.degraded();
        return { status: 'ready', ...(degraded.length === 0 ? {} : { degraded }) };
      },
    );
  },
};

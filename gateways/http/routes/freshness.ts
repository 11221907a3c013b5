import { callerOf } from '../caller.ts';
import type { RouteModule } from '../route-module.ts';
import { freshnessReport } from '../schemas/operations.ts';
import { answers } from '../schemas/shapes.ts';

export const freshnessRoutes: RouteModule = {
  name: 'freshness',
  prefix: '/v1/freshness',
  register(app, { platform }) {
    app.get(
      '/v1/freshness',
      {
        schema: {
          tags: ['operation'],
          summary: 'How fresh each view is, compared with its target',
          response: answers(200, freshnessReport),
        },
      },
      (request) => platform.operations.freshness(callerOf(request)),
    );
  },
};

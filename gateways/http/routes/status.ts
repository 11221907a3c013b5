import { callerOf } from '../caller.ts';
import type { RouteModule } from '../route-module.ts';
import { platformStatus } from '../schemas/operations.ts';
import { answers } from '../schemas/shapes.ts';

export const statusRoutes: RouteModule = {
  name: 'status',
  prefix: '/v1/status',
  register(app, { platform }) {
    app.get(
      '/v1/status',
      {
        schema: {
          tags: ['operation'],
          summary: 'Sources, views and replays at a glance',
          response: answers(200, platformStatus),
        },
      },
      (request) => platform.operations.status(callerOf(request)),
    );
  },
};
